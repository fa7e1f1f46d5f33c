# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xl on the embedded dom0, compared with what a real xl 4.17 printed."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from tests.unit.lab.conftest import Host

DATA = Path(__file__).parent / "data"
BLOCK = re.compile(r"=====\[ ([^\n]*) \]=====\n(.*?)--- exit (\d+)\n", re.DOTALL)
# What the real xl printed of Linux's /sys, of a device that an earlier command had left behind, and
# of a domain that it could not take apart again.
ELSEWHERE = re.compile(
    r"^libxl: (?:error|warning): [^ ]*:(?:libxl__device_pci_reset|retrieve_domain_configuration_end|libxl__wait_for_backend"
    r"|libxl__domain_type|do_pci_remove|pci_remove_detached|destroy_domid_pci_done): "
    r"(?!Domain [0-9]+:PCI device not attached).*\n",
    re.MULTILINE,
)
XEN = "menu=Xen:load /n pciback.hide={hide};multiboot /xen.gz dom0_mem=1536M\ntimeout=1\n"
G1 = """\
name = "g1"
type = "pv"
kernel = "/boot/vmlinuz-6.1.0-56-amd64"
ramdisk = "/root/guest-initrd.gz"
extra = "console=hvc0"
memory = 256
vcpus = 1
on_crash = "preserve"
"""
BOARD = """\
menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:05.0);multiboot /xen.gz dom0_mem=512M
timeout=1
"""
UUIDS = {
    "xl-list-l-all-with-g1": "5ce4a5c4-1a1d-45d8-9729-eb07436db6a1",
    "xl-list-l-g1-hotcreate": "5ce4a5c4-1a1d-45d8-9729-eb07436db6a1",
    "xl-list-l-passthrough": "de5c4e4f-9629-4da8-ba71-224a87693ee5",
}


def blocks(text: str) -> list[tuple[str, str, int]]:
    """Commands of a capture: line, what it printed less what is Linux's, exit status."""
    return [(line, ELSEWHERE.sub("", seen), int(status)) for line, seen, status in BLOCK.findall(text)]


def boot(host: Host, hide: str) -> Host:
    host.create(
        "--bus", "q35-bridges", "--kernel", "/n", "--kernel", "/boot/vmlinuz-6.1.0-56-amd64", "--kernel",
        "/root/guest-initrd.gz", boot_cfg=XEN.format(hide=hide),
    )  # fmt: skip
    return host.make_files_of_linux()


def start(host: Host, text: str, next_domid: int = 1) -> tuple[str, int]:
    """Create a guest from a configuration; what xl said, and its status."""
    (host.root / "root" / "bad.cfg").write_bytes(text.encode())
    file = host.directory / "machine" / "state.json"
    file.write_text(json.dumps(dict(host.state, next_domid=next_domid)))
    done = host.tool("xl create /root/bad.cfg")
    return ELSEWHERE.sub("", done.stdout + done.stderr), done.returncode


def test_create_says_of_pci_entries_what_the_real_xl_says(host: Host) -> None:
    boot(host, "(01:00.0)(00:07.0)(00:05.0)")
    domid = 4
    captured = blocks((DATA / "xl-create.txt").read_text())
    assert len(captured) == 12
    for line, seen, status in captured:
        found, ended = start(host, G1 + line + "\n", domid)
        if status == 139:
            # The shell of the capture added what it says of a crash.
            assert (found + "Segmentation fault\n", ended) == (seen, -signal.SIGSEGV), line
            continue
        assert (found, ended) == (seen, status), line
        domid = host.state["next_domid"]
        host.tool("xl destroy g1")


def test_attach_detach_and_list_are_those_of_the_real_xl(host: Host) -> None:
    text = (DATA / "xl-attach.txt").read_text()
    sections = re.split(r"^### hide: (.*)\n", text, flags=re.MULTILINE)[1:]
    assert len(sections) == 4
    for hide, body in zip(sections[::2], sections[1::2]):
        host.dom0("destroy")
        boot(host, hide)
        found, status = start(host, G1 + 'uuid = "4223441d-c8fa-4fe2-8219-d7af069185eb"\npci = [ "00:05.0" ]\n', 3)
        assert (found, status) == ("Parsing config from /root/bad.cfg\n", 0)
        for line, seen, status in blocks(body):
            done = host.tool(line)
            assert (done.stdout + done.stderr, done.returncode) == (seen, status), line


@pytest.mark.parametrize("name", UUIDS)
def test_list_l_is_the_json_of_the_real_xl(name: str, host: Host) -> None:
    boot(host, "(00:05.0)")
    seen = (DATA / f"{name}.json").read_text()
    passthrough = name.endswith("passthrough")
    guest = (
        G1.replace('"g1"', '"u1"') + 'e820_host = 1\npassthrough = "enabled"\n'
        if passthrough
        else G1 + 'pci = ["00:05.0"]\n'
    )
    assert start(host, guest + f'uuid = "{UUIDS[name]}"\n', 2 if passthrough else 1)[1] == 0
    words = "xl list -l" if "all" in name else f"xl list -l {'u1' if passthrough else 'g1'}"
    # The capture of every domain holds the text twice, once for Domain-0 before the guest was there.
    assert host.tool(words).stdout == seen
    json.loads(host.tool(words).stdout)


def test_pci_list_is_that_of_the_real_xl(host: Host) -> None:
    boot(host, "(00:05.0)")
    start(host, G1 + 'pci = ["00:05.0"]\n')
    assert host.tool("xl pci-list g1").stdout == (DATA / "xl-pci-list-g1.txt").read_text()


def test_list_of_domains_is_laid_out_as_the_real_one(host: Host) -> None:
    boot(host, "(00:05.0)")
    start(host, G1, 3)
    lines = host.tool("xl list").stdout.splitlines()
    assert lines[0] == "Name                                        ID   Mem VCPUs\tState\tTime(s)"
    assert lines[1].startswith("Domain-0                                     0  1536     1     r-----  ")
    assert lines[2].startswith("g1                                           3   256     1     -b----  ")
    assert host.tool("xl domid g1").stdout == "3\n"
    assert host.tool("xl domname 3").stdout == "g1\n"
    missing = host.tool("xl list nosuch")
    assert (missing.stderr, missing.returncode) == ("nosuch is an invalid domain identifier (rc=-6)\n", 1)


def test_assignable_list_and_its_changes(host: Host) -> None:
    boot(host, "(00:05.0)(01:00.0)")
    assert host.tool("xl pci-assignable-list").stdout == "0000:00:05.0 \n0000:01:00.0 \n"
    for words, status, error in (
        ("add zz:05.0", 2, 'pci-assignable-add: malformed BDF "zz:05.0"\n'),
        ("add 0000:00:05.9", 2, 'pci-assignable-add: malformed BDF "0000:00:05.9"\n'),
        ("add 00:15.0", 1, "libxl: error: libxl_pci.c:792:libxl__device_pci_assignable_add: Couldn't lstat "
         "/sys/bus/pci/devices/0000:00:15.0: No such file or directory\n"),
        ("remove 00:15.0", 1, "libxl: error: libxl_pci.c:906:libxl__device_pci_assignable_remove: "
         "failed to de-quarantine 0000:00:15.0\n"),
    ):  # fmt: skip
        done = host.tool(f"xl pci-assignable-{words}")
        assert (done.returncode, done.stderr) == (status, error)


def test_a_setting_of_the_command_line_overrides_the_files(host: Host) -> None:
    boot(host, "(00:05.0)")
    assert start(host, G1 + 'pci = [\n "00:15.0",\n]\n')[1] == 3
    done = host.run("/usr/pkg/sbin/xl", "create", "-p", "/root/bad.cfg", "pci=[]")
    assert (done.stderr, done.returncode) == ("Parsing config from /root/bad.cfg\n", 0)
    assert "  --p---  " in host.tool("xl list").stdout
    assert host.tool("xl pci-list g1").stdout == ""


def test_what_a_guest_had_is_taken_out_of_quarantine(host: Host) -> None:
    boot(host, "(00:05.0)")
    assert start(host, G1 + 'pci = ["00:05.0"]\n')[1] == 0
    host.tool("xl destroy g1")
    assert list(host.state["xen"]["owners"]) == ["0000:00:05.0"]
    done = host.tool("xl pci-assignable-remove 00:05.0")
    assert (done.returncode, done.stderr) == (
        0,
        "libxl: error: libxl_pci.c:667:pciback_dev_has_slot: Couldn't open /kern/xen/pci/slots: No such file or directory\n",
    )
    assert host.state["xen"]["owners"] == {}


@pytest.mark.parametrize("hide", ["(00:05.0", ""])
def test_without_backend_nothing_can_be_assigned(hide: str, host: Host) -> None:
    boot(host, hide)
    listing = host.tool("xl pci-assignable-list")
    loaded = "libxl: error: libxl_pci.c:444:libxl_device_pci_assignable_list: Looks like pciback driver not loaded\n"
    assert (listing.stdout, listing.stderr, listing.returncode) == ("", loaded, 0)
    found, status = start(host, G1 + 'pci = ["00:05.0"]\n')
    assert status == 3
    assert "Domain 1:PCI device 0:0:5.0 is not assignable\n" in found
    assert host.status()["domains"] == []


@pytest.mark.parametrize(
    ("option", "xen", "capabilities"),
    [
        ((), "", "pv pv_directio iommu_hap_pt_share gnttab-v1 gnttab-v2"),
        (("--no-iommu",), "", "pv gnttab-v1 gnttab-v2"),
        ((), " iommu=verbose,off", "pv gnttab-v1 gnttab-v2"),
        ((), " iommu=verbose -- iommu=off", "pv pv_directio iommu_hap_pt_share gnttab-v1 gnttab-v2"),
    ],
    ids=["of the board", "a board without one", "switched off in Xen", "an argument of dom0"],
)
def test_virt_caps_follow_the_hardware_and_xens_arguments(
    option: tuple[str, ...], xen: str, capabilities: str, host: Host
) -> None:
    host.create(
        "--kernel", "/n", *option, boot_cfg=f"menu=Xen:load /n;multiboot /xen.gz dom0_mem=512M{xen}\ntimeout=1\n"
    )
    assert f"virt_caps              : {capabilities}\n" in host.tool("xl info").stdout


def test_without_an_iommu_no_guest_gets_a_device(host: Host) -> None:
    """The first words are those of a real xl 4.17 on a machine without one."""
    host.create("--no-iommu", "--guest", "g1", boot_cfg=BOARD).make_files_of_linux()
    config = host.root / "usr/pkg/etc/xen/g1"
    plain = config.read_text()
    config.write_text(plain + 'pci = ["00:05.0"]\n')
    done = host.tool("xl create /usr/pkg/etc/xen/g1")
    where = "libxl_create.c:1160:libxl__domain_config_setdefault"
    assert (done.stderr, done.returncode) == (
        "Parsing config from /usr/pkg/etc/xen/g1\n"
        f"libxl: error: {where}: passthrough not supported on this platform\n\n",
        6,
    )
    config.write_text(plain)
    assert host.tool("xl create /usr/pkg/etc/xen/g1").returncode == 0
    refused = host.tool("xl pci-attach g1 00:05.0")
    assert refused.returncode == 1, refused.stderr
    assert "pci_add_dm_done: Domain 1:xc_assign_device failed: Operation not supported" in refused.stderr, (
        refused.stderr
    )


def test_without_files_of_linux_xl_cannot_attach(host: Host) -> None:
    host.create("--guest", "alpha", boot_cfg=XEN.format(hide="(00:05.0)").replace("/n ", "/netbsd "))
    assert host.tool("xl pci-assignable-list").stdout == "0000:00:05.0 \n"
    assert host.tool("xl create /usr/pkg/etc/xen/alpha").returncode == 0
    done = host.tool("xl pci-attach alpha 00:05.0")
    assert done.returncode == 1
    assert "Couldn't open /sys/bus/pci/devices/0000:00:05.0/resource: No such file or directory\n" in done.stderr
    assert host.tool("xl pci-list alpha").stdout == ""
    host.tool("xl destroy alpha")
    done = host.tool('xl create /usr/pkg/etc/xen/alpha pci=["00:05.0"]')
    assert done.returncode == 3
    assert host.status()["domains"] == []


SYNTAX = {
    'name = "a"\nmemory = \n': "2: config parsing error near <newline>: syntax error",
    'name = "a"\n\npci = [ "00:05.0" "00:06.0" ]\n': "3: config parsing error near `00:06.0': syntax error",
    "name = 'a\n": "1: config parsing error near `'': lexical error",
    'name = "a"\r\n': "1: config parsing error near `\r': lexical error",
    'Name = "a"\n': "1: config parsing error near `Name': lexical error",
    'name = "a\\q"\n': "1: config parsing error near `\\q': invalid character after backslash in string",
    'name = "a" # no newline': "1: config parsing error near `#': lexical error",
    'name "a"\n': "1: config parsing error near `a': syntax error",
    "pci = [ '00:05.0', \n# of a list\n": "3: config parsing error near : syntax error",
}


@pytest.mark.parametrize("text", SYNTAX)
def test_create_refuses_a_file_it_cannot_read_with_the_line(text: str, host: Host) -> None:
    host.create()
    found, status = start(host, text)
    assert status == 1
    lines = found.splitlines()
    assert lines[0] == "Parsing config from /root/bad.cfg"
    # Reading text turned the lone carriage return into a line break.
    assert f"/root/bad.cfg:{SYNTAX[text]}".replace("\r", "\n") in found
    assert lines[-1] == "Failed to parse config: Invalid argument"
    assert host.status()["domains"] == []


def test_create_refuses_what_is_not_there_or_there_already(host: Host) -> None:
    host.create("--guest", "alpha")
    missing = host.tool("xl create /usr/pkg/etc/xen/beta")
    assert (missing.returncode, missing.stderr) == (
        3, "Failed to read config file: /usr/pkg/etc/xen/beta: No such file or directory\n")  # fmt: skip
    assert host.tool("xl create /usr/pkg/etc/xen/alpha").returncode == 0
    again = host.tool("xl create /usr/pkg/etc/xen/alpha")
    assert again.returncode == 6
    assert 'Domain with name "alpha" already exists.' in again.stderr
    host.tool("xl destroy alpha")
    (host.root / "usr/local/xen/alpha/netbsd-XEN3_DOMU.gz").unlink()
    no_kernel = host.tool("xl create /usr/pkg/etc/xen/alpha")
    assert no_kernel.returncode == 3
    assert "xc_dom_kernel_file failed: No such file or directory" in no_kernel.stderr
    assert host.status()["domains"] == []


def test_shutdown_takes_its_time_and_wait_waits(host: Host) -> None:
    host.create("--guest", "alpha", "--guest-shutdown-seconds", "0.5")
    host.tool("xl create -q /usr/pkg/etc/xen/alpha")
    begin = time.monotonic()
    done = host.tool("xl shutdown -w alpha")
    assert time.monotonic() - begin >= 0.45
    assert (done.returncode, done.stderr) == (
        0, "Shutting down domain 1\nWaiting for 1 domains\nDomain 1 has been shut down, reason code 0\n")  # fmt: skip
    assert host.status()["domains"] == []


def test_shutdown_without_wait_comes_back_before_the_guest_is_gone(host: Host) -> None:
    host.create("--guest", "alpha", "--guest-shutdown-seconds", "3600")
    host.tool("xl create -q /usr/pkg/etc/xen/alpha")
    assert host.tool("xl shutdown alpha").returncode == 0
    assert host.tool("xl domid alpha").stdout == "1\n"
    # The hour is over.
    path = host.directory / "machine/state.json"
    state = json.loads(path.read_text())
    state["domains"][-1]["ends_at"] = 0
    path.write_text(json.dumps(state))
    assert host.tool("xl domid alpha").returncode == 1


def test_a_guest_may_ignore_the_request_until_it_is_destroyed(host: Host) -> None:
    host.create("--guest", "alpha", "--ignores-shutdown", "alpha", "--guest-shutdown-seconds", "0")
    host.tool("xl create /usr/pkg/etc/xen/alpha")
    assert host.tool("xl shutdown alpha").returncode == 0
    time.sleep(0.1)
    assert host.tool("xl domid alpha").stdout == "1\n"
    assert host.tool("xl destroy alpha").returncode == 0
    assert host.tool("xl list alpha").returncode == 1
    dom0 = host.tool("xl destroy 0")
    assert (dom0.returncode, dom0.stderr) == (1, "Not destroying domain 0; use -f to force.\n")


def test_what_happens_after_a_shutdown_is_the_configurations_choice(host: Host) -> None:
    host.create(
        "--guest-shutdown-seconds", "0", "--kernel", "/boot/vmlinuz-6.1.0-56-amd64", "--kernel", "/root/guest-initrd.gz"
    )
    start(host, G1 + 'on_poweroff = "preserve"\n')
    host.tool("xl shutdown g1")
    assert "---s--" in host.tool("xl list g1").stdout
    host.tool("xl destroy g1")
    start(host, G1, 2)
    host.tool("xl reboot g1")
    assert host.tool("xl domid g1").stdout == "3\n"


def test_a_device_cannot_be_in_two_guests(host: Host) -> None:
    hide = XEN.format(hide="(00:05.0)(00:06.0)").replace("/n ", "/netbsd ")
    host.create("--guest", "alpha", "--guest", "beta", boot_cfg=hide).make_files_of_linux()
    for name in ("alpha", "beta"):
        with (host.root / "usr/pkg/etc/xen" / name).open("a") as stream:
            stream.write('pci = [ "00:05.0" ]\n')
    assert host.tool("xl create /usr/pkg/etc/xen/alpha").returncode == 0
    refused = host.tool("xl create /usr/pkg/etc/xen/beta")
    assert refused.returncode == 3
    assert "Domain 2:PCI device 0:0:5.0 is not assignable\n" in refused.stderr
    assert host.status()["domains"] == ["alpha"]
