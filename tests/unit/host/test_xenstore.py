# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests of a kernel's backend, as xenstore-ls(1) prints them."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.xenstore import KernelGuest, kernel_guests

HOME = "/local/domain/0/backend/pci"
# Of a NetBSD 11 dom0: a domain that is gone, and one that has not connected.
LISTED = f"""\
{HOME}/1 = ""
{HOME}/1/0 = ""
{HOME}/1/0/frontend = "/local/domain/1/device/pci/0"
{HOME}/1/0/state = "6"
{HOME}/1/0/domain = "gD"
{HOME}/1/0/key-0 = "0000:00:04.0"
{HOME}/1/0/dev-0 = "0000:00:04.0"
{HOME}/1/0/state-0 = "5"
{HOME}/1/0/num_devs = "2"
{HOME}/1/0/dev-1 = "0000:00:05.0"
{HOME}/1/0/opts-0 = "msitranslate=0,power_mgmt=0,permissive=0"
{HOME}/1/0/opts-1 = "msitranslate=0,power_mgmt=0,permissive=0,irq=22"
{HOME}/2/0/state = "3"
{HOME}/2/0/dev-0 = "0000:00:04.0"
{HOME}/7/0/dev-0 = "0000:00:06.0"
"""


def test_states_and_devices() -> None:
    calls: list[list[str]] = []

    def run(argv: Sequence[str], cwd: str | None = None) -> tuple[int, str, str]:
        calls.append(list(argv))
        return 0, LISTED, ""

    first, second, third = (parse_address(f"0000:00:0{number}.0") for number in (4, 5, 6))
    assert kernel_guests(run, "/usr/pkg/bin/xenstore-ls") == {
        1: KernelGuest("6", (first, second), {second: 22}),
        2: KernelGuest("3", (first,)),
        7: KernelGuest("", (third,)),
    }
    assert calls == [["/usr/pkg/bin/xenstore-ls", "-f", HOME]]


def test_a_store_that_lists_none() -> None:
    said = (1, "", f"xenstore-ls: xs_directory ({HOME}): No such file or directory\n")
    assert kernel_guests(lambda _argv, cwd=None: said, "xenstore-ls") == {}
