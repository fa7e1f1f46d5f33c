# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python imports this when it starts: what it compiles of an archive is kept, by the digest of the source.

Ansible sends a module's code as an archive, for which Python keeps nothing by itself: compiling took half of each
module call on an emulated processor.
"""

from __future__ import annotations

import _imp
import marshal
import os
import zipimport
from types import CodeType

KEPT = "/var/cache/xen-lab-bytecode"

_compile_source = zipimport._compile_source  # type: ignore[attr-defined]


def _compile_once(path: str, source: bytes) -> CodeType:
    kept = f"{KEPT}/{_imp.source_hash(1, source).hex()}"
    if os.path.exists(kept):
        with open(kept, "rb") as file:
            known: CodeType = marshal.load(file)
            return known
    code: CodeType = _compile_source(path, source)
    os.makedirs(KEPT, exist_ok=True)
    unfinished = f"{kept}.{os.getpid()}"
    with open(unfinished, "wb") as file:
        marshal.dump(code, file)
    os.replace(unfinished, kept)
    return code


zipimport._compile_source = _compile_once  # type: ignore[attr-defined]
