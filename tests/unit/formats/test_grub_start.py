# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_start import start

DEBIAN = (Path(__file__).parent / "data" / "debian-12-xen-grub.cfg").read_bytes()
XEN = "Debian GNU/Linux, with Xen hypervisor"
PLAIN = "Debian GNU/Linux"


def title(menu: bytes, **variables: str) -> str | None:
    entry = start(menu, variables).entry
    return None if entry is None else entry.title


def test_what_boots_once() -> None:
    assert title(DEBIAN) == XEN
    once = start(DEBIAN, {"next_entry": PLAIN, "saved_entry": "7"})
    assert once.entry is not None
    assert once.entry.title == PLAIN
    # GRUB has cleared it.
    assert once.variables == {"next_entry": "", "saved_entry": "7"}
    assert title(DEBIAN, **once.variables) == XEN
    # It can't be cleared: it boots again and again.
    stuck = start(DEBIAN, {"next_entry": PLAIN}, writable=False)
    assert (stuck.entry and stuck.entry.title, stuck.variables) == (PLAIN, {"next_entry": PLAIN})


def test_an_entry_of_a_submenu() -> None:
    deep = title(DEBIAN, next_entry="Advanced options for Debian GNU/Linux>1")
    assert deep == "Advanced options for Debian GNU/Linux > Debian GNU/Linux, with Linux 6.1.0-56-amd64 (recovery mode)"


def test_a_saved_default() -> None:
    saved = DEBIAN.replace(f'set default="{XEN}"'.encode(), b'set default="${saved_entry}"')
    assert title(saved, saved_entry=XEN) == XEN
    assert title(saved) == PLAIN
    # What grub-reboot of old GRUBs has put aside.
    old = start(saved, {"saved_entry": "0", "prev_saved_entry": XEN})
    assert old.variables == {"saved_entry": XEN, "prev_saved_entry": ""}


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ("default=0", PLAIN),
        ("set default='0'", PLAIN),
        ("a=0; set default=$a", PLAIN),
        ("if [ -n '' ]; then true; elif [ -z '' ]; then default=0; else default=2; fi", PLAIN),
        ('if [ "${feature_any}" == y ]\nthen default=0\nfi', PLAIN),
        ("if [ x = y ]; then if [ a = a ]; then default=0; fi; fi", XEN),
        ("if background_image /a.png; then color=black; fi", XEN),
        ("load_env --file /other nothing; echo default=0 > here", XEN),
        # Nobody can know.
        ("if keystatus --shift; then default=0; fi", None),
        ("if [ -e /boot/x ]; then save_env default; fi", None),
        ("if [ 1 -lt 2 ]; then default=0; fi", None),
        ("else; fi; elif", XEN),
        ("function f {\ndefault=0\n}", XEN),
    ],
)
def test_commands(commands: str, expected: str | None) -> None:
    assert title(DEBIAN + f"\n{commands}\n".encode()) == expected
