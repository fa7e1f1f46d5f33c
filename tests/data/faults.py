# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the machine's Python when a module starts: one system call of that machine fails, once.

/var/db/lab-fault.json names the call, after how many of its kind it fails, and with which error. Only calls on files
that a module of ours may change are counted; the file goes when the call has failed.
"""

from __future__ import annotations

import builtins
import functools
import json
import os
from collections.abc import Callable
from typing import Any

FAULT = "/var/db/lab-fault.json"
OURS = ("/boot.cfg", "/usr/pkg/etc/xen/", "/usr/local/", "/var/db/xen-pciback")
_descriptors: set[int] = set()


def _is_ours(target: Any) -> bool:
    if isinstance(target, int):
        return target in _descriptors
    path = os.fspath(target)
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    # A new file lies beside the one that it replaces: /.boot.cfg.pciback-...
    return path.startswith(OURS) or path.startswith("/.boot.cfg")


def _failing(real: Callable[..., Any], fault: dict[str, Any], counted: bool) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(target: Any, *arguments: Any, **options: Any) -> Any:
        ours = _is_ours(target)
        if counted and ours and os.path.exists(FAULT):
            if fault["after"] == 0:
                os.unlink(FAULT)
                raise OSError(fault["errno"], os.strerror(fault["errno"]))
            fault["after"] -= 1
        result = real(target, *arguments, **options)
        if real.__name__ == "open" and isinstance(result, int):
            _descriptors.discard(result)
            if ours:
                _descriptors.add(result)
        return result

    return call


def install() -> None:
    """Let the call fail that the machine's file names; without the file nothing changes."""
    try:
        with builtins.open(FAULT, encoding="utf-8") as file:
            fault = json.load(file)
    except OSError:
        return
    for name in sorted({"open", fault["call"]}):
        setattr(os, name, _failing(getattr(os, name), fault, name == fault["call"]))


install()
