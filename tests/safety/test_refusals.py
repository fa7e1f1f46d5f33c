# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal code: its evidence and remedy, that nothing changed, and that an override is for one device and code.

Once through the whole role on an embedded dom0, and once as a plan on the bus of a captured Linux dom0.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus as linux_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import facts as linux_facts
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import has_iommu
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import Prediction
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedDevice, WantedGuest
from ansible_collections.xen.pciback.plugins.module_utils.refusals import ALLOWABLE, REFUSALS, WHOLE_HOST
from tests.conftest import ROOT, Dom0, Run, guest, run_playbook
from tests.depth import sampled, tried
from tests.linux_host import LinuxHost, usual_host
from tests.unit.plans import changed, make_plan, netbsd

CODES = frozenset(REFUSALS)
# What an override of it does to a host is a story of its own: test_renumbering.py, tests/integration/test_native_role.py.
OVERRIDDEN_ELSEWHERE = frozenset({"identity-changed", "no-reset", "kept-mappings"})
# With pcibackd: one waits and is never refused, the other is refused on Linux; tests/unit/test_linux_backends.py.
# Of trial boots: tests/integration/test_trial.py.
OF_THE_PLAN = frozenset({"kept-mappings", "backend-busy", "trial-undone", "trial-running"})
# Those that are played on a machine of the lab for make test: by the inventory, by guards, by files, by the model, by
# pcibackd. LINUX has all of them in the plan.
IN_A_SAMPLE = (
    "boot-disk", "foreign-hide-list", "interrupt-unknown", "inventory-invalid", "not-replaceable", "prediction-mismatch",
    "shared-irq",
)  # fmt: skip
# NetBSD knows nothing of IOMMU groups.
LINUX_ONLY = frozenset({"iommu-group"})
# Linux routes every function's interrupt when it finds it, and a kernel that can't be asked knows what resets a device.
NETBSD_ONLY = frozenset({"interrupt-unknown", "no-reset"})

XEN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\n"
OWN_LIST = XEN.replace(b".gz;", b".gz pciback.hide=(00:06.0);")


# --- on an embedded dom0


def one_page(workspace: Path) -> tuple[str, ...]:
    """The PC with nine cards, but its firmware put registers of 00:07.0 into the page that 00:05.0 has its own in."""
    for name in ("pc-nine-nics.lspci", "pc-nine-nics.json"):
        text = (ROOT / "lab/buses" / name).read_text()
        changed = text.replace("10: 81 c3 00 00 00 20 bf fe", "10: 81 c3 00 00 00 18 bf fe")
        changed = changed.replace('"0x10": 32,\n        "0x14": 4096', '"0x10": 32,\n        "0x14": 2048')
        assert changed != text
        (workspace / name).write_text(changed)
    return ("--bus", str(workspace / "pc-nine-nics.lspci"))


def without_xen(host: Dom0) -> None:
    """The next boot would start NetBSD without Xen."""
    (host.root / "boot.cfg").write_bytes(b"menu=NetBSD:boot netbsd\n")


def another_model(host: Dom0) -> None:
    """A list that boots, and then a pcibackctl, recorded as checked, that reads another device in it."""
    control, record = host.root / "usr/local/sbin/pcibackctl", host.root / "var/db/xen-pciback/native.json"
    digests = [hashlib.sha256(control.read_bytes()).hexdigest()]
    host.wrap("usr/local/sbin/pcibackctl", '"$real" "$@" | sed s/0000:00:05.0/0000:00:06.0/\n')
    digests.append(hashlib.sha256(control.read_bytes()).hexdigest())
    record.write_text(record.read_text().replace(*digests))


def another_card(host: Dom0) -> None:
    """Somebody puts another card into the slot of the one that was given away."""
    host.lab("remove-card", "00:05.0")
    host.lab("add-card", "00/05.0", "--card", "pc-nine-nics/00:0a.0", "--mac", "52:54:00:00:00:99")


def own_list(host: Dom0) -> None:
    """Somebody has written a list by hand."""
    (host.root / "boot.cfg").write_bytes(OWN_LIST)


def without_routes(host: Dom0) -> None:
    """route(8) fails."""
    host.wrap("sbin/route", "echo 'route: botched keyword' >&2; exit 1\n")


def mounted_read_only(host: Dom0) -> None:
    """The guests' files lie on a file system of their own, which nobody can write to."""
    with (host.directory / "machine/mounts").open("a") as table:
        table.write(f"{host.root}/usr/pkg/etc/xen ./usr/pkg/etc/xen none bind,ro\n")


def without_interrupt(workspace: Path) -> tuple[str, ...]:
    """The PC with nine cards; no driver knows 00:09.0, which can be reset, and the firmware gave it no interrupt line."""
    buses = ROOT / "lab/buses"
    before, card, after = (buses / "pc-nine-nics.lspci").read_text().partition("0000:00:09.0 ")
    for old, new in (
        ("00: 86 80 0e 10 03 01 00 00", "00: 86 80 99 10 03 01 10 00"),
        ("30: 00 00 00 00 00 00 00 00 00 00 00 00 11", "30: 00 00 00 00 40 00 00 00 00 00 00 00 ff"),
        ("40: 00 00 00 00 00 00 00 00", "40: 10 00 02 00 00 00 00 10"),
    ):
        assert old in after
        after = after.replace(old, new, 1)
    (workspace / "pc-nine-nics.lspci").write_text(before + card + after)
    shutil.copy(buses / "pc-nine-nics.json", workspace)
    return ("--bus", str(workspace / "pc-nine-nics.lspci"))


@dataclass(frozen=True)
class OnTheLab:
    """What is wanted of which machine, what the refusal says, and the device that it is about.

    :ivar given_away: whether the machine gives 00:05.0 away with its next boot
    :ivar helped: the variables of the next run, by somebody who does what the remedy says in the inventory
    :ivar mend: what the remedy says is to be done on the host
    """

    variables: Mapping[str, Any]
    evidence: str
    remedy: str
    helped: Mapping[str, Any]
    address: str = ""
    options: tuple[str, ...] = ()
    bus: str = "pc-nine-nics"
    board: Callable[[Path], tuple[str, ...]] | None = None
    given_away: bool = False
    before: Callable[[Dom0], None] | None = None
    mend: Callable[[Dom0, str], None] | None = None

    @property
    def by_pcibackd(self) -> bool:
        """Whether pcibackd is to give the device, so that no boot hides it."""
        return self.variables.get("pciback_backend") == "native"


def write_the_line(host: Dom0, message: str) -> None:
    """The sentence shows what a line looks like."""
    (line,) = re.findall(r"one looks like '([^']+)'", message)
    with (host.root / "boot.cfg").open("a") as file:
        file.write(f"{line}\ndefault=2\n")


def create_the_file(host: Dom0, message: str) -> None:
    """The sentence names the file."""
    (path,) = re.findall(r"domain-config-invalid: (\S+): it does not exist", message)
    text = (host.root / "usr/pkg/etc/xen/firewall").read_text().replace("firewall", Path(path).name)
    (host.root / path.lstrip("/")).write_text(text)


def mount_for_writing(host: Dom0, message: str) -> None:
    """The sentence names the file, and so its file system."""
    (path,) = re.findall(r"not-replaceable: (\S+): it can't be replaced: Read-only file system", message)
    table = host.directory / "machine/mounts"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(line for line in lines if f" .{Path(path).parent} " not in line))


def mend_the_command(host: Dom0, message: str) -> None:
    """The sentence names the command."""
    path, words = re.findall(r"'/(\S+) ([^']+)' failed \(route: botched keyword\)", message)[0]
    command = host.root / path
    assert host.command(f"/{path}", *words.split()).stderr == "route: botched keyword\n"
    (command.parent / "real" / command.name).replace(command)


def run_pcibackctl(host: Dom0, message: str) -> None:
    """It shows in what the model differs, and then somebody mends that."""
    (command,) = re.findall(r"run '(pcibackctl [^']+)' on the host", message)
    program, *words = shlex.split(command)
    said = host.command(f"/usr/local/sbin/{program}", *words).stdout
    assert re.search(r"^claims +0000:00:06\.0$", said, re.MULTILINE), said
    control, record = host.root / "usr/local/sbin/pcibackctl", host.root / "var/db/xen-pciback/native.json"
    wrong = hashlib.sha256(control.read_bytes()).hexdigest()
    (control.parent / "real/pcibackctl").replace(control)
    record.write_text(record.read_text().replace(wrong, hashlib.sha256(control.read_bytes()).hexdigest()))


def extra(*selectors: Mapping[str, Any]) -> dict[str, Any]:
    return {"pciback_extra_devices": list(selectors)}


def overridable(code: str, rest: str = "") -> str:
    return f"or allow code '{code}' for this address{rest}"


LAB = {
    "ambiguous-selector": OnTheLab(
        extra({"id": "8086:100e"}),
        "6 devices match id 8086:100e: 00:04.0 (pcictl 000:04:0) 8086:100e",
        "add a criterion, such as the address, or say 'all: true' if every one is meant",
        extra({"id": "8086:100e", "address": "00:09.0"}),
    ),
    "assigned-twice": OnTheLab(
        {"pciback_guests": [guest("firewall", {"address": "00:05.0"}), guest("storage", {"driver": "re0"})]},
        "is wanted by guest firewall and by guest storage; a device belongs to one guest",
        "leave it in one list",
        {"pciback_guests": [guest("firewall", {"address": "00:05.0"}), guest("storage")]},
    ),
    "boot-config-invalid": OnTheLab(
        extra({"address": "00:05.0"}),
        "boot-config-invalid: /boot.cfg: no menu entry starts Xen",
        "one looks like 'menu=Xen:load",
        extra({"address": "00:05.0"}),
        before=without_xen,
        mend=write_the_line,
    ),
    "boot-disk": OnTheLab(
        extra({"class": "0101"}),
        "wd0a is /; wd0 is on atabus0, piixide0, pci0 dev 1 function 1; wd0b is swap",
        "leave it to dom0, " + overridable("boot-disk"),
        {},
        "00:01.1",
    ),
    "bridge": OnTheLab(
        extra({"address": "00:01.0"}),
        "is a bridge that the machine itself needs",
        "leave it to dom0, " + overridable("bridge"),
        {},
        "00:01.0",
    ),
    "console": OnTheLab(
        extra({"class": "vga"}),
        "wsdisplay0 is on vga0, pci0 dev 2 function 0",
        "leave it to dom0, " + overridable("console"),
        {},
        "00:02.0",
    ),
    "domain-config-invalid": OnTheLab(
        {"pciback_guests": [guest("mail")]},
        "domain-config-invalid: /usr/pkg/etc/xen/mail: it does not exist",
        "/usr/pkg/etc/xen/mail: it does not exist",
        {"pciback_guests": [guest("mail")]},
        mend=create_the_file,
    ),
    "foreign-hide-list": OnTheLab(
        extra({"address": "00:05.0"}),
        "/boot.cfg, line 1 hides 00:06.0 (pcictl 000:06:0)",
        "name what is to stay hidden in pciback_guests or pciback_extra_devices; to replace the rest of the list, "
        "allow code 'foreign-hide-list', without an address",
        extra({"address": "00:05.0"}, {"address": "00:06.0"}),
        before=own_list,
    ),
    "identity-changed": OnTheLab(
        extra({"address": "00:05.0"}),
        "with id 8086:100e instead of 10ec:8139",
        "allow code 'identity-changed' for 00:05.0 if what is there now is to be taken",
        {**extra({"address": "00:05.0"}), "pciback_allow": [{"code": "identity-changed", "address": "00:05.0"}]},
        given_away=True,
        before=another_card,
    ),
    "interrupt-unknown": OnTheLab(
        {"pciback_guests": [guest("firewall", {"address": "00:09.0"})], "pciback_backend": "native"},
        "has an interrupt that nobody can tell, and its guest needs it: the kernel has said none in this boot, and its register has none",
        "say with irq of the device which one it is, or take a device that dom0 has a driver for, which makes the kernel find its "
        "interrupt, "
        + overridable("interrupt-unknown", ": its guest gets the firmware's number, and with it no interrupt or another device's"),
        {
            "pciback_guests": [guest("firewall", {"address": "00:05.0"})],
            "pciback_backend": "native",
            "pciback_allow": [{"code": "no-reset", "address": "00:05.0"}],
        },
        "00:09.0",
        board=without_interrupt,
    ),
    "inventory-invalid": OnTheLab(
        {**extra({"address": "00:05.0"}), "pciback_rebot": "when_needed"},
        "the role has no variable 'pciback_rebot'",
        "the nearest right name is 'pciback_reboot'. What helps: correct it in the inventory",
        {**extra({"address": "00:05.0"}), "pciback_reboot": "when_needed"},
    ),
    "list-too-long": OnTheLab(
        extra({"class": "ethernet", "all": True}),
        "the hide list of 11 devices has 77 characters in its short form, and the kernel keeps 63; 9 of the 11 fit",
        "hide fewer devices",
        extra({"address": "00:09.0"}),
        options=("--management", "none"),
        bus="pc-bridge",
    ),
    "management-nic": OnTheLab(
        extra({"driver": "re0"}),
        "the default route leaves through re0; re0 is at pci0 dev 5 function 0",
        "leave it to dom0 or manage the host through another card, " + overridable("management-nic"),
        {},
        "00:05.0",
        options=("--management", "0000:00:05.0"),
    ),
    "no-iommu": OnTheLab(
        extra({"address": "00:09.0"}),
        "would be given away without an IOMMU, and Xen has none in use: virt_caps of 'xl info' names no directio",
        "switch VT-d or AMD-Vi on in the machine's firmware, "
        + overridable("no-iommu", ": its guest can then read and write all memory of the machine by DMA"),
        {**extra({"address": "00:09.0"}), "pciback_allow": [{"code": "no-iommu", "address": "00:09.0"}]},
        "00:09.0",
        options=("--no-iommu",),
    ),
    "no-reset": OnTheLab(
        {**extra({"address": "00:05.0"}), "pciback_backend": "native"},
        "can't be reset before it goes to a guest: it has no function-level reset, and keeps its state in the power state D3hot",
        "take a device that can be reset, " + overridable("no-reset", ": its next owner finds what the last one left in it"),
        {**extra({"address": "01:00.0"}), "pciback_backend": "native"},
        bus="q35-bridges",
    ),
    "no-such-device": OnTheLab(
        extra({"address": "00:1f.0"}),
        "no device matches address 0000:00:1f.0; this host has 00:01.1 (pcictl 000:01:1) 8086:7010",
        "correct the selector",
        extra({"address": "00:05.0"}),
    ),
    "not-replaceable": OnTheLab(
        {"pciback_guests": [guest("firewall", {"address": "00:05.0"})]},
        "/usr/pkg/etc/xen/firewall: it can't be replaced: Read-only file system",
        "mount its file system for writing, or name a file elsewhere",
        {"pciback_guests": [guest("firewall", {"address": "00:05.0"})]},
        before=mounted_read_only,
        mend=mount_for_writing,
    ),
    "nothing-wanted": OnTheLab(
        {},
        "this host would lose 00:05.0 (pinned, hidden at the next boot)",
        "name the devices, or give everything back with pciback_state: absent; to take the devices away and keep the rest, "
        "allow code 'nothing-wanted', without an address",
        {"pciback_state": "absent"},
        given_away=True,
    ),
    "prediction-mismatch": OnTheLab(
        extra({"address": "00:05.0"}),
        "/boot.cfg reads as wanted, but the model of the boot disagrees",
        "run 'pcibackctl boot --config /boot.cfg' on the host to see why",
        extra({"address": "00:05.0"}),
        given_away=True,
        before=another_model,
        mend=run_pcibackctl,
    ),
    "shared-bar-page": OnTheLab(
        extra({"address": "00:05.0"}),
        "its BAR 1 and BAR 1 of 00:07.0 (pcictl 000:07:0) 1af4:1000",
        "give the other one to the same guest, " + overridable("shared-bar-page", ": its guest can then read and write"),
        # The other one has a refusal of its own.
        {
            "pciback_guests": [guest("firewall", {"address": "00:05.0"}, {"address": "00:07.0"})],
            "pciback_allow": [{"code": "shared-irq", "address": "00:07.0"}],
        },
        "00:05.0",
        board=one_page,
    ),
    "shared-irq": OnTheLab(
        extra({"driver": "wm0"}),
        "interrupt line 199, ioapic0 pin 11 is also that of 00:0c.0 (pcictl 000:12:0) 8086:100e Intel i82540EM 1000baseT "
        "Ethernet [wm5], which dom0 uses; the kernel unbinds the line in each boot that hides the device, so that dom0 can lose what else is "
        "on it, before any guest runs",
        "take a device of another line, or give the other one away too, " + overridable("shared-irq"),
        extra({"driver": "re0"}),
        "00:04.0",
    ),
    "use-unknown": OnTheLab(
        extra({"address": "00:09.0"}),
        "may carry what dom0 stands on or is managed through, and the host does not say whether it does: "
        "'/sbin/route -n get default' failed (route: botched keyword): this default route was not looked at",
        "see on the host why the command that is named fails, " + overridable("use-unknown"),
        extra({"address": "00:09.0"}),
        "00:09.0",
        before=without_routes,
        mend=mend_the_command,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def template(native: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A machine that gives 00:05.0 away with its next boot."""
    workspace = tmp_path_factory.mktemp("template")
    host = Dom0(workspace / "dom0", workspace).create().borrow_native(native)
    done = host.playbook(extra({"address": "00:05.0"}))
    assert done.status == 0, done.output
    return host


@pytest.fixture(scope="module")
def machine(template: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Dom0]:
    """Makes the machine of a code's case."""

    def make(code: str) -> Dom0:
        case, workspace = LAB[code], tmp_path_factory.mktemp(code)
        host = Dom0(workspace / "dom0", workspace)
        if case.given_away:
            shutil.copytree(template.directory, host.directory, symlinks=True)
        else:
            host.create(*case.options, *(case.board(workspace) if case.board else ()), bus=case.bus)
        if case.before:
            case.before(host)
        return host

    return make


def allowing(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Overrides; an empty address is for a code that is about the whole host."""
    return {"pciback_allow": [{"code": code, **({"address": address} if address else {})} for code, address in pairs]}


def test_every_code_of_the_design_has_its_tests():
    assert LAB.keys() | LINUX_ONLY | OF_THE_PLAN == CODES
    assert LINUX.keys() | OF_THE_PLAN == CODES - NETBSD_ONLY
    rows = re.findall(r"^\| \[`([a-z-]+)`\]\(#\1\) .*\| (yes|no)\b", DOCUMENTED, flags=re.MULTILINE)
    assert {code for code, _overridable in rows} == CODES
    assert {code for code, overridable in rows if overridable == "yes"} == set(ALLOWABLE)
    with_a_device = {code for code, case in LAB.items() if case.address} | LINUX_ONLY | OVERRIDDEN_ELSEWHERE
    assert with_a_device | set(WHOLE_HOST) == set(ALLOWABLE)


DOCUMENTED = (ROOT / "docs/reference/refusal-codes.md").read_text()


def play(hosts: Mapping[str, Dom0], variables: Callable[[str], Mapping[str, Any]], *options: str) -> dict[str, Run]:
    """Run the role once on the machines of some codes; what it did on each."""
    workspace = next(iter(hosts.values())).workspace
    run = run_playbook(workspace, {code: host.variables(variables(code)) for code, host in hosts.items()}, *options)
    return {code: run.of(code) for code in hosts}


def as_refused(code: str) -> dict[str, Any]:
    """The variables of a code's case, with overrides that open no way: another code for this device, another device."""
    case = LAB[code]
    other = next(each for each in ALLOWABLE if each not in (code, *WHOLE_HOST))
    allow = allowing((other, case.address), (code, "00:06.0")) if case.address else {}
    if code in WHOLE_HOST:
        allow = allowing(*((each, "") for each in WHOLE_HOST if each != code), ("bridge", "00:06.0"))
    return {**case.variables, **allow, "pciback_reboot": "when_needed"}


@dataclass(frozen=True)
class Refused:
    """A run that was refused, the machine's tree before and after, and the run after somebody did what the remedy says."""

    run: Run
    before: dict[str, Any]
    after: dict[str, Any]
    helped: Run


@pytest.fixture(scope="module")
def refused(machine: Callable[[str], Dom0]) -> dict[str, Refused]:
    """The cases, in one run on a machine for each, and another one."""
    hosts = {code: machine(code) for code in tried(LAB, *IN_A_SAMPLE)}
    before = {code: host.tree() for code, host in hosts.items()}
    runs = play(hosts, as_refused)
    after = {code: host.tree() for code, host in hosts.items()}
    for code, host in hosts.items():
        mend = LAB[code].mend
        if mend:
            mend(host, "".join(runs[code].failures()))
    helped = play(hosts, lambda code: {"pciback_reboot": "when_needed", **LAB[code].helped}, "--check")
    return {code: Refused(runs[code], before[code], after[code], helped[code]) for code in hosts}


@pytest.mark.parametrize("code", sampled(LAB, *IN_A_SAMPLE))
def test_refused_on_the_lab_and_nothing_changed(refused: dict[str, Refused], code: str) -> None:
    case, run = LAB[code], refused[code].run
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert [refusal["code"] for refusal in run.result("xen.pciback.plan")["refusals"]] == [code]
    assert f"{code}: " in message
    assert case.evidence in message
    assert case.remedy in message
    assert run.changed() == []
    assert refused[code].after == refused[code].before


@pytest.mark.parametrize("code", sampled(LAB, *IN_A_SAMPLE))
def test_what_the_remedy_says_ends_the_refusal(refused: dict[str, Refused], code: str) -> None:
    run = refused[code].helped
    assert run.status == 0, run.output
    assert run.result("xen.pciback.plan")["refusals"] == []


FAULTS = XEN + b"menu=Old:load /netbsd-XEN3_DOM0.gz pciback.hide=(junk);multiboot /xen.gz dom0_mem=1G\n"


def test_a_list_that_stops_the_machine_is_never_as_wanted_and_the_remedy_removes_it(dom0):
    host = dom0.create(boot_cfg=FAULTS)
    before = host.tree()
    run = host.playbook({"pciback_state": "absent"})
    assert (run.status, run.changed(), host.tree()) == (2, [], before), run.output
    (message,) = run.failures()
    assert "boot-config-invalid: /boot.cfg, line 2, column " in message
    assert "entry 2 'Old' already has a list that stops the machine" in message
    assert host.playbook(extra({"address": "00:05.0"})).failures() == [message]
    (command,) = re.findall(r"'(ansible HOST .+)' remove every hide list", message)
    host.ansible(command)
    mended = FAULTS.replace(b" pciback.hide=(junk)", b"")
    assert (host.root / "boot.cfg").read_bytes() == mended
    run = host.playbook({"pciback_state": "absent"})
    assert (run.status, "dom0 is as wanted." in run.output) == (0, True), run.output
    assert (host.root / "boot.cfg").read_bytes() == mended
    assert host.playbook(extra({"address": "00:05.0"}), "--check").status == 0


@pytest.mark.soak(instead="test_a_list_that_stops_the_machine_is_never_as_wanted_and_the_remedy_removes_it")
def test_a_broken_list_of_the_owner_does_not_come_back_and_is_named(dom0, native):
    host = dom0.create(boot_cfg=FAULTS).borrow_native(native)
    done = host.playbook({**extra({"address": "00:05.0"}), "pciback_boot_entries": ["Xen"]})
    assert done.status == 0, done.output
    run = host.playbook({"pciback_state": "absent"})
    assert run.status == 0, run.output
    assert "it was there before the first run and does not come back" in run.output
    assert (host.root / "boot.cfg").read_bytes() == FAULTS.replace(b" pciback.hide=(junk)", b"")
    again = host.playbook({"pciback_state": "absent"})
    assert (again.status, again.changed(), "dom0 is as wanted." in again.output) == (0, [], True)


# Cases with an override for their device, and for the whole host.
OVERRIDDEN = [code for code, case in LAB.items() if case.address or code in WHOLE_HOST]


def overridden_cases(is_one: Callable[[str], bool]) -> list[Any]:
    """Those that are of one kind, sampled."""
    codes = [code for code in OVERRIDDEN if is_one(code)]
    return sampled(codes, *(code for code in codes if code in IN_A_SAMPLE))


@dataclass(frozen=True)
class Overridden:
    """The same run twice, and the host afterwards."""

    host: Dom0
    runs: tuple[Run, Run]


@pytest.fixture(scope="module")
def overridden(machine: Callable[[str], Dom0], native: Dom0) -> dict[str, Overridden]:
    """The cases with their override, the second time only where it is for the device."""
    codes = tried(OVERRIDDEN, *(code for code in OVERRIDDEN if code in IN_A_SAMPLE))
    hosts = {code: machine(code) for code in codes}
    for code, host in hosts.items():
        if not LAB[code].given_away:
            host.borrow_native(native)

    def variables(code: str, again: bool = False) -> dict[str, Any]:
        case = LAB[code]
        allow = {} if again and code in WHOLE_HOST else allowing((code, case.address))
        return {**case.variables, **allow, "pciback_reboot": "never"}

    first, again = play(hosts, variables), play(hosts, partial(variables, again=True))
    return {code: Overridden(host, (first[code], again[code])) for code, host in hosts.items()}


@pytest.mark.parametrize("code", overridden_cases(lambda code: bool(LAB[code].address) and not LAB[code].by_pcibackd))
def test_override_on_the_lab_is_said_in_each_run(overridden: dict[str, Overridden], code: str) -> None:
    case = LAB[code]
    for run in overridden[code].runs:
        assert run.status == 0, run.output
        said = f"overridden by the owner: {code} for {case.address}: {case.address} (pcictl "
        warned = [line for line in run.output.splitlines() if line.startswith(f"[WARNING]: {said}")]
        assert len(warned) == 1 and case.evidence in warned[0], run.output
        reported = [line for line in run.result("ansible.builtin.debug")["msg"] if line.startswith(f"warning: {said}")]
        assert len(reported) == 1
    assert f"pciback.hide=({case.address})" in (overridden[code].host.root / "boot.cfg").read_text()


@pytest.mark.parametrize("code", overridden_cases(lambda code: LAB[code].by_pcibackd))
def test_override_lets_pcibackd_give_the_device(overridden: dict[str, Overridden], code: str) -> None:
    run, again = overridden[code].runs
    said = f"[WARNING]: overridden by the owner: {code} for {LAB[code].address}"
    assert run.status == 0 and f"{said}: " in run.output, run.output
    assert (again.status, again.changed()) == (0, []), again.output
    assert f"{said}, which pcibackd holds" in again.output


@pytest.mark.parametrize("code", overridden_cases(lambda code: code in WHOLE_HOST))
def test_override_for_a_whole_host_is_said_and_needed_once(overridden: dict[str, Overridden], code: str) -> None:
    run, again = overridden[code].runs
    assert run.status == 0, run.output
    said = [
        line for line in run.output.splitlines() if line.startswith(f"[WARNING]: overridden by the owner: {code}: ")
    ]
    assert len(said) == 1 and LAB[code].evidence in said[0]
    assert (again.status, again.changed()) == (0, []), again.output


def test_no_override_for_a_bridge_that_the_kernel_would_not_survive(dom0):
    host = dom0.create(bus="pc-bridge")
    before = host.tree()
    run = host.playbook({**extra({"address": "00:0d.0"}), **allowing(("bridge", "00:0d.0"))})
    assert run.status == 2
    assert "bridge: 00:0d.0" in run.failures()[0] and "this can't be overridden" in run.failures()[0]
    assert host.tree() == before


# --- on the bus of a Linux dom0

# xl info of Xen 4.17 on that machine, with an IOMMU and without.
WITH_IOMMU = "virt_caps              : pv pv_directio iommu_hap_pt_share gnttab-v1 gnttab-v2\n"
WITHOUT_IOMMU = "virt_caps              : pv gnttab-v1 gnttab-v2\n"


@dataclass(frozen=True)
class OnLinux:
    """What is wanted of the captured bus, with what the host uses besides, and what the refusal says."""

    wanted: Wanted
    evidence: str
    remedy: str
    address: str = ""
    uses: Callable[[LinuxHost], None] = lambda host: None
    xl_info: str = WITH_IOMMU
    observed: Mapping[str, Any] = field(default_factory=dict)


def device(**selector: Any) -> WantedDevice:
    return WantedDevice(parse_selector(selector))


def hidden(*selectors: Mapping[str, Any], allow: tuple[tuple[str, str], ...] = ()) -> Wanted:
    pairs = tuple((code, parse_address(address)) for code, address in allow)
    return Wanted(extra_devices=tuple(device(**selector) for selector in selectors), allow=pairs)


def for_guests(**devices: WantedDevice) -> Wanted:
    return Wanted(
        guests=tuple(WantedGuest(name, f"/etc/xen/{name}", devices=(each,)) for name, each in devices.items())
    )


def boot_vga(host: LinuxHost) -> None:
    (host.function("0000:00:06.0") / "boot_vga").write_text("1\n")


def no_routes(host: LinuxHost) -> None:
    (host.proc / "net/route").unlink()


def second_card_up(host: LinuxHost) -> None:
    (host.sys / "class/net/eth0/flags").write_text("0x1003\n")


def one_page_on_linux(host: LinuxHost) -> None:
    """00:06.0 has 256 bytes at fe686000; here 00:05.0 has registers right behind them."""
    path = host.function("0000:00:05.0") / "config"
    data = bytearray(path.read_bytes())
    data[0x10:0x14] = (0xFE686800).to_bytes(4, "little")
    path.write_bytes(data)


def one_group(host: LinuxHost) -> None:
    host.groups(_3=("0000:00:06.0", "0000:00:06.1"))


EDITED = hide(BootCfg.parse(XEN), [parse_address("00:05.0")]).boot_cfg.render()

LINUX = {
    "ambiguous-selector": OnLinux(
        hidden({"id": "8086:100e"}), "2 devices match id 8086:100e: 00:05.0", "add a criterion"
    ),
    "assigned-twice": OnLinux(
        for_guests(firewall=device(address="00:05.0"), storage=device(address="0000:00:05.0")),
        "is wanted by guest firewall and by guest storage",
        "leave it in one list",
    ),
    "boot-config-invalid": OnLinux(
        hidden({"address": "00:05.0"}),
        "no menu entry starts Xen",
        "menu=Xen:load",
        observed={"boot_config": b"menu=NetBSD:boot netbsd\n"},
    ),
    "boot-disk": OnLinux(
        hidden({"address": "00:02.0"}),
        "00:02.0 (pcictl 000:02:0) 1af4:1001 [virtio-pci] carries disks that dom0 stands on: vda1 is /; vda1 is on vda, "
        "virtio0, 0000:00:02.0",
        overridable("boot-disk"),
        "00:02.0",
    ),
    "bridge": OnLinux(
        hidden({"address": "00:1f.0"}),
        "00:1f.0 (pcictl 000:31:0) 8086:2918 [lpc_ich] is a bridge that the machine itself needs",
        overridable("bridge"),
        "00:1f.0",
    ),
    "console": OnLinux(
        hidden({"address": "00:06.0"}),
        "is dom0's console: 0000:00:06.0 is the display that the firmware started with",
        overridable("console"),
        "00:06.0",
        uses=boot_vga,
    ),
    "domain-config-invalid": OnLinux(
        for_guests(firewall=device(address="00:05.0")),
        "/etc/xen/firewall: it does not exist",
        "create it",
        observed={
            "guest_configs": {
                "/etc/xen/firewall": PcibackError("it does not exist", file="/etc/xen/firewall", remedy="create it")
            }
        },
    ),
    "foreign-hide-list": OnLinux(
        hidden({"address": "00:05.0"}),
        "/boot.cfg, line 1 hides 00:06.0 (pcictl 000:06:0) 10ec:8139",
        "allow code 'foreign-hide-list', without an address",
        observed={"boot_config": OWN_LIST},
    ),
    "identity-changed": OnLinux(
        hidden({"address": "00:05.0"}),
        "with id 8086:100e instead of 8086:10d3",
        "allow code 'identity-changed' for 00:05.0 if what is there now is to be taken",
        "00:05.0",
        observed={"pins": {parse_address("00:05.0"): Pin("8086:10d3", "1af4:1100", "020000")}},
    ),
    "inventory-invalid": OnLinux(
        replace(hidden({"address": "00:05.0"}), problems=("the role has no variable 'pciback_rebot'",)),
        "the role has no variable 'pciback_rebot'",
        "correct it in the inventory",
    ),
    "iommu-group": OnLinux(
        hidden({"address": "00:06.1"}),
        "can't be told by the IOMMU from a device that stays in dom0: IOMMU group 3 holds 00:06.0 (pcictl 000:06:0) "
        "10ec:8139 [8139cp] as well",
        "give every function of the group to the same guest, " + overridable("iommu-group"),
        "00:06.1",
        uses=one_group,
    ),
    "list-too-long": OnLinux(
        hidden(
            *({"class": each, "all": True} for each in ("01", "0200", "0c05")),
            allow=(("boot-disk", "00:02.0"), ("management-nic", "00:03.0")),
        ),
        "the hide list of 9 devices has 65 characters in its short form, and the kernel keeps 63; 8 of the 9 fit",
        "hide fewer devices",
    ),
    "management-nic": OnLinux(
        hidden({"address": "00:03.0"}),
        "the default route leaves through eth2; eth2 is on virtio1, 0000:00:03.0",
        overridable("management-nic"),
        "00:03.0",
    ),
    "no-iommu": OnLinux(
        hidden({"address": "00:05.0"}),
        "virt_caps of 'xl info' names no directio",
        overridable("no-iommu", ": its guest can then read and write all memory"),
        "00:05.0",
        xl_info=WITHOUT_IOMMU,
    ),
    "no-such-device": OnLinux(
        hidden({"address": "00:04.0"}), "no device matches address 0000:00:04.0; this host has 00:02.0", "correct the selector"
    ),
    "not-replaceable": OnLinux(
        hidden({"address": "00:05.0"}),
        "/boot.cfg: it can't be replaced: Read-only file system",
        "mount its file system for writing",
        observed={
            "written": {"hide": ("/boot.cfg",)},
            "not_replaceable": {
                "/boot.cfg": PcibackError(
                    "it can't be replaced: Read-only file system",
                    file="/boot.cfg",
                    remedy="mount its file system for writing",
                )
            },
        },
    ),
    "nothing-wanted": OnLinux(
        Wanted(),
        "this host would lose 00:05.0 (pinned)",
        "give everything back with pciback_state: absent",
        observed={"pins": {parse_address("00:05.0"): Pin("8086:100e", "1af4:1100", "020000")}},
    ),
    "prediction-mismatch": OnLinux(
        hidden({"address": "00:05.0"}),
        "reads as wanted, but the model of the boot disagrees",
        "run 'pcibackctl boot",
        observed={"boot_config": EDITED, "prediction": Prediction(1, "registered", (parse_address("00:06.0"),), (), (), 1)},
    ),
    "shared-bar-page": OnLinux(
        hidden({"address": "00:05.0"}),
        "its BAR 0 and BAR 1 of 00:06.0 (pcictl 000:06:0) 10ec:8139 [8139cp], which stays in dom0, lie in the page at 0xfe686000",
        overridable("shared-bar-page"),
        "00:05.0",
        uses=one_page_on_linux,
    ),
    "shared-irq": OnLinux(
        hidden({"address": "00:06.1"}),
        "interrupt line 22 is also that of 00:06.0 (pcictl 000:06:0) 10ec:8139 [8139cp]",
        overridable("shared-irq"),
        "00:06.1",
        uses=second_card_up,
    ),
    "use-unknown": OnLinux(
        hidden({"address": "00:05.0"}),
        "/net/route can't be read: IPv4 routes were not looked at",
        overridable("use-unknown"),
        "00:05.0",
        uses=no_routes,
    ),
}  # fmt: skip


def plan_on_linux(case: OnLinux, folder: Path, *allow: tuple[str, str]) -> Plan:
    host = usual_host(folder)
    case.uses(host)
    facts = linux_facts.read_facts(sys=str(host.sys), proc=str(host.proc))
    observed = netbsd(
        devices=linux_bus.devices(str(host.sys)),
        claims=None,
        boot_path="/boot.cfg",
        boot_config=XEN,
        guest_configs={f"/etc/xen/{name}": f"name = '{name}'\n".encode() for name in ("firewall", "storage")},
        facts=replace(facts, iommu=has_iommu(lambda argv, **_more: (0, case.xl_info, ""), "/usr/sbin/xl")),
    )
    pairs = tuple((code, parse_address(address) if address else None) for code, address in allow)
    return make_plan(replace(case.wanted, allow=(*case.wanted.allow, *pairs)), changed(observed, **case.observed))


@pytest.mark.parametrize("code", sorted(LINUX))
def test_refused_on_linux(tmp_path, code):
    case = LINUX[code]
    plan = plan_on_linux(case, tmp_path)
    (refusal,) = plan.refusals
    assert refusal.code == code
    assert case.evidence in refusal.message
    assert case.remedy in f"{refusal.message} {refusal.remedy}"
    assert plan.actions == () and not plan.changed
    assert (refusal.device == case.address) == bool(case.address)


@pytest.mark.parametrize("code", sorted(WHOLE_HOST))
def test_override_for_a_whole_host_on_linux_is_for_one_code(tmp_path, code):
    case = LINUX[code]
    wrong = [(other, "") for other in WHOLE_HOST if other != code] + [("bridge", "00:05.0")]
    assert [refusal.code for refusal in plan_on_linux(case, tmp_path / "wrong", *wrong).refusals] == [code]
    plan = plan_on_linux(case, tmp_path / "right", (code, ""))
    assert plan.refusals == () and [action.kind for action in plan.actions] == ["hide"]
    said = [text for text in plan.warnings if text.startswith(f"overridden by the owner: {code}: ")]
    assert len(said) == 1 and case.evidence in said[0]


@pytest.mark.parametrize("code", sorted(code for code, case in LINUX.items() if case.address))
def test_override_on_linux_is_for_one_device_and_code(tmp_path, code):
    case = LINUX[code]
    wrong = [(other, case.address) for other in ALLOWABLE if other not in (code, *WHOLE_HOST)]
    wrong += [(code, address) for address in ("00:07.0", "01:00.0", "0001:" + case.address)]
    assert [refusal.code for refusal in plan_on_linux(case, tmp_path / "wrong", *wrong).refusals] == [code]
    plan = plan_on_linux(case, tmp_path / "right", (code, case.address))
    assert plan.refusals == () and [action.kind for action in plan.actions] == ["hide"]
    said = [text for text in plan.warnings if text.startswith(f"overridden by the owner: {code} for {case.address}: ")]
    assert len(said) == 1 and case.evidence in said[0]
