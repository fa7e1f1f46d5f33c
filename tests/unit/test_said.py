# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said, word for word, where no other test is about it: the remedies first of all.

test_sentences.py names the sentences that have no test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices import selectors
from ansible_collections.xen.pciback.plugins.module_utils.devices.located import locate_pins
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.engines import native_build, native_component
from ansible_collections.xen.pciback.plugins.module_utils.engines.guest import Guest
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import NativeRequest
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import drivers, grub, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import place
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Interface
from ansible_collections.xen.pciback.plugins.module_utils.host import files, lock, xl
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import RunningDomain, Xl
from tests.unit.devices.bus import BUS
from tests.unit.formats.boot_cfg.edits import PLAIN, devices, edited, refused
from tests.unit.guards.cases import BASE, NICS, judge

NIC = BUS[1]


def said(call: Callable[[], Any]) -> tuple[str, str | None]:
    """The sentence and the remedy that a call ends with."""
    with pytest.raises(PcibackError) as caught:
        call()
    return str(caught.value), caught.value.remedy


# --- devices


def evidence(pin: Any, *found: Any, claims: Any = ()) -> str:
    return locate_pins({each.address: each for each in found}, pin, claims).evidence(NIC.address)


def test_where_a_pinned_device_is() -> None:
    serial = replace(pin_of(NIC), serial="00-1b-21-ff-ff-12-34-56")
    moved = replace(NIC, address=parse_address("00:1e.0"))
    with mock.patch.object(type(moved), "serial", "00-1b-21-ff-ff-12-34-56"):
        assert evidence({NIC.address: serial}, moved).endswith("is at 00:1e.0 now, its serial number says so")
    slot = replace(pin_of(NIC), slot="0000:00/1c.0/00.0")
    here = replace(NIC, address=parse_address("01:00.0"), slot="0000:00/1c.0/00.0")
    twin = replace(NIC, address=parse_address("02:00.0"), slot="0000:00/1d.0/00.0")
    assert evidence({NIC.address: slot}, here, twin).endswith("is at 01:00.0 now, it sits in the same slot")


def test_two_pinned_devices_that_changed_places() -> None:
    pins = {
        NIC.address: replace(pin_of(NIC), mac="52:54:00:00:00:01"),
        BUS[3].address: replace(pin_of(BUS[3]), mac="52:54:00:00:00:02", subsystem=NIC.subsystem_id, driver="wm0"),
    }
    first = replace(NIC, address=BUS[3].address, mac="52:54:00:00:00:01", driver="wm0")
    hidden = replace(NIC, driver="pciback0")
    text = evidence(pins, first, hidden)
    assert "now, which is another pinned device; " in text


def test_a_host_without_devices() -> None:
    text, remedy = said(lambda: selectors.select(parse_selector({"id": "8086:100e"}), ()))
    assert text == "no device matches id 8086:100e; this host has no device at all"
    assert remedy == "correct the selector, or look at the host with xen.pciback.device_info"


def test_an_address_above_the_domains_that_there_are() -> None:
    text, _remedy = said(lambda: parse_address("2:00:00.0", max_domain=1))
    assert text.endswith(
        "domain 2 is above 1; BUS:DEVICE.FUNCTION is hexadecimal from 00:00.0 to ff:1f.7, and the domain is 0000 to 0001 here"
    )


# --- boot.cfg


def test_what_helps_with_a_boot_cfg() -> None:
    too_large = PLAIN + "#" * (MAX_FILE - len(PLAIN) - 10)
    assert refused(too_large).remedy == "delete comments or entries"
    assert said(lambda: BootCfg.parse(b"#" * 40000))[1] == "delete comments or entries"
    broken = PLAIN.replace("console=pc", "pciback.hide=(junk)")
    assert refused(broken).remedy == (
        "mend or delete that list by hand, or let 'ansible HOST -m xen.pciback.boot_hide -a \"state=absent path=/boot.cfg\"' "
        "remove every hide list of the file"
    )
    marked = said(lambda: BootCfg.parse(b"\xef\xbb\xbf" + PLAIN.encode(), "/b"))[1]
    assert marked == "save it as UTF-8 without that, or: tail -c +4 /b > /b.new && cp /b.new /b"
    only = "menu=NetBSD:boot netbsd\n" + PLAIN.replace("Xen:", "Xen (previous pciback):")
    assert str(refused(only)) == "/boot.cfg: every menu entry that starts Xen is titled '... (previous pciback)'"


def test_a_list_that_is_not_surely_read() -> None:
    document = BootCfg.parse(PLAIN.encode())
    with mock.patch(
        "ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check.holds_exactly", return_value=False
    ):
        text, _remedy = said(lambda: hide(document, devices(1), "xen"))
    assert (
        "entry 1 'Xen' can't be given the hide list so that it is surely read; write its line in the plain form of boot.cfg(5)"
        in text
    )


def test_why_there_is_no_previous_entry() -> None:
    assert edited(PLAIN).previous.reason == "it was not asked for"
    assert unhide(BootCfg.parse(PLAIN.encode())).previous.reason == "no list is left"
    with mock.patch(
        "ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.previous._line",
        return_value=b"menu=P:load /n;multiboot /x a -- pciback.hide=(1:0.0)\n",
    ):
        edit = hide(BootCfg.parse(PLAIN.encode()), devices(1), "xen", previous=True)
    assert edit.previous.reason == "the arguments from before can't be kept in an entry of its own"
    with pytest.raises(ValueError, match="entry 1 has no list"):
        place.placement(BootCfg.parse(PLAIN.encode()), 0, False)


# --- other files


def test_a_record_of_drivers() -> None:
    text, _remedy = said(lambda: drivers.parse(b'{"drivers": {}}', "/db/drivers.json"))
    assert text == (
        "/db/drivers.json: it must have 'drivers', and 'xen.pciback/drivers/1' for its schema; "
        "delete it to let the kernel choose drivers by itself"
    )


def test_what_helps_with_grub() -> None:
    assert (
        said(lambda: grub.read_menu(b"menuentry  {\n}\n"))[1] == "make the menu anew with update-grub or grub-mkconfig"
    )
    wanted = [Address(0, bus, device, 0) for bus in range(3) for device in range(32)]
    assert said(lambda: hide_parameter.render(wanted))[1] == "give away fewer devices of this host"
    assert grub.settings([parse_address("00:05.0")]).startswith(
        b"# Written by xen.pciback; it goes with the last hidden device.\n"
    )


def test_what_xl_can_not_read() -> None:
    text, _remedy = said(lambda: XlConfig.parse(b'name = "\\q"\n', "/g"))
    assert text.endswith(
        "xl knows no such escape; it knows \\\" \\' \\\\ \\a \\b \\f \\n \\r \\t \\v, \\x with two hexadecimal digits and \\ with three octal ones"
    )
    text, _remedy = said(lambda: PciSpec.parse("03:00.0,vslot=20"))
    assert text.endswith("'vslot=20' is no slot; vslot is a hexadecimal number from 1 to 1f")


# --- guards


def test_a_connection_that_came_in_at_an_unknown_address() -> None:
    (warning,) = judge(replace(BASE, default_routes=("lo0",), server_address="203.0.113.9"), "00:05.0").warnings
    assert "the address 203.0.113.9 that this connection came in at" in warning


def test_an_interface_that_is_lost() -> None:
    facts = replace(BASE, interfaces={**NICS, "wm1": Interface("wm1", True, ("198.51.100.1",))})
    (warning,) = judge(facts, "00:05.0").warnings
    assert " is in use: dom0 loses interface wm1 (198.51.100.1); wm1 is at pci0 " in warning
    (finding,) = judge(BASE, "00:04.0").findings
    assert "carries the network connection that dom0 is managed by" in finding.message


# --- files and locks


def test_a_symbolic_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("file")
    text, remedy = said(lambda: files.read_file(str(link)))
    assert text == f"{link}: it is a symbolic link, not a regular file"
    assert remedy == "name the file that the link points to"


def test_a_file_that_became_something_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    text, _remedy = said(lambda: files._check_unchanged(str(path), b"old"))
    assert (
        text
        == f"{path}: it was changed by somebody else meanwhile, nothing was overwritten (it is a directory, not a regular file)"
    )


def test_a_file_whose_attributes_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with mock.patch.object(files.attributes, "read", side_effect=OSError(5, "Input/output error")):
        text, remedy = said(lambda: files._old(str(path), path.lstat()))
    assert text == f"{path}: its attributes can't be read: Input/output error"
    assert remedy == "see 'dmesg' first: its disk fails"


def test_a_host_that_another_run_changes(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with lock.held(path, "one", patience=0):
        remedy = said(lambda: lock._acquire(path, 0))[1]
    assert remedy == "run again when it has ended; a lock goes with its process, the file need not be removed"


def test_a_host_that_can_not_be_locked() -> None:
    text, remedy = said(lambda: lock._open("/dev/null/lock"))
    assert text == "/dev/null/lock: the host can't be locked: Not a directory"
    assert remedy == "name a directory with 'state_directory' that every run on this host uses"


# --- xl


def answering(status: int, out: str = "", err: str = "") -> Xl:
    return Xl(lambda _argv, **_more: (status, out, err), "/xl")


DOMAIN = RunningDomain(3, "mail")


def test_what_xl_could_not() -> None:
    silent = answering(1)
    assert said(silent.states)[0].startswith("xl can't say which guests run: ")
    assert said(silent.info)[0].startswith("xl can't say what machine this is: ")
    assert said(lambda: silent.detach(DOMAIN, NIC.address))[0].startswith("00:04.0 was not detached from guest mail: ")


def test_what_helps_with_xl() -> None:
    with mock.patch.object(xl, "PLACES", ("/nonexistent/xl",)):
        text, remedy = said(xl.find_xl)
    assert text == "xl was found at none of /nonexistent/xl"
    assert remedy == "install Xen's tools (sysutils/xentools in pkgsrc, xen-utils on Debian), or give the path as 'xl'"
    assert said(lambda: xl.parse_devices("no JSON"))[1] == "use the tools of Xen 4.2 or later"
    waiting = Xl(lambda _argv, **_more: (0, "3\n", ""), "/xl")
    assert said(lambda: waiting.wait_connected(DOMAIN, 0))[1] == (
        "look at its console, and load its PCI frontend (xen-pcifront on Linux), or restart it"
    )


@pytest.mark.parametrize(
    ("printed", "sentence", "remedy"),
    [
        (
            "libxl: error: libxl_create.c:1160:x: passthrough not supported on this platform\n",
            "the guest of /g was not started: Xen has no IOMMU in use, and xl then gives PCI devices to no guest",
            "switch VT-d or AMD-Vi on in the machine's firmware, and boot Xen without iommu=off",
        ),
        (
            "libxl: error: libxl_pci.c:1529:x: Domain 3:xc_assign_device failed: Operation not supported\n",
            "the guest of /g was not started: Xen has set up no IOMMU for the guest, because it was started without PCI devices",
            "restart it; 'passthrough = \"enabled\"' and 'e820_host = 1' in its file make it fit to get one later",
        ),
    ],
)
def test_what_xl_says_of_an_iommu(printed: str, sentence: str, remedy: str) -> None:
    assert said(lambda: answering(1, err=printed).create("/g")) == (sentence, remedy)


def test_xenstored_that_does_not_answer() -> None:
    printed = "libxl: error: libxl.c:38:libxl_ctx_alloc: cannot connect to xenstore: Connection refused\n"
    assert said(lambda: answering(1, err=printed).create("/g"))[1] == (
        "start Xen's daemons (on Debian 'service xen start', on NetBSD 'service xencommons start')"
    )


# --- guests


def guest_of(tmp_path: Path, text: str, **more: Any) -> Guest:
    (tmp_path / "mail").write_text(text)
    return Guest("mail", str(tmp_path / "mail"), "running", **{"restart": False, **more})


def test_a_device_twice_in_one_file(tmp_path: Path) -> None:
    guest = guest_of(tmp_path, "name = 'mail'\npci = [ '03:00.0', '03:00.0' ]\n")
    text, _remedy = said(guest.read_config)
    assert text.endswith("it lists 03:00.0 twice, and xl fails on that half way; list each device once")


def test_what_a_guest_is_not(tmp_path: Path) -> None:
    guest = guest_of(tmp_path, "name = 'mail'\npci = [ '03:00.0' ]\n", now=None)
    guest.plan()
    died = guest.check()
    assert died and died.remedy == "start it by hand with 'xl create -c' and watch"
    plugged = guest_of(tmp_path, "name = 'mail'\npci = [ '03:00.0' ]\n", hot_plug=True, now=DOMAIN)
    plugged.plan()
    lacks = plugged.check()
    assert lacks and str(lacks) == "guest mail has other devices than its configuration file lists: not 03:00.0"
    assert lacks.remedy == "restart it, or let the task do so with 'restart: true'"
    plugged.restart_cause = PcibackError("it did not follow")
    assert plugged.warnings == ["guest mail had to be restarted: it did not follow"]


# --- the native component


def test_a_build_that_fails() -> None:
    def fail(_argv: Any, **_more: Any) -> tuple[int, str, str]:
        return 1, "", "no\n"

    text, remedy = said(
        lambda: native_build.build(fail, "/s", "/t", prefix="/usr/local", make="make", daemon=False, variables={})
    )
    assert text.startswith("'make control' of the native component failed: ")
    assert remedy == "the step that failed is build; run it by hand in native/ to see all of its output"
    remedy = said(lambda: native_build.selftest(fail, "/pcibackctl"))[1]
    assert remedy == "if it was built for another system, set pciback_native_target to this host's"


def test_a_host_that_should_build_and_can_not() -> None:
    native = SimpleNamespace(ready=False, reason="it is not installed")
    values = {"method": native_component.HOST, "archive": None, "daemon": False}
    request = mock.create_autospec(NativeRequest, instance=True, **values)
    with mock.patch.object(native_component, "_inspect", return_value=native), mock.patch.object(
        native_component.native_inspect, "find_compiler", return_value=None
    ), mock.patch.object(native_component.native_build, "find_make", return_value=None):
        text, remedy = said(lambda: native_component.bring(None, lambda *_a, **_m: None, None, request))
    assert text == "the host has no C compiler"
    assert remedy == "install it (NetBSD's comp set), or let method be auto, so that the controller builds"
