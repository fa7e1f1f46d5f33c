# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A native component that is installed and removed."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_install
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory

ORIGIN = {"source_sha256": "a" * 64, "method": "host", "compiler": "cc 12.2.0", "flags": ""}


def remove(record):
    """Remove everything; what was planned."""
    state = StateDirectory(str(record.parent))
    file = state.originals()
    removal = native_install.plan_removal(state, file.originals)
    native_install.remove(state, file)
    return removal
