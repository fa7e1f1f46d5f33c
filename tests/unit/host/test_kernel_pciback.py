# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pcibackctl is called with for the backend of NetBSD's kernel, and what is said if it fails."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.kernel_pciback import KernelPciback

CARD = "0000:00:05.0"


def test_what_it_is_called_with() -> None:
    calls: list[list[str]] = []

    def run(argv: Sequence[str], cwd: str | None = None) -> tuple[int, str, str]:
        calls.append(list(argv))
        return 0, "", ""

    kernel = KernelPciback(run, "/sbin/pcibackctl")
    irqs = {parse_address("00:06.0"): 20, parse_address("00:07.0"): 21}
    kernel.attach(3, [CARD, "0000:00:06.0,rdm_policy=relaxed"], ["no-iommu", "no-reset"], irqs, who="firewall")
    kernel.detach(3)
    domain = ["--backend", "kernel", "--domain", "3"]
    allowed = ["--allow", "no-iommu,no-reset,shared-irq"]
    assert calls == [
        ["/sbin/pcibackctl", "attach", *domain, *allowed, CARD, "0000:00:06.0,rdm_policy=relaxed,irq=20"],
        ["/sbin/pcibackctl", "detach", *domain],
    ]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((1, "", "pcibackctl: domain 3 has not connected yet\n"), "domain 3 has not connected yet"),
        ((127, "", "not found"), "/usr/local/sbin/pcibackctl can't be run"),
        ((-9, "", ""), "pcibackctl ended with status -9 and said nothing"),
    ],
)
def test_what_is_said_if_it_fails(answer: tuple[int, str, str], says: str) -> None:
    kernel = KernelPciback(lambda _argv, cwd=None: answer)
    with pytest.raises(PcibackError) as failed:
        kernel.attach(3, [CARD], [], {}, who="firewall")
    assert str(failed.value) == f"guest firewall did not get its devices: {says}"
    with pytest.raises(PcibackError) as failed:
        kernel.detach(3)
    assert str(failed.value) == f"what domain 3 had stays in xenstore: {says}"
