# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xl through a stand-in that answers as Xen 4.17's xl did on a real host."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host import xl as adapter
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import RunningDomain, Xl, check_name
from tests.xl_double import XlDouble


@pytest.fixture
def double(tmp_path: Path) -> XlDouble:
    return XlDouble(tmp_path)


@pytest.fixture
def xl(double: XlDouble) -> Xl:
    return Xl(double.run, str(double.path))


def guest_file(tmp_path: Path, name: str, *devices: str) -> str:
    path = tmp_path / f"{name}.cfg"
    path.write_text(f"name = '{name}'\npci = [ {', '.join(repr(device) for device in devices)} ]\n", encoding="utf-8")
    return str(path)


def answering(status: int, out: str, err: str) -> Xl:
    return Xl(lambda _argv, **_more: (status, out, err), "/xl")


# --- looking


@pytest.mark.parametrize(
    ("capabilities", "found"),
    [
        ("virt_caps              : pv pv_directio iommu_hap_pt_share gnttab-v1 gnttab-v2\n", True),
        ("virt_caps              : hvm hvm_directio\n", True),
        ("virt_caps              : pv gnttab-v1 gnttab-v2\n", False),
        ("virt_caps              :\n", False),
        ("", None),
    ],
)
def test_virt_caps_tell_whether_xen_has_an_iommu(capabilities: str, found: bool | None) -> None:
    text = f"host                   : dom0\n{capabilities}total_memory           : 3071\n"
    assert adapter.has_iommu(lambda argv, **_more: (0, text if argv[1] == "info" else "", ""), "/xl") is found


def test_a_toolstack_that_does_not_answer_tells_nothing_of_an_iommu() -> None:
    assert adapter.has_iommu(lambda _argv, **_more: (127, "", ""), "/xl") is None


def test_a_fresh_host_has_no_guests(xl: Xl) -> None:
    assert xl.domains() == ()


def test_reads_guests_with_their_states_and_devices(double: XlDouble, xl: Xl) -> None:
    double.add("g1", "running", {"dev": 5, "vfunc_mask": 1}, {"bus": 1, "vdevfn": 56, "vfunc_mask": 1})
    double.add("with blanks", "idle")
    double.add("p", "paused")
    double.add("s", "shut_down", {"domain": 1, "bus": 2, "dev": 31, "func": 7, "vfunc_mask": 1})
    double.add("c", "crashed")
    double.add("d", "dying")
    double.add("n", "never_ran")
    off = {"permissive": False, "msitranslate": False, "power_mgmt": False, "vslot": 0}
    assert xl.domains() == (
        RunningDomain(
            1,
            "g1",
            "running",
            (Address(0, 0, 5, 0), Address(0, 1, 0, 0)),
            options={Address(0, 0, 5, 0): off, Address(0, 1, 0, 0): {**off, "vslot": 7}},
        ),
        RunningDomain(2, "with blanks", "running"),
        RunningDomain(3, "p", "paused"),
        RunningDomain(4, "s", "shut_down", (Address(1, 2, 31, 7),), options={Address(1, 2, 31, 7): off}),
        RunningDomain(5, "c", "crashed"),
        RunningDomain(6, "d", "dying"),
        RunningDomain(7, "n", "never_ran"),
    )
    assert [domain.name for domain in xl.domains() if domain.alive] == ["g1", "with blanks", "p"]


def test_refuses_a_line_that_it_does_not_understand() -> None:
    table = "Name ID Mem VCPUs State Time(s)\n(null) \n"
    with pytest.raises(PcibackError, match=r"'\(null\)' is no line that 'xl list' is known to print"):
        answering(0, table, "").states()


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        ("", "nothing"),
        ("\n", "nothing"),
        (
            "Name                ID   Mem VCPUs      State   Time(s)\n",
            "only 'Name                ID   Mem VCPUs      State   Time(s)'",
        ),
    ],
)
def test_silence_is_not_a_host_without_guests(table: str, shown: str) -> None:
    with pytest.raises(PcibackError) as caught:
        answering(0, table, "").domains()
    assert str(caught.value) == f"xl can't say which guests run: '/xl list' prints {shown}, not even Domain-0"
    assert caught.value.remedy == "see what it prints on the host, and give the path of Xen's xl as 'xl'"


def test_a_guest_that_runs_has_to_be_in_the_long_list(double: XlDouble) -> None:
    double.add("alpha", "running")

    def run(argv: list[str]) -> tuple[int, str, str]:
        return (0, "", "") if argv[-1] == "-l" else double.run(argv)

    with pytest.raises(
        PcibackError, match=r"^xl can't say which devices the guests have: '.*/xl list -l' prints nothing$"
    ):
        Xl(run, str(double.path)).domains()
    double.guests.clear()
    assert Xl(run, str(double.path)).domains() == ()


def test_devices_are_asked_for_only_if_a_guest_runs(double: XlDouble) -> None:
    asked = []

    def run(argv: list[str]) -> tuple[int, str, str]:
        asked.append(argv[1:])
        return double.run(argv)

    Xl(run, str(double.path)).domains()
    assert asked == [["list"]]
    double.add("alpha", "running")
    Xl(run, str(double.path)).domains()
    assert asked[1:] == [["list"], ["list", "-l"]]


def test_a_name_that_is_no_text_can_be_shown() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    table = f"Name ID Mem VCPUs State Time(s)\nDomain-0 0 512 1 r----- 1.0\n{name} 4 512 1 r----- 1.0\n"
    assert [domain.name for domain in answering(0, table, "").states()] == [r"caf\xe9"]


def test_says_what_xl_said_when_it_does_not_answer(double: XlDouble, xl: Xl) -> None:
    double.broken = True
    with pytest.raises(PcibackError) as caught:
        xl.domains()
    assert str(caught.value) == ("xl can't say which guests run: cannot open libxc handle: Permission denied")


def test_says_that_there_is_no_xl(double: XlDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PcibackError, match=r"/none can't be run") as caught:
        Xl(double.run, f"{tmp_path}/none").domains()
    assert caught.value.remedy == "give the right path as 'xl'"
    monkeypatch.setattr(adapter, "PLACES", (f"{tmp_path}/a", f"{tmp_path}/b"))
    with pytest.raises(PcibackError, match=r"xl was found at none of .*/a, .*/b"):
        Xl(double.run)


def test_finds_xl_at_its_usual_place(double: XlDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "PLACES", (f"{double.home}/missing", str(double.path)))
    double.path.touch(0o755)
    assert Xl(double.run).xl == str(double.path)


# --- doing


def test_starts_a_guest(double: XlDouble, xl: Xl, tmp_path: Path) -> None:
    xl.create(guest_file(tmp_path, "g1", "00:05.0", "01:1f.7,seize=1"))
    (domain,) = xl.domains()
    assert (domain.domid, domain.name, domain.state) == (1, "g1", "running")
    assert domain.devices == (Address(0, 0, 5, 0), Address(0, 1, 31, 7))


@pytest.mark.parametrize("path", ["g1.cfg", "/etc/a=b"])
def test_gives_xl_no_path_that_it_takes_for_something_else(xl: Xl, path: str) -> None:
    with pytest.raises(PcibackError, match="the path has to be absolute, and xl takes one with '=' for a setting"):
        xl.create(path)


def test_shows_the_cause_and_not_its_consequences(double: XlDouble, xl: Xl, tmp_path: Path) -> None:
    double.habits["g1"] = "not-assignable"
    path = guest_file(tmp_path, "g1", "00:15.0")
    with pytest.raises(PcibackError) as caught:
        xl.create(path)
    assert str(caught.value) == (
        f"the guest of {path} was not started: PCI device 0:0:15.0 is not assignable; libxl__device_pci_add failed"
    )


def test_knows_an_xl_that_can_not_attach_devices(double: XlDouble, xl: Xl, tmp_path: Path) -> None:
    double.habits["g1"] = "no-sysfs"
    path = guest_file(tmp_path, "g1", "00:05.0")
    with pytest.raises(PcibackError) as caught:
        xl.create(path)
    assert str(caught.value) == (
        f"the guest of {path} was not started: xl looked for /sys/bus/pci, which only Linux has, so this xl can't "
        "give PCI devices to a guest (Couldn't open /sys/bus/pci/devices/0000:00:05.0/resource: "
        "No such file or directory; unable to add pci devices)"
    )
    assert caught.value.remedy is not None and "through Xen itself" in caught.value.remedy


def test_says_which_device_was_not_attached_to_which_guest(double: XlDouble, xl: Xl) -> None:
    double.add("g1")
    (domain,) = xl.domains()
    with pytest.raises(PcibackError) as caught:
        answering(1, "", "libxl: error: no").attach(domain, "00:05.0,permissive=1")
    assert str(caught.value) == "00:05.0,permissive=1 was not attached to guest g1: no"


def test_says_that_xl_crashed(double: XlDouble, xl: Xl, tmp_path: Path) -> None:
    double.habits["g1"] = "crashes-xl"
    path = guest_file(tmp_path, "g1")
    with pytest.raises(PcibackError) as caught:
        xl.create(path)
    assert str(caught.value) == f"the guest of {path} was not started: xl crashed after it said: bad day"


@pytest.mark.parametrize(
    ("status", "err", "said"),
    [
        (
            6,
            "Parsing config from /root/bad.cfg\nUnknown PCI_SPEC_STRING option: bogusunable to parse PCI_SPEC_STRING "
            "`00:05.0,bogus=1' for passthrough\n",
            "Unknown PCI_SPEC_STRING option: bogusunable to parse PCI_SPEC_STRING `00:05.0,bogus=1' for passthrough",
        ),
        (2, "", "xl ended with status 2 and said nothing"),
        (1, "x" * 400, "x" * 297 + "..."),
    ],
)
def test_says_what_xl_said_in_its_own_words(status: int, err: str, said: str) -> None:
    with pytest.raises(PcibackError) as caught:
        answering(status, "", err).create("/g1")
    assert str(caught.value) == f"the guest of /g1 was not started: {said}"


def test_a_guest_shuts_down(double: XlDouble, xl: Xl) -> None:
    double.add("g1")
    double.add("g2")
    first, second = xl.domains()
    xl.shutdown(first)
    xl.shutdown(second)
    assert xl.wait([1, 2], 30) == {}
    assert xl.domains() == ()


def test_waits_no_longer_than_it_is_told(double: XlDouble, xl: Xl) -> None:
    double.add("g1", habit="ignores")
    double.add("g2", "shut_down")
    xl.shutdown(xl.domains()[0])
    started = time.monotonic()
    assert xl.wait([1, 2], 0.3) == {1: "running", 2: "shut_down"}
    assert time.monotonic() - started >= 0.3


def test_takes_a_kept_domain_for_shut_down(double: XlDouble, xl: Xl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_KEPT_AFTER", 0.1)
    double.add("g1", habit="kept")
    xl.shutdown(xl.domains()[0])
    assert xl.wait([1], 3600) == {1: "shut_down"}


def test_destroys_a_domain(double: XlDouble, xl: Xl) -> None:
    double.add("g1")
    xl.destroy(xl.domains()[0])
    assert double.domains == {}
    double.add("g2", habit="immortal")
    with pytest.raises(PcibackError, match="guest g2 was not destroyed: Non-existant domain"):
        xl.destroy(xl.domains()[0])


# --- names


@pytest.mark.parametrize("name", ["g1", "web.example", "a b", "Größe", "1a"])
def test_takes_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "'' is no name of a guest; it has no '/'"),
        ("a/b", "'a/b' is no name of a guest; it has no '/'"),
        ("a\n", "is no name of a guest"),
        (" a", "no blanks at its ends"),
        ("17", "'17' is no name of a guest, xl takes it for the number of a domain; add a letter"),
        ("-w", "'-w' is no name of a guest, xl takes it for an option; begin it with a letter"),
        ("Domain-0", "'Domain-0' is this host itself; name one of its guests"),
    ],
)
def test_refuses_a_name(name: str, why: str) -> None:
    with pytest.raises(PcibackError) as caught:
        check_name(name)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
