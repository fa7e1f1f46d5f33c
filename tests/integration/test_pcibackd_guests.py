# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd-guests, which a host runs once pcibackd has started: in each shell that is here, with doubles for its commands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import (
    Attachments,
    GuestAttachments,
    attach_word,
    render,
    take_word,
)
from tests.integration.pcibackd_host import SHELLS, Host

A, B, C = "0000:03:00.0", "0000:04:00.0", "0000:05:1f.7"
DEVICE_A = f"device\t{A},id=8086:10d3,subsystem=8086:a01f"
CREATE = 'xl create -p pci=[] e820_host=1 passthrough="enabled"'
DEVICE_B = f"device\t{B},id=8086:100e"


@pytest.fixture(params=SHELLS, ids=lambda shell: Path(shell[0]).name)
def shell(request: pytest.FixtureRequest) -> list[str]:
    value: list[str] = request.param
    return value


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with two cards that drivers have, in one shell."""
    return with_cards(Host(tmp_path / "host", SHELLS[0]))


def with_cards(host: Host) -> Host:
    host.device(A, "8086:10d3", "wm2")
    host.device(B, "8086:100e", "wm3")
    return host


def test_devices_are_taken_and_guests_started_with_them(tmp_path: Path, shell: list[str]) -> None:
    host = with_cards(Host(tmp_path / "host", shell))
    host.device(C, "10ec:8139")
    firewall, web, idle = host.guest("fire wall"), host.guest("web"), host.guest("idle", auto=False)
    host.lines(
        f"guest\tfire wall\t{firewall}\t{A},permissive=1 {B}",
        DEVICE_A,
        f"guest\tidle\t{idle}\t{B}",
        DEVICE_B,
        f"device\t{C},id=10ec:8139,irq=20,allow=no-reset+shared-irq",
        f"guest\tweb\t{web}\t{C}",
    )
    assert host.start() == (0, [])
    assert host.calls == [
        f"pcibackctl take {A},id=8086:10d3,subsystem=8086:a01f",
        f"pcibackctl take {B},id=8086:100e",
        f"pcibackctl take {C},id=10ec:8139,irq=20,allow=no-reset+shared-irq",
        "xl domid fire wall",
        CREATE,
        "xl domid fire wall",
        f"pcibackctl attach --domain 1 {A},permissive=1 {B}",
        "xl unpause 1",
        "xl domid web",
        CREATE,
        "xl domid web",
        f"pcibackctl attach --domain 2 {C}",
        "xl unpause 2",
    ]
    # Again, as after pcibackd was killed and started anew: nothing is done to what is as it should be.
    assert host.start() == (0, [])
    assert not [call for call in host.calls if not call.startswith(("xl domid", "xl list"))]


def test_the_record_that_the_role_writes_is_read(host: Host) -> None:
    web = host.guest("a web")
    words = (attach_word(A, permissive=True, rdm_policy="relaxed"), attach_word(B))
    devices = (take_word(A, "8086:10d3", "8086:a01f"), take_word(B, "8086:100e", None, ["no-reset", "shared-bar-page"]))
    host.record.write_bytes(render(Attachments(devices, (GuestAttachments("a web", web, words),))))
    assert host.start() == (0, [])
    assert [call for call in host.calls if call.startswith("pcibackctl")] == [
        f"pcibackctl take {devices[0]}",
        f"pcibackctl take {devices[1]}",
        f"pcibackctl attach --domain 1 {A},permissive=1,rdm_policy=relaxed {B}",
    ]


def test_a_device_that_is_another_one_stays_with_its_driver(tmp_path: Path, shell: list[str]) -> None:
    host = Host(tmp_path / "host", shell)
    host.device(A, "8086:100e", "wm0")
    host.device(B, "8086:100e", "wm3")
    first, second = host.guest("first"), host.guest("second")
    host.lines(DEVICE_A, DEVICE_B, f"guest\tfirst\t{first}\t{B} {A}", f"guest\tsecond\t{second}\t{B}")
    assert host.start() == (
        1,
        [
            f"pcibackctl: {A} is 8086:100e, expected is 8086:10d3",
            f"pcibackd-guests: guest 'first' is not started: pcibackd does not have {A}",
        ],
    )
    assert (host.books["devices"][A]["driver"], host.books["taken"]) == ("wm0", [B])
    assert [domain[:2] for domain in host.books["domains"].values()] == [["second", "r-----"]]


def test_one_that_is_missing_or_can_not_be_taken_is_said(host: Host) -> None:
    host.set(devices={B: {**host.books["devices"][B], "stuck": True}})
    host.lines(DEVICE_A, DEVICE_B)
    sysfs = f"{host.directory}/sys"
    assert host.start() == (
        1,
        [
            f"pcibackctl: {A} is no device of this machine",
            f"pcibackctl: {B} can't be reset",
            f"pcibackd-guests: {B} has no driver now, and pcibackd could not take it; "
            f"'echo {B} >{sysfs}/bus/pci/drivers_probe' gives it back".replace(f"{host.directory}/", ""),
        ],
    )


FILE = "/etc/xen/x"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("device", "it is of another version"),
        ("devices\tx", "it is of another version"),
        ("\tdevice\tx", "it is of another version"),
        (f"device {A},id=8086:10d3", "it is of another version"),
        (f"device\t{A}", f"'{A}' is no device with its id, such as 0000:03:00.0,id=8086:10d3"),
        (
            f"device\t{A},id=8086:10d3\tmore",
            f"'{A},id=8086:10d3?more' is no device with its id, such as 0000:03:00.0,id=8086:10d3",
        ),
        (f"device\t{A},id=*", f"'{A},id=*' is no device with its id, such as 0000:03:00.0,id=8086:10d3"),
        (
            f"device\t{A},allow=no-reset",
            f"'{A},allow=no-reset' is no device with its id, such as 0000:03:00.0,id=8086:10d3",
        ),
        (
            f"device\t{A},id=8086:10d3,allow=",
            f"'{A},id=8086:10d3,allow=' is no device with its id, such as 0000:03:00.0,id=8086:10d3",
        ),
        (
            f"device\t{A},id=8086:10d3,irq=",
            f"'{A},id=8086:10d3,irq=' is no device with its id, such as 0000:03:00.0,id=8086:10d3",
        ),
        (
            f"device\t{A},id=8086:10d3,irq=0x14",
            f"'{A},id=8086:10d3,irq=0x14' is no device with its id, such as 0000:03:00.0,id=8086:10d3",
        ),
        ("device\t$(reboot)", "'$(reboot)' is no device with its id, such as 0000:03:00.0,id=8086:10d3"),
        (DEVICE_B, f"{B} is named twice"),
        ("guest\tx", "a guest has a name, a file and devices, with one tab between them"),
        (f"guest\tx\t{FILE}\t{B}\tmore", "a guest has a name, a file and devices, with one tab between them"),
        (f"guest\t\t{FILE}\t{B}", "'' is no name of a guest"),
        (f"guest\t-p\t{FILE}\t{B}", "'-p' is no name of a guest"),
        (f"guest\tDomain-0\t{FILE}\t{B}", "'Domain-0' is no name of a guest"),
        (f"guest\ta\x1b[2Jb\t{FILE}\t{B}", "'a?[2Jb' is no name of a guest"),
        (f"guest\t17\t{FILE}\t{B}", "'17' is no name of a guest, xl takes it for a number"),
        (f"guest\tx\tetc/xen/x\t{B}", "'etc/xen/x' is no path of a guest's file that xl takes"),
        (f"guest\tx\t/etc/x=y\t{B}", "'/etc/x=y' is no path of a guest's file that xl takes"),
        (f"guest\tx\t{FILE}\t", "'' is no list of devices"),
        (f"guest\tx\t{FILE}\t*", "'*' is no list of devices"),
        (f"guest\tx\t{FILE}\t{B};reboot", f"'{B};reboot' is no list of devices"),
        (f"guest\tweb\t{FILE}\t{B}", "guest 'web' is named twice"),
    ],
)
def test_a_bad_line_is_left_out_and_the_others_go_on(host: Host, line: str, sentence: str) -> None:
    host.lines(DEVICE_B, f"guest\tweb\t{host.guest('web')}\t{B}", line)
    said = f"pcibackd-guests: state/attachments, line 4: {sentence}; the line is left out"
    assert host.start() == (1, [said])
    assert [domain[:2] for domain in host.books["domains"].values()] == [["web", "r-----"]]


def test_a_record_that_is_cut_off(tmp_path: Path, shell: list[str]) -> None:
    host = with_cards(Host(tmp_path / "host", shell))
    host.record.write_text(f"{DEVICE_B}\n{DEVICE_A}\nguest\tweb\t{host.guest('web')}\t{A}")
    assert host.start() == (
        1,
        [
            "pcibackd-guests: state/attachments, line 3: it has no end, so that the file is cut off; the line is left out",
        ],
    )
    assert (host.books["taken"], host.books["domains"]) == ([B, A], {})


def test_a_guest_runs_with_its_devices_or_not_at_all(host: Host) -> None:
    for name in ("first", "third", "fourth", "fifth"):
        host.guest(name)
    host.guest("second", text="broken")
    (host.directory / "etc/third").write_text('name = "another"\n')
    (host.directory / "etc/fifth").unlink()
    host.lines(
        DEVICE_A,
        DEVICE_B,
        *(f"guest\t{name}\t{host.directory}/etc/{name}\t{A}" for name in ("first", "second", "third")),
    )
    host.set(unattachable=[A])
    assert host.start() == (
        1,
        [
            f"pcibackctl: {A} belongs to domain 9",
            "pcibackd-guests: guest 'first' is not started: it would run without its devices",
            "xl: it is broken",
            "pcibackd-guests: guest 'second' is not started: xl can't make a domain of etc/second",
            "pcibackd-guests: guest 'third' is not started: xl made a domain of etc/third that has another name, and is paused",
        ],
    )
    assert "xl destroy 1" in host.calls
    assert not [call for call in host.calls if call.startswith("xl unpause")]
    assert host.books["domains"] == {"2": ["another", "--p---", "0.0"]}


@pytest.mark.parametrize(
    ("info", "wants_iommu"),
    [
        ("", True),
        ("host : alpha\nvirt_caps : pv hvm pv_directio\n", True),
        ("virt_caps              : pv hvm hap shadow\n", False),
    ],
)
def test_an_iommu_is_asked_for_unless_xen_has_none(host: Host, info: str, wants_iommu: bool) -> None:
    host.set(info=info)
    host.lines(DEVICE_A, f"guest\tweb\t{host.guest('web')}\t{A}")
    assert host.start() == (0, [])
    assert (CREATE in host.calls) == wants_iommu
    assert ("xl create -p pci=[] e820_host=1" in host.calls) != wants_iommu


def test_guests_that_are_there_already(host: Host) -> None:
    names = ("new", "stopped by a person", "running", "complete")
    for name in names:
        host.guest(name)
    domains = {
        "5": ["new", "--p---", "0.0"],
        "6": ["stopped by a person", "--p---", "17.4"],
        "7": ["running", "-b----", "3.0"],
        "8": ["complete", "r-----", "3.0"],
    }
    host.set(domains=domains, guests={"8": [C], "5": [B]})
    host.lines(DEVICE_A, DEVICE_B, *(f"guest\t{name}\t{host.directory}/etc/{name}\t{B} {A}" for name in names[:3]))
    with host.record.open("a") as record:
        record.write(f"guest\tcomplete\t{host.directory}/etc/complete\t{C}\n")
    said = "'pcibackctl attach --domain {}' gives them to it, or its next start"
    assert host.start() == (
        1,
        [
            f"pcibackd-guests: guest 'stopped by a person' runs without {B} {A}: {said.format(6)}",
            f"pcibackd-guests: guest 'running' runs without {B} {A}: {said.format(7)}",
        ],
    )
    done = [call for call in host.calls if call.startswith(("pcibackctl", "xl unpause", "xl create", "xl destroy"))]
    assert done == [
        f"pcibackctl take {A},id=8086:10d3,subsystem=8086:a01f",
        f"pcibackctl attach --domain 5 {A}",
        "xl unpause 5",
    ]
    # One that is paused is somebody else's, and stays.
    host.set(domains={"5": domains["5"]}, guests={}, unattachable=[A])
    host.lines(DEVICE_A, f"guest\tnew\t{host.directory}/etc/new\t{A}")
    assert host.start()[1][-1] == "pcibackd-guests: guest 'new' is paused, and does not get its devices"
    assert host.books["domains"] == {"5": domains["5"]}


# ---- What stays dom0's


def refusal(host: Host) -> str:
    """What is said of the one device of the record, which has to keep its driver."""
    host.lines(DEVICE_A)
    status, (said,) = host.start()
    assert (status, host.books["devices"][A]["driver"], host.calls) == (1, "wm2", [])
    return said.removeprefix(f"pcibackd-guests: {A} stays dom0's: ")


def card(host: Host) -> Path:
    return host.directory / "sys/devices/pci0000:00" / A


@pytest.mark.parametrize("file", ["net/route", "net/ipv6_route"])
def test_the_card_of_the_default_route_is_not_detached(tmp_path: Path, shell: list[str], file: str) -> None:
    host = with_cards(Host(tmp_path / "host", shell))
    routes = {
        "net/route": "Iface Destination Gateway Flags RefCnt Use Metric Mask\nbr0 00000000 0102000A 3 0 0 0 00000000 0 0 0\n",
        "net/ipv6_route": f"{'0' * 32} 00 {'0' * 32} 00 fe80 400 1 0 3 br0\n{'0' * 32} 00 {'0' * 32} 00 0 f 1 0 200200 lo\n",
    }
    (host.directory / "proc" / file).write_text(routes[file])
    interface = host.interface(card(host), "eth2")
    for above in ("bond0", "br0"):
        (host.directory / "sys/devices/virtual" / above).mkdir(parents=True)
        (host.directory / "sys/class/net" / above).symlink_to(host.directory / "sys/devices/virtual" / above)
        (interface / f"upper_{above}").symlink_to(host.directory / "sys/class/net" / above)
        interface = host.directory / "sys/class/net" / above
    assert refusal(host) == "dom0's default route leaves by its eth2"


def test_a_card_of_the_same_model_is_told_by_its_ethernet_address(host: Host) -> None:
    pin = {"id": "8086:10d3", "mac": "52:54:00:00:00:09", "serial": None, "known_as": None}
    pins = {"0000:02:00.0": {**pin, "mac": "52:54:00:00:00:01"}, A: pin, B: {**pin, "mac": None}}
    (host.directory / "state/pins.json").write_text(
        json.dumps({"schema": "xen.pciback/pins/1", "pins": pins}, indent=2)
    )
    host.interface(card(host), "eth2")
    host.interface(host.directory / "sys/devices/pci0000:00" / B, "eth3")
    assert refusal(host) == (
        "its eth2 has the Ethernet address 52:54:00:00:00:01, and the card that was given away had 52:54:00:00:00:09"
    )
    # Of the other one nothing is known, and the first is that one after all.
    (card(host) / "net/eth2/address").write_text("52:54:00:00:00:09\n")
    host.lines(DEVICE_A, DEVICE_B)
    assert (host.start(), host.books["taken"]) == ((0, []), [A, B])


@pytest.mark.parametrize("case", ["mounted", "swap", "by number", "layer", "nvme"])
def test_the_controller_of_a_disk_in_use_is_not_detached(host: Host, case: str) -> None:
    disk = card(host) / "block/sda1"
    if case == "nvme":
        subsystem = host.directory / "sys/devices/virtual/nvme-subsystem/nvme-subsys0"
        disk = subsystem / "nvme0n1/sda1"
        (card(host) / "nvme/nvme0").mkdir(parents=True)
        subsystem.mkdir(parents=True)
        (subsystem / "nvme0").symlink_to(card(host) / "nvme/nvme0")
        (host.directory / "sys/class/nvme-subsystem").mkdir()
        (host.directory / "sys/class/nvme-subsystem/nvme-subsys0").symlink_to(subsystem)
    (disk / "holders").mkdir(parents=True)
    (disk / "dev").write_text("8:1\n")
    (host.directory / "sys/class/block/sda1").symlink_to(disk)
    said = "its disk sda1 is in use"
    if case in ("mounted", "nvme"):
        (host.directory / "proc/mounts").write_text("/dev/sda10 / ext4 rw 0 0\n/dev/sda1 /boot ext4 rw 0 0\n")
    elif case == "swap":
        (host.directory / "proc/swaps").write_text("Filename Type Size\n/dev/sda1 partition 1\n")
    elif case == "by number":
        (host.directory / "proc/self/mountinfo").write_text("36 35 8:1 / /boot rw - ext4 /dev/disk/by-uuid/1 rw\n")
    else:
        (disk / "holders/dm-0").mkdir()
        said = "its disk sda1 is part of dm-0"
    assert refusal(host) == said


def test_a_driver_that_does_not_let_go(host: Host) -> None:
    (card(host) / "driver/unbind").unlink()
    (card(host) / "driver/unbind").mkdir()
    assert refusal(host) == "its driver wm2 does not let go of it"


# ---- NetBSD


@pytest.fixture
def netbsd(tmp_path: Path) -> Host:
    host = with_cards(Host(tmp_path / "host", SHELLS[0], "NetBSD"))
    (host.directory / "etc/rc.subr").write_text(f"load_rc_config() {{ . {host.directory}/etc/rc.conf; }}\n")
    (host.directory / "etc/rc.conf").write_text('xendomains="web other"\n')
    said = {
        "ifconfig wm2": "wm2: flags=0x8843<UP> mtu 1500\n\taddress: 52:54:00:00:00:02\n",
        "ifconfig wm3": "wm3: flags=0x8843<UP> mtu 1500\n\taddress: 52:54:00:00:00:03\n",
        "ifconfig -l": "wm2 wm3 bridge0 lo0\n",
        "route -n get default": "   route to: default\n  interface: wm0\n",
    }
    host.set(said=said)
    return host


def test_netbsd_detaches_by_drvctl_and_starts_what_rc_conf_names(netbsd: Host) -> None:
    web, idle = netbsd.guest("web", auto=False), netbsd.guest("idle", auto=False)
    netbsd.lines(DEVICE_A, DEVICE_B, f"guest\tweb\t{web}\t{A}", f"guest\tidle\t{idle}\t{B}")
    assert netbsd.start() == (0, [])
    assert netbsd.calls[:4] == [
        "drvctl -d wm2",
        f"pcibackctl take {A},id=8086:10d3,subsystem=8086:a01f",
        "drvctl -d wm3",
        f"pcibackctl take {B},id=8086:100e",
    ]
    assert [domain[:2] for domain in netbsd.books["domains"].values()] == [["web", "r-----"]]


def test_netbsd_other_places_of_guests_files(netbsd: Host) -> None:
    (netbsd.directory / "guests").mkdir()
    (netbsd.directory / "guests/web.cfg").write_text('name = "web"\n')
    (netbsd.directory / "etc/rc.conf").write_text(
        f'xendomains=web\nxendomains_config="{netbsd.directory}/guests/%s.cfg"\n'
    )
    netbsd.lines(DEVICE_A, f"guest\tweb\t{netbsd.directory}/guests/web.cfg\t{A}")
    assert netbsd.start() == (0, [])
    assert netbsd.books["guests"] == {"1": [A]}


@pytest.mark.parametrize(
    "said",
    [
        {"route -n get default": "  interface: wm2\n"},
        {"route -n get -inet6 default": "  interface: wm2\n"},
        {"route -n get default": "  interface: vlan7\n", "ifconfig vlan7": "vlan7: flags=3\n\tvlan: 7 parent: wm2\n"},
        {
            "route -n get default": "  interface: tap0\n",
            "ifconfig tap0": "tap0: flags=3\n",
            "brconfig bridge0": "bridge0: flags=41<UP>\n\tInterfaces:\n\t\twm2 flags=3\n\t\ttap0 flags=3\n",
        },
    ],
)
def test_netbsd_the_card_of_the_default_route_is_not_detached(netbsd: Host, said: dict[str, str]) -> None:
    netbsd.set(said={**netbsd.books["said"], **said})
    assert refusal(netbsd) == "dom0's default route leaves by its wm2"


def test_netbsd_the_kernel_refuses_a_disk_in_use(netbsd: Host) -> None:
    netbsd.set(devices={A: {**netbsd.books["devices"][A], "busy": True}})
    netbsd.lines(DEVICE_A)
    assert netbsd.start() == (
        1,
        [
            "drvctl: DRVDETACHDEV: Device busy",
            f"pcibackd-guests: {A} stays dom0's: its driver wm2 does not let go of it",
        ],
    )


def test_netbsd_a_device_without_driver_is_brought_back_by_hand(netbsd: Host) -> None:
    netbsd.set(devices={A: {**netbsd.books["devices"][A], "stuck": True}})
    netbsd.lines(DEVICE_A)
    assert netbsd.start()[1][-1] == (
        f"pcibackd-guests: {A} has no driver now, and pcibackd could not take it; "
        "'drvctl -r' of its bus gives it back, and all others that have none"
    )


# ---- The whole


def test_pcibackd_is_waited_for_and_not_without_end(host: Host) -> None:
    host.set(silent=True)
    host.lines(DEVICE_A, f"guest\tweb\t{host.guest('web')}\t{A}")
    said = "no device was taken and no guest started: pcibackctl: pcibackd is not running: nobody listens"
    assert host.start() == (1, [f"pcibackd-guests: {said}"])
    assert host.books["domains"] == {}


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("list", "no guest is started: xl does not list domains"),
        ("create", "guest 'web' is not started: xl can't make a domain of etc/web"),
    ],
)
def test_an_xl_that_hangs_is_ended(tmp_path: Path, shell: list[str], verb: str, said: str) -> None:
    host = with_cards(Host(tmp_path / "host", shell))
    host.set(hangs=verb)
    host.lines(DEVICE_A, f"guest\tweb\t{host.guest('web')}\t{A}")
    status, lines = host.start()
    assert (status, lines[-1]) == (1, f"pcibackd-guests: {said}")
    # The shell may say that it was terminated.
    assert len(lines) <= 2
    assert host.books["taken"] == [A]


def test_without_a_record_there_is_nothing_to_do(host: Host) -> None:
    assert host.start() == (0, [])
    assert host.calls == []
    host.record.mkdir()
    assert host.start() == (1, ["pcibackd-guests: state/attachments can't be read"])


def test_the_service_starts_guests_once_a_boot(tmp_path: Path, shell: list[str]) -> None:
    host = with_cards(Host(tmp_path / "host", shell))
    host.lines(DEVICE_A, DEVICE_B, f"guest\tweb\t{host.guest('web')}\t{A}")
    assert host.start("--boot") == (0, [])
    assert list(host.books["guests"].values()) == [[A]]
    # Somebody shuts it down, and pcibackd is started anew: the devices are taken again, and it stays down.
    host.set(domains={}, guests={}, taken=[])
    assert host.start("--boot") == (0, [])
    assert (host.books["domains"], host.books["taken"]) == ({}, [A, B])
    # Whoever asks for it gets it; so does the next boot.
    assert host.start() == (0, [])
    assert list(host.books["guests"].values()) == [[A]]
    host.set(domains={}, guests={}, taken=[])
    host.boot(2)
    assert host.start("--boot") == (0, [])
    assert list(host.books["guests"].values()) == [[A]]


def test_a_boot_without_a_record_has_had_its_start(netbsd: Host) -> None:
    netbsd.set(said={**netbsd.books["said"], "sysctl -n kern.boottime": "Mon Nov 30 02:00:00 2026\n"})
    assert netbsd.start("--boot") == (0, [])
    netbsd.lines(DEVICE_A, f"guest\tweb\t{netbsd.guest('web', auto=False)}\t{A}")
    assert netbsd.start("--boot") == (0, [])
    assert (netbsd.books["domains"], netbsd.books["taken"]) == ({}, [A])
    (netbsd.directory / "started").unlink()
    (netbsd.directory / "started").mkdir()
    assert netbsd.start("--boot")[1][-1] == "pcibackd-guests: started can't be written"
    assert list(netbsd.books["guests"].values()) == [[A]]


def test_stop_does_nothing_and_other_words_are_refused(host: Host) -> None:
    host.lines(DEVICE_A)
    assert (host.run("stop").returncode, host.calls) == (0, [])
    for arguments in ([], ["frob"], ["--frob", "x", "start"]):
        done = host.run(*arguments)
        assert (done.returncode, done.stderr) == (
            2,
            "usage: pcibackd-guests [--record FILE] [--control PATH] [--backend native|kernel] [--boot] [--background] start|watch|stop\n",
        )


def test_it_finds_its_commands_without_a_path_of_the_callers(host: Host) -> None:
    done = subprocess.run([host.shell[0], host.script, "--record", host.record, "start"], env={}, check=False)
    assert done.returncode == 0
