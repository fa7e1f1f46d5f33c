# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages dom0 is made of, and the key of what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xen.errors import LabError
from xen.image import packages

TARGETS = """\
Origin: Debian
Component: main
Sourcesentry: /etc/apt/sources.list.d/debian.sources:1

Origin: Debian
Component: contrib
Sourcesentry: /etc/apt/sources.list.d/more.sources:1

Origin: Somebody
Component: main
Sourcesentry: /etc/apt/sources.list.d/other.list:3

Origin: Debian
Component: main
Sourcesentry: /etc/apt/sources.list:7
"""
NAMES = st.text(min_size=1, max_size=4)


def test_only_debians_main_archive_is_used() -> None:
    assert packages.debian_source_files(TARGETS) == [
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/debian.sources",
    ]


def test_without_a_debian_archive_one_is_told() -> None:
    with pytest.raises(LabError, match="apt-get update on a Debian 12"):
        packages.debian_source_files("Origin: Somebody\nComponent: main\nSourcesentry: /etc/apt/a.list:1\n")


def test_versions_come_from_what_apt_shows() -> None:
    shown = "Package: b\nVersion: 2\nDescription: x\n y: z\n\nPackage: a\nVersion: 1:1-1\n\nPackage: c\nVersion: 3\n"
    assert packages.versions(shown, ["a", "b"]) == {"a": "1:1-1", "b": "2"}


def test_a_package_that_apt_does_not_know_is_named() -> None:
    with pytest.raises(LabError, match=r"apt does not know xen-utils-4\.17;"):
        packages.versions("Package: a\nVersion: 1\n", ["a", "xen-utils-4.17"])


def test_included_modules_prevail_over_what_is_left_out() -> None:
    listed = packages.dpkg_options()
    last_exclusion = max(number for number, each in enumerate(listed) if each.startswith("path-exclude="))
    first_inclusion = min(number for number, each in enumerate(listed) if each.startswith("path-include="))
    assert last_exclusion < first_inclusion


@given(
    st.dictionaries(NAMES, st.binary(max_size=4)), st.dictionaries(NAMES, NAMES), NAMES, st.binary(max_size=4), NAMES
)
def test_the_key_depends_on_all_and_only_on_that(
    files: dict[str, bytes], found: dict[str, str], name: str, content: bytes, version: str
) -> None:
    key = packages.cache_key(files, found)
    assert len(key) == 16
    assert key == packages.cache_key(dict(reversed(files.items())), dict(reversed(found.items())))
    if files.get(name) != content:
        assert key != packages.cache_key({**files, name: content}, found)
    if found.get(name) != version:
        assert key != packages.cache_key(files, {**found, name: version})


def test_the_key_covers_every_file_that_decides_what_is_built() -> None:
    covered = packages.lab_files(Path(packages.__file__).parent)
    assert {"root.py", "disk.py", "guest.py", "guest_init", "dom0/etc/default/grub"} <= set(covered)
    assert not any("__pycache__" in name for name in covered)
