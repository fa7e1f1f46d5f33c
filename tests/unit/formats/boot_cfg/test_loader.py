# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each loader makes of a key, and which one a file is."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import (
    EITHER,
    NEW,
    OLD,
    Loaders,
    loaders_of,
)

KEYS = [
    # From the oldest to the newest.
    (b"load", [b"load", b"load", b"load", b"load"]),
    (b"loader", [b"load", b"load", b"", b""]),
    (b"load ", [b"load", b"load", b"", b""]),
    (b" load", [b"", b"", b"", b""]),
    (b"Load", [b"", b"", b"", b""]),
    (b"fs", [b"", b"fs", b"fs", b"fs"]),
    (b"fsx", [b"", b"", b"", b""]),
    (b"rndseed", [b"", b"", b"", b"rndseed"]),
    (b"rndseed ", [b"", b"", b"", b""]),
    (b"splash", [b"", b"", b"", b""]),
    (b"dev", [b"", b"", b"", b""]),
]


@pytest.mark.parametrize(("key", "loaded"), KEYS)
def test_what_a_key_loads(key: bytes, loaded: list[bytes]) -> None:
    assert [loader.loads(key) for loader in EITHER] == loaded


def program(*strings: str) -> bytes:
    """What stands in a loader's file, between code."""
    return b"\x7f\0ELF\x90\x90" + b"".join(b"\0" + text.encode() + b"\0" for text in strings) + b"\xc3\0\0"


NAME = "NetBSD/x86 BIOS Boot"
BANNER = ">> %s, Revision %s (from NetBSD %s)\n"
DATED = "5.12 (Tue Nov 24 13:45:09 UTC 2026)"
PROGRAMS: list[tuple[bytes, Loaders]] = [
    (program(NAME, DATED, "11.0_RC6", BANNER), NEW),
    (program("10.1", NAME, DATED), NEW),
    (program("10.99.12", NAME, DATED), NEW),
    (program(NAME, DATED, "9.4"), OLD),
    (program(NAME, DATED, "9.3_STABLE"), OLD),
    (program(NAME, "5.10 (Sat Apr 11 2015)", "7.99.10"), OLD),
    # NetBSD-current between 9 and 10 is before the change or after it.
    (program(NAME, DATED, "9.99.81"), EITHER),
    # Without a date the loader's own number looks like a release.
    (program(NAME, "5.12", "11.0"), EITHER),
    (program(NAME, "5.10", "7.1"), EITHER),
    (program(NAME, "5.1.2"), EITHER),
    (program(NAME, DATED, "9.4", "10.0"), EITHER),
    (program(NAME, DATED), EITHER),
    (program(NAME, DATED, "release 11.0"), EITHER),
    (program("11.0"), EITHER),
    (b"", EITHER),
]


@pytest.mark.parametrize(("data", "loaders"), PROGRAMS)
def test_which_loader_a_file_is(data: bytes, loaders: Loaders) -> None:
    assert loaders_of(data) == loaders
