# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python imports this when it starts: what it compiles of an archive is kept, by the digest of the source.

Ansible sends a module's code as an archive, for which Python keeps nothing by itself: compiling took half of each
module call on an emulated processor. Python also reads each source of an archive twice, to find it and to run it; here
it does so once. And each dataclass writes its methods as text and compiles that: these texts are kept in one file.
"""

from __future__ import annotations

import _frozen_importlib_external
import _imp
import atexit
import contextlib
import dataclasses
import marshal
import os
import zipimport
from types import CodeType
from typing import Any

# What one version of Python has compiled means nothing to another.
KEPT = f"/var/cache/lab-bytecode/{_frozen_importlib_external.MAGIC_NUMBER.hex()}"
GENERATED = f"{KEPT}/generated"

_compile_source = zipimport._compile_source  # type: ignore[attr-defined]
_get_module_code = zipimport._get_module_code  # type: ignore[attr-defined]
_found: dict[tuple[str, str], tuple[CodeType, bool, str]] = {}
_generated: dict[str, CodeType] = {}


def _read(path: str) -> Any:
    with open(path, "rb") as file:
        return marshal.load(file)


def _keep(path: str, content: Any) -> None:
    unfinished = f"{path}.{os.getpid()}"
    # Where nothing can be kept, each process compiles for itself.
    with contextlib.suppress(OSError):
        os.makedirs(KEPT, exist_ok=True)
        with open(unfinished, "wb") as file:
            marshal.dump(content, file)
        os.replace(unfinished, path)


def compile_once(path: str, source: bytes) -> CodeType:
    """Compile the source of a module, unless that has been done before."""
    kept = f"{KEPT}/{_imp.source_hash(1, source).hex()}"
    if os.path.exists(kept):
        known: CodeType = _read(kept)
        return known
    code: CodeType = _compile_source(path, source)
    _keep(kept, code)
    return code


def _get_module_code_once(archive: zipimport.zipimporter, name: str) -> tuple[CodeType, bool, str]:
    key = (archive.archive, name)
    found = _found.pop(key, None)
    if found is None:
        found = _found[key] = _get_module_code(archive, name)
    return found


def _run_generated(text: str, scope: dict[str, object], names: dict[str, object]) -> None:
    if not _generated:
        if os.path.exists(GENERATED):
            _generated.update(_read(GENERATED))
        atexit.register(_keep_generated, len(_generated))
    code = _generated.get(text)
    if code is None:
        code = _generated[text] = compile(text, "<string>", "exec")
    exec(code, scope, names)


def _keep_generated(known: int) -> None:
    if len(_generated) > known:
        _keep(GENERATED, _generated)


zipimport._compile_source = compile_once  # type: ignore[attr-defined]
zipimport._get_module_code = _get_module_code_once  # type: ignore[attr-defined]
dataclasses.exec = _run_generated  # type: ignore[attr-defined]
