# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python on the tests' machines imports this when it starts: what their compiler makes is kept by ccache(1).

Each machine of the tests has to build the native component by itself, of the same sources: three quarters of that is
the compiler's work. A machine without a compiler stays one.
"""

from __future__ import annotations

import os

MASQUERADING = "/usr/lib/ccache"
"""Where Debian has programs named as compilers, which are ccache."""

KEPT = "/var/cache/lab-bytecode/objects"

if os.access("/usr/bin/cc", os.X_OK) and os.path.isdir(MASQUERADING):
    os.environ["PATH"] = f"{MASQUERADING}:{os.environ.get('PATH', os.defpath)}"
    os.environ["CCACHE_DIR"] = KEPT
    # Each machine builds in a folder of another name.
    os.environ["CCACHE_NOHASHDIR"] = "1"
