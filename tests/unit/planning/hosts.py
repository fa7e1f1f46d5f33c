# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NetBSD dom0 with three network cards, and what is wanted of it, for the tests of planning."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import resolve_wanted
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import (
    Attachments,
    GuestAttachments,
    render,
    take_word,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import Prediction
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedDevice, WantedGuest
from tests.unit.plans import changed, netbsd

BOOT = (
    b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\n"
    b"menu=NetBSD:boot /netbsd\n"
    b"default=1\ntimeout=5\n"
)


GUEST = b"name = 'firewall'\nkernel = '/netbsd-XEN3_DOMU'\n"


def nic(bdf: str, driver: str | None) -> Device:
    return Device(parse_address(bdf), 0x8086, 0x100E, 0x020000, name="Intel i82540EM", driver=driver)


BUS = (
    Device(parse_address("00:00.0"), 0x8086, 0x1237, 0x060000, name="Intel PMC", driver="pchb0"),
    nic("00:04.0", "wm0"),
    nic("00:05.0", "wm1"),
    nic("00:0a.0", "wm2"),
    Device(parse_address("00:0d.0"), 0x1B36, 0x0001, 0x060400, name="PCI bridge", driver="ppb0"),
)


def device(**wanted: object) -> WantedDevice:
    options = tuple((key, wanted.pop(key)) for key in ("permissive",) if key in wanted)
    irq = wanted.pop("irq", None)
    return WantedDevice(parse_selector(wanted), options, None if irq is None else int(str(irq)))


def guest(*devices: WantedDevice, name: str = "firewall", state: str = "running") -> WantedGuest:
    return WantedGuest(name, f"/etc/xen/{name}", state, devices)


def host(**changes: object) -> Observed:
    observed = netbsd(
        devices=BUS,
        claims=None,
        boot_path="/boot.cfg",
        boot_config=BOOT,
        guest_configs={"/etc/xen/firewall": GUEST, "/etc/xen/storage": GUEST.replace(b"firewall", b"storage")},
    )
    return changed(observed, **changes)


def predicted(outcome: str, *claims: Address) -> Prediction:
    return Prediction(1, outcome, claims, (), (), 1)


def kinds(plan) -> list[str]:
    return [action.kind for action in plan.actions]


def codes(plan) -> list[str]:
    return [refusal.code for refusal in plan.refusals]


ONE = Wanted(guests=(guest(device(address="00:05.0")),), reboot="when_needed")


def recorded(address: Address, word: str = "") -> bytes | None:
    """What the host gives to firewall when it starts.

    :param word: the device as pcibackctl is told it, if with options
    """
    device = take_word(str(address), "8086:100e", None, ("no-reset", "shared-irq"))
    attached = GuestAttachments("firewall", "/etc/xen/firewall", (word or str(address),))
    return render(Attachments((device,), (attached,), by_kernel=True))


def converged(wanted: Wanted = ONE, bdf: str = "00:05.0") -> Observed:
    """The host after everything was applied: rebooted, configured, running."""
    address = parse_address(bdf)
    edited = hide(BootCfg.parse(BOOT), [address]).boot_cfg.render()
    held = tuple(replace(d, driver="pciback0") if d.address == address else d for d in BUS)
    config = GUEST + f"pci = [ '{bdf}' ]\n".encode()
    return host(
        devices=held,
        claims=(address,),
        boot_config=edited,
        guest_configs={"/etc/xen/firewall": config},
        running=(RunningGuest("firewall", 3, (address,)),),
        prediction=predicted("registered", address),
        pins={d.address: pin_of(d) for d in BUS if d.address == address},
        attachments=recorded(address),
    )


def draft_of(wanted: Wanted, observed: Observed) -> Draft:
    """A plan that no step has added to yet."""
    return Draft(wanted, observed, resolve_wanted(wanted, observed, units=True), Netbsd.backends["kernel"])
