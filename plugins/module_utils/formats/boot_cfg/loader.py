# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The loaders that a host may have, by how they read the lines of boot.cfg(5) outside the menu.

One of NetBSD 9 or before takes every key that begins with ``load`` for that, a newer one only the whole word; that of
NetBSD 11 knows ``rndseed=`` as well (libsa's bootcfg.c since 1.9, bootmenu.c since 1.21). What a line means is certain
only if all loaders that a host may have agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Tuple

LOAD_KEY = b"load"


@dataclass(frozen=True)
class Loader:
    """One way to read the keys.

    :param name: the NetBSD release that it came with, or ``old`` for all before 10
    :param by_prefix: a key that begins with ``load`` is one
    :param words: keys of other files that it loads before the commands of every entry, as whole words
    """

    name: str
    by_prefix: bool
    words: tuple[bytes, ...]

    def loads(self, key: bytes) -> bytes:
        """What a line with this key loads: ``load`` for a kernel, another word for data, nothing if no file at all."""
        if key.startswith(LOAD_KEY) if self.by_prefix else key == LOAD_KEY:
            return LOAD_KEY
        return key if key in self.words else b""


_OLD = Loader("old", True, ())
_OLD_FS = Loader("old-fs", True, (b"fs",))
_10 = Loader("10", False, (b"fs",))
_11 = Loader("11", False, (b"fs", b"rndseed"))

OLD = (_OLD, _OLD_FS)
"""Those of NetBSD 9 and before, which of them know ``fs=`` is not told by their release."""

NEW = (_10, _11)
"""Those of NetBSD 10 and later."""

EITHER = (*OLD, *NEW)
"""It is not known which one a host has."""

Loaders = Tuple[Loader, ...]
"""Those that a host may have, from the oldest to the newest."""

NAMES = {OLD: "old", NEW: "new", EITHER: "either"}
"""What ``pcibackctl boot --loader`` calls them."""

# How a loader is recognised, and a string of it that is a NetBSD release: 7.99.10, 9.3_STABLE, 11.0_RC6.
_NAME = b"NetBSD/x86 BIOS Boot"
_RELEASE = re.compile(rb"(?<=\0)([0-9]{1,2})\.([0-9]{1,2})(?:\.[0-9]{1,3})?(?:_[A-Z0-9_]+)?(?=\0)")

# The loader has a number of its own, 5.12 in NetBSD 11, which may look like a release.
_OLDEST_RELEASE = 6


def loaders_of(program: bytes) -> Loaders:
    """Which loaders a file may be, such as /boot: by the release of NetBSD that it was made from.

    The number that a loader shows first does not tell them apart, and a build of NetBSD-current may be before or after
    the change, so that one in doubt can be any.
    """
    releases = {(int(major), int(minor)) for major, minor in _RELEASE.findall(program)}
    if _NAME not in program or not releases:
        return EITHER
    if any(major < _OLDEST_RELEASE or (major, minor) == (9, 99) for major, minor in releases):
        return EITHER
    if all(major < 10 for major, _minor in releases):
        return OLD
    return NEW if all(major >= 10 for major, _minor in releases) else EITHER
