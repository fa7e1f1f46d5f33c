# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What xl reads, was read by Xen 4.17's own libxlutil for each of these files."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig


def refusal(data: bytes) -> PcibackError:
    with pytest.raises(PcibackError) as caught:
        XlConfig.parse(data, "guest.cfg")
    assert caught.value.code == "domain-config-invalid"
    assert caught.value.file == "guest.cfg"
    return caught.value


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"pci=[ ]", []),
        (b'pci=["00:05.0",]\n', ["00:05.0"]),
        (b'pci=[ # c\r\n"00:05.0" # d\n,\n # e\n"00:06.0"\n\n]\n', ["00:05.0", "00:06.0"]),
        (b'pci=["00:05.0"]\npci+=["00:06.0"]\n', ["00:05.0", "00:06.0"]),
        (b'pci+=["00:06.0"]\n', ["00:06.0"]),
        (b'pci=["00:05.0"]; pci=["00:06.0"]\n', ["00:06.0"]),
        (b'pci+=["00:05.0"]\npci=["00:06.0"]\npci+=["00:07.0"]\n', ["00:06.0", "00:07.0"]),
        (b'pci="x"\npci=["00:06.0"]\n', ["00:06.0"]),
        (b'pci=["nonsense"]\npci=["00:06.0"]\n', ["00:06.0"]),
        (b";;a=1;;\nb=0x1f\n  pci\t=\t['00:06.0'] ;c=[[1],[2,[3,]]]", ["00:06.0"]),
        (b"a.b_0='x\"\\'y\\\\\\n'\npci=['00:06.0']", ["00:06.0"]),
        (b"a='\xff\r\x01'\npci=['00:06.0']", ["00:06.0"]),
        (b"a='\\x41\\777'\npci=['00:06.0']", ["00:06.0"]),
    ],
)
def test_reads_the_list_that_counts(data: bytes, expected: list[str]) -> None:
    config = XlConfig.parse(data, "F")
    assert [entry.text for entry in config.pci] == expected
    assert config.render() == data
    assert config.warnings == ()


def test_reads_the_list_up_to_a_list_within_it() -> None:
    config = XlConfig.parse(b'pci = ["00:05.0", ["x"], "nonsense"]\n', "F")
    assert [entry.text for entry in config.pci] == ["00:05.0"]
    assert config.warnings == ("F, line 1, column 19: xl ignores this list within pci and all that follows",)


def test_knows_where_an_entry_stands() -> None:
    config = XlConfig.parse(b"pci = [\n\t'00:05.0', '00:06.0,seize=yes' ]\n", "F")
    assert [(entry.line, entry.column) for entry in config.pci] == [(2, 2), (2, 13)]
    assert config.addresses == (Address(0, 0, 5, 0), Address(0, 0, 6, 0))
    assert config.warnings == (
        "F, line 2, column 13: 'seize=yes' in '00:06.0,seize=yes' means 0 to xl, which reads a number; "
        "write 'seize=1' or 'seize=0'",
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"name='x'\n", "x"),
        (b"name=5", "5"),
        (b"name='x'\nname+='y'", "xy"),
        (b"a=1", None),
        (b"name=['x']", None),
    ],
)
def test_reads_the_name(data: bytes, name: str | None) -> None:
    assert XlConfig.parse(data, "F").name == name


@pytest.mark.parametrize(
    ("data", "kernel"),
    [
        (b"name='a'\n", None),
        (b"kernel = '/netbsd-XEN3_DOMU'\nkernel = '/boot/vmlinuz'\n", "/boot/vmlinuz"),
        (b"kernel='/boot/vmlinuz'\ntype='pvh'\n", "/boot/vmlinuz"),
        (b"kernel='/usr/lib/xen/boot/hvmloader'\ntype='hvm'\n", None),
        (b"builder='hvm'\nkernel='/usr/lib/xen/boot/hvmloader'\n", None),
        (b"kernel=['/boot/vmlinuz']\n", None),
    ],
)
def test_reads_the_kernel_of_a_guest_that_is_not_emulated(data: bytes, kernel: str | None) -> None:
    assert XlConfig.parse(data, "guest.cfg").kernel == kernel


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"1", True),
        (b"0", False),
        (b"2", True),
        (b"'0x10'", True),
        (b"' -1'", True),
        (b"010", True),
        (b"'+0'", False),
        (b"9223372036854775807", True),
        (5000 * b"0", False),
    ],
)
def test_reads_a_default_for_all_devices(value: bytes, expected: bool) -> None:
    config = XlConfig.parse(b"pci_permissive = " + value, "F")
    assert config.globals == {"permissive": expected}
    assert config.warnings == ()


@pytest.mark.parametrize(
    "statement",
    [
        b"pci_seize='yes'",
        b"pci_seize=08",
        b"pci_seize=''",
        b"pci_seize='1 '",
        b"pci_seize=[1]",
        b"pci_seize+=1",
        b"pci_seize='99999999999999999999'",
        b"pci_seize=" + 5000 * b"9",
        b"pci_seize='-" + 5000 * b"9" + b"'",
        b"pci_seize=0x" + 5000 * b"f",
    ],
)
def test_warns_of_a_default_that_xl_ignores(statement: bytes) -> None:
    config = XlConfig.parse(statement + b"\n", "F")
    assert config.globals == {}
    assert config.warnings == ("F, line 1, column 1: xl ignores this pci_seize; write pci_seize = 1 or pci_seize = 0",)


@pytest.mark.parametrize(
    ("data", "line", "column", "why"),
    [
        (b"a=b\n", 1, 3, "'b' where a string in quotes, a number or a list belongs"),
        (b"a=\n1\n", 1, 3, "the end of the line where a string in quotes"),
        (b"a=", 1, 3, "the end of the file where a string in quotes"),
        (b"a\n=1\n", 1, 2, "the end of the line after 'a'; '=' or '+=' belongs there"),
        (b"a==1\n", 1, 3, "'=' where a string in quotes"),
        (b"=1\n", 1, 1, "'=' where a name belongs; a line is NAME = VALUE"),
        (b"1a=2\n", 1, 1, "'1a' where a name belongs"),
        (b"a=1 b=2\n", 1, 5, "'b' after a value; the line ends there, or ';' comes first"),
        (b"a='x''y'\n", 1, 6, "\"'y'\" after a value"),
        (b"a=1,2\n", 1, 4, "',' after a value"),
        (b"a=1\n]\n", 2, 1, "']' where a name belongs"),
        (b"a=[\n1\n", 1, 3, "this list has no end; close it with ']'"),
        (b"a=[[]", 1, 3, "this list has no end; close it with ']'"),
        (b"a=[,]\n", 1, 4, "',' in a list where a string in quotes, a number, a list or ']' belongs"),
        (b"a=['x',,]\n", 1, 8, "',' in a list where a string in quotes, a number, a list or ']' belongs"),
        (b"a=['x' 'y']\n", 1, 8, "\"'y'\" in a list where ',' or ']' belongs"),
        (b"a=[1\n;2]\n", 2, 1, "';' in a list where ',' or ']' belongs"),
        (
            b"a=1\na+=[2]\n",
            2,
            1,
            "'+=' adds a list to 'a', which is a single value; both must be of one kind",
        ),
        (b"pci=['00:05.0']\npci+='x'\n", 2, 1, "'+=' adds a single value to 'pci', which is a list"),
        (b"\npci = '00:05.0'\n", 2, 7, "pci is a single value, which xl ignores; it is a list"),
        (b"pci = [\n  '00:05'\n]\n", 2, 3, "xl can't take '00:05' for a PCI device: the function is missing"),
        (b"pci = [ 5 ]\n", 1, 9, "xl can't take '5' for a PCI device"),
        (b"pci = [ '\xff' ]\n", 1, 9, "xl can't take '\\xff' for a PCI device"),
        (b"a=" + 100000 * b"[", 1, 100002, "this list has no end"),
    ],
)
def test_refuses_what_xl_refuses(data: bytes, line: int, column: int, why: str) -> None:
    error = refusal(data)
    assert (error.line, error.column) == (line, column)
    assert str(error).startswith(f"guest.cfg, line {line}, column {column}: ")
    assert why in str(error)


def test_what_xl_takes_is_said_of_each_option() -> None:
    config = XlConfig.parse(
        b"name = 'a'\npci_permissive = 1\npci = [ '00:05.0@3', '00:06.0,permissive=0,rdm_policy=relaxed' ]\n", "a"
    )
    first, second = (config.effective(entry.spec) for entry in config.pci)
    assert first == {
        "vslot": 3, "permissive": True, "msitranslate": False, "seize": False, "power_mgmt": False, "rdm_policy": "strict",
    }  # fmt: skip
    assert second == {**first, "vslot": 0, "permissive": False, "rdm_policy": "relaxed"}
