# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What xl reads, was read by Xen 4.17's own libxlutil for each of these files and texts."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg import PciSpec, XlConfig


def texts(data: bytes) -> list[str]:
    return [entry.text for entry in XlConfig.parse(data, "F").pci]


def edit(data: bytes, *wanted: str | dict[str, object]) -> bytes:
    devices = [{"address": item} if isinstance(item, str) else item for item in wanted]
    return XlConfig.parse(data, "F").with_pci(devices).render()


def refusal(data: bytes) -> PcibackError:
    with pytest.raises(PcibackError) as caught:
        XlConfig.parse(data, "guest.cfg")
    assert caught.value.code == "domain-config-invalid"
    assert caught.value.file == "guest.cfg"
    return caught.value


# --- one device

SPECS = {
    "00:05.0": PciSpec(Address(0, 0, 5, 0)),
    "0:5.0": PciSpec(Address(0, 0, 5, 0)),
    "FF:1F.7": PciSpec(Address(0, 0xFF, 0x1F, 7)),
    "ffff:ff:1f.7": PciSpec(Address(0xFFFF, 0xFF, 0x1F, 7)),
    "00:05.0@1f": PciSpec(Address(0, 0, 5, 0), vslot=0x1F),
    "00:05.0@0x5": PciSpec(Address(0, 0, 5, 0), vslot=5),
    "00:05.0@3,": PciSpec(Address(0, 0, 5, 0), vslot=3),
    "00:05.0,": PciSpec(Address(0, 0, 5, 0)),
    "00:05.0@5,vslot=6": PciSpec(Address(0, 0, 5, 0), vslot=6),
    "00:05.0,vslot=+5": PciSpec(Address(0, 0, 5, 0), vslot=5),
    "00:05.*@5": PciSpec(Address(0, 0, 5, 0), all_functions=True, vslot=5),
    "bdf=00:05.*,vslot=3": PciSpec(Address(0, 0, 5, 0), all_functions=True, vslot=3),
    "00:05.0,permissive=1": PciSpec(Address(0, 0, 5, 0), permissive=True),
    "00:05.0,permissive=1,permissive=0": PciSpec(Address(0, 0, 5, 0), permissive=False),
    "00:05.0,permissive=2": PciSpec(Address(0, 0, 5, 0), permissive=True),
    "00:05.0,permissive= 1": PciSpec(Address(0, 0, 5, 0), permissive=True),
    "00:05.0,rdm_policy=RELAXED": PciSpec(Address(0, 0, 5, 0), rdm_policy="relaxed"),
    "00:05.0,bdf=00:06.0": PciSpec(Address(0, 0, 6, 0)),
    "seize=1,bdf=00:05.0,msitranslate=1,power_mgmt=1": PciSpec(
        Address(0, 0, 5, 0), seize=True, msitranslate=True, power_mgmt=True
    ),
    "name=x y,permissive=1": PciSpec(name="x y", permissive=True),
    "name=x@3": PciSpec(name="x@3"),
    "name=x,name=y": PciSpec(name="y"),
    "name=" + 64 * "x": PciSpec(name=64 * "x"),
}


@pytest.mark.parametrize(("text", "spec"), SPECS.items())
def test_reads_a_device_as_xl_does(text: str, spec: PciSpec) -> None:
    assert PciSpec.parse(text) == spec
    assert PciSpec.parse(text).doubts == ()


@pytest.mark.parametrize(
    ("text", "flag", "doubt"),
    [
        (
            "00:05.0,permissive=yes",
            False,
            "'permissive=yes' in '00:05.0,permissive=yes' means 0 to xl, which reads a number; "
            "write 'permissive=1' or 'permissive=0'",
        ),
        (
            "00:05.0,permissive=1x",
            True,
            "'permissive=1x' in '00:05.0,permissive=1x' means 1 to xl, which reads a number; "
            "write 'permissive=1' or 'permissive=0'",
        ),
        (
            "00:05.0,permissive=",
            False,
            "'permissive=' in '00:05.0,permissive=' means 0 to xl, which reads a number; "
            "write 'permissive=1' or 'permissive=0'",
        ),
    ],
)
def test_doubts_a_flag_that_is_no_number(text: str, flag: bool, doubt: str) -> None:
    spec = PciSpec.parse(text)
    assert spec.permissive is flag
    assert spec.doubts == (doubt,)


def test_doubts_a_slot_with_something_behind_it() -> None:
    spec = PciSpec.parse("00:05.0,vslot=5x")
    assert spec.vslot == 5
    assert spec.doubts == ("'vslot=5x' in '00:05.0,vslot=5x' means slot 5 to xl; write 'vslot=5'",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty; it is a device such as '03:00.0'"),
        (",", "'' is not a PCI address; it is BUS:DEVICE.FUNCTION in hexadecimal"),
        ("00:05", "the function is missing, and xl crashes on that; write '00:05.0'"),
        ("0000:00:05,seize=1", "the function is missing, and xl crashes on that; write '0000:00:05.0'"),
        ("00:05.8", "function 8 is above 7"),
        ("00:20.0", "device 20 is above 1f"),
        ("10000:00:05.0", "'10000:00:05.0' is not a PCI address"),
        ("00:05.0 ", "'00:05.0 ' is not a PCI address"),
        ("nonsense", "'nonsense' is not a PCI address"),
        ("000:31:0", "decimal; if it was copied from there, the address is '00:1f.0'"),
        ("00:05.0@", "'@' is no slot"),
        ("00:05.0@20", "'@20' is no slot; after '@' comes a hexadecimal number from 1 to 1f"),
        ("00:05.0@5x", "'@5x' is no slot"),
        ("00:05.0@-1", "'@-1' is no slot"),
        ("00:05.0,vslot=", "'vslot=' is no slot"),
        ("00:05.0,vslot=20", "'vslot=20' is no slot"),
        ("00:05.0,vslot=zz", "'vslot=zz' is no slot"),
        ("00:05.0,,", "an option is missing between two commas"),
        ("00:05.0,,seize=1", "an option is missing between two commas"),
        ("00:05.0,permissive", "'permissive' has no value; an option is KEY=VALUE, such as 'permissive=1'"),
        ("00:05.0,backend=0", "xl takes no 'backend' for a PCI device; leave it out"),
        ("00:05.0,bogus=1", "xl knows no option 'bogus'; it knows bdf, vslot, permissive"),
        ("00:05.0, permissive=1", "xl knows no option ' permissive'; write 'permissive', in lower case"),
        ("00:05.0,PERMISSIVE=1", "xl knows no option 'PERMISSIVE'; write 'permissive', in lower case"),
        ("00:05.0,rdm_policy=foo", "rdm_policy is 'strict' or 'relaxed', not 'foo'"),
        ("permissive=1", "it names no device; begin it with the address, such as '03:00.0'"),
        ("00:05.0,name=x", "it has an address and a name; give one of them"),
        ("bdf=00:05.0,name=x", "it has an address and a name"),
        ("name=", "a name has 1 to 64 printable characters"),
        ("name=" + 65 * "x", "a name has 1 to 64 printable characters"),
        ("name=a\x01", "a name has 1 to 64 printable characters"),
        ("bdf=", "'' is not a PCI address"),
        ("bdf=00:05.0@3", "'00:05.0@3' is not a PCI address"),
    ],
)
def test_refuses_what_is_no_device(text: str, why: str) -> None:
    with pytest.raises(PcibackError) as caught:
        PciSpec.parse(text)
    assert caught.value.code == "domain-config-invalid"
    assert str(caught.value).startswith(f"xl can't take '{text}' for a PCI device: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (PciSpec(Address(0, 3, 0, 0)), "03:00.0"),
        (PciSpec(Address(1, 3, 0, 0)), "0001:03:00.0"),
        (PciSpec(Address(0, 3, 0, 0), all_functions=True, vslot=0x1E), "03:00.*@1e"),
        (PciSpec(Address(0, 3, 0, 0), vslot=0), "03:00.0"),
        (PciSpec(name="wifi", vslot=0x1E), "name=wifi,vslot=1e"),
        (
            PciSpec(
                Address(0, 3, 0, 0),
                permissive=True,
                msitranslate=False,
                seize=True,
                power_mgmt=False,
                rdm_policy="relaxed",
            ),
            "03:00.0,permissive=1,msitranslate=0,seize=1,power_mgmt=0,rdm_policy=relaxed",
        ),
    ],
)
def test_writes_a_device(spec: PciSpec, text: str) -> None:
    assert spec.render() == text


def test_says_which_device() -> None:
    assert PciSpec.parse("3:0.0,seize=1").device == "03:00.0"
    assert PciSpec.parse("1:3:0.*").device == "0001:03:00.*"
    assert PciSpec.parse("name=wifi").device == "name=wifi"


def test_takes_options_as_the_modules_have_them() -> None:
    spec = PciSpec.from_options({"address": "3:0.0", "permissive": False, "seize": None, "vslot": 31})
    assert spec == PciSpec(Address(0, 3, 0, 0), permissive=False, vslot=31)
    assert PciSpec.from_options({"address": "03:00.0", "vslot": "1F"}).vslot == 31
    assert PciSpec.from_options({"address": "03:00.0", "vslot": "10"}).vslot == 16


@pytest.mark.parametrize("vslot", [32, -1, "20", "x", "", "1g"])
def test_refuses_a_slot_that_no_guest_has(vslot: object) -> None:
    with pytest.raises(PcibackError) as caught:
        PciSpec.from_options({"address": "03:00.0", "vslot": vslot})
    assert str(caught.value) == f"vslot {vslot} of 03:00.0 does not exist; it is hexadecimal, from 0 to 1f"


# --- the file


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
    ("value", "expected"),
    [
        (b"1", True),
        (b"0", False),
        (b"2", True),
        (b"'0x10'", True),
        (b"' -1'", True),
        (b"010", True),
        (b"'+0'", False),
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
    ],
)
def test_warns_of_a_default_that_xl_ignores(statement: bytes) -> None:
    config = XlConfig.parse(statement + b"\n", "F")
    assert config.globals == {}
    assert config.warnings == ("F, line 1, column 1: xl ignores this pci_seize; write pci_seize = 1 or pci_seize = 0",)


@pytest.mark.parametrize(
    ("data", "line", "column", "why"),
    [
        (b"a=1\r\n", 1, 4, "a carriage return, which xl refuses; end the lines with a newline alone"),
        (
            b"a=1 # c",
            1,
            5,
            "no newline ends this comment, and xl refuses that; add one at the end of the file",
        ),
        (b"a='x\ny'\n", 1, 3, "this string has no end on its line; close it with '"),
        (b'a="x\\', 1, 3, 'this string has no end on its line; close it with "'),
        (b"a='\\q'\n", 1, 4, "xl knows no such escape"),
        (b"a='\\x4'\n", 1, 4, "xl knows no such escape"),
        (b"a='\\08'\n", 1, 4, "xl knows no such escape"),
        (b"a='x\0'\n", 1, 3, "this string has no end on its line"),
        (b"\0\n", 1, 1, "a zero byte, which xl can't read; remove it"),
        (b"\xef\xbb\xbfa=1\n", 1, 1, "a byte order mark, which xl refuses; save the file without it"),
        (b"a=1\nA=1\n", 2, 1, "xl does not know 'A' here; names are in lower case, text in quotes"),
        (b"a=None\n", 1, 3, "xl does not know 'N' here"),
        (b"a=-1\n", 1, 3, "xl does not know '-' here; it takes NAME = VALUE, no Python"),
        (b"a='x' + 'y'\n", 1, 7, "xl does not know '+' here"),
        (b"a=\xff\n", 1, 3, "xl does not know byte ff here; text belongs in quotes"),
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


def test_survives_lists_nested_without_end() -> None:
    data = b"a=" + 100000 * b"[" + 100000 * b"]" + b"\n"
    assert edit(data, "03:00.0") == data + b"pci = [ '03:00.0' ]\n"


# --- edits


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        # no statement yet
        (b"", ["03:00.0"], b"pci = [ '03:00.0' ]\n"),
        (b"a=1\n", ["3:0.0", "0:4.0"], b"a=1\npci = [ '03:00.0', '00:04.0' ]\n"),
        (b"a=1", ["03:00.0"], b"a=1\npci = [ '03:00.0' ]"),
        (b"a=1\n", [], b"a=1\n"),
        # the file's own quotes, separators and lines
        (b"pci=['00:05.0']\n", ["00:05.0", "00:06.0"], b"pci=['00:05.0', '00:06.0']\n"),
        (
            b'pci=["00:05.0","00:06.0"]\n',
            ["00:05.0", "00:06.0", "00:07.0"],
            b'pci=["00:05.0","00:06.0","00:07.0"]\n',
        ),
        (b"pci = [ '00:05.0', ]\n", ["00:05.0", "00:06.0"], b"pci = [ '00:05.0', '00:06.0', ]\n"),
        (b"pci=['0000:00:05.0']\n", ["00:05.0", "00:06.0"], b"pci=['0000:00:05.0', '0000:00:06.0']\n"),
        (b"pci = []\n", ["00:05.0"], b"pci = ['00:05.0']\n"),
        (b"pci = [ ]\n", ["00:05.0"], b"pci = [ '00:05.0' ]\n"),
        (b"pci = [\n# none yet\n]\n", ["00:05.0"], b"pci = [\n# none yet\n    '00:05.0'\n]\n"),
        (
            b"pci = [\n  '00:05.0', # nic\n  '00:06.0'  # disk\n]\n",
            ["00:05.0", "00:06.0", "00:07.0"],
            b"pci = [\n  '00:05.0', # nic\n  '00:06.0',  # disk\n  '00:07.0'\n]\n",
        ),
        (
            b"pci = [\n\t'00:05.0', # nic\n]\n",
            ["00:05.0", "00:06.0"],
            b"pci = [\n\t'00:05.0', # nic\n\t'00:06.0',\n]\n",
        ),
        (
            b"pci = [ '00:05.0',\n        '00:06.0' ]\n",
            ["00:05.0", "00:06.0", "00:07.0"],
            b"pci = [ '00:05.0',\n        '00:06.0',\n        '00:07.0' ]\n",
        ),
        (
            b"pci = [ '00:05.0' # nic\n ]\n",
            ["00:05.0", "00:06.0"],
            b"pci = [ '00:05.0', '00:06.0' # nic\n ]\n",
        ),
        # what goes
        (b"pci = [ '00:05.0', '00:06.0', '00:07.0' ]\n", ["00:06.0"], b"pci = [ '00:06.0' ]\n"),
        (b"pci = [ '00:05.0', '00:06.0' ]\n", ["00:05.0"], b"pci = [ '00:05.0' ]\n"),
        (b"pci = [ '00:05.0', '00:06.0', ]\n", ["00:05.0"], b"pci = [ '00:05.0', ]\n"),
        (b"pci = [ '00:05.0' ]\n", ["00:06.0"], b"pci = [ '00:06.0' ]\n"),
        (
            b"pci = [\n  '00:05.0', # nic\n  '00:06.0',\n  '00:07.0'\n]\n",
            ["00:05.0"],
            b"pci = [\n  '00:05.0' # nic\n]\n",
        ),
        (
            b"pci = [\n  '00:05.0', # nic\n  '00:06.0',\n]\n",
            ["00:06.0"],
            b"pci = [\n  # nic\n  '00:06.0',\n]\n",
        ),
        (b"pci = [ '00:05.0',\n        '00:06.0' ]\n", ["00:05.0"], b"pci = [ '00:05.0' ]\n"),
        (
            b"pci = [ 5, ['x'], '00:05.0' ]\npci = [ '00:05.0', ['x'], 'junk' ]\n",
            ["00:06.0"],
            b"pci = [ 5, ['x'], '00:05.0' ]\npci = [ '00:06.0' ]\n",
        ),
        # the same device twice
        (b"pci = [ '00:05.0', '0:5.0' ]\n", ["00:05.0"], b"pci = [ '00:05.0' ]\n"),
        (
            b"pci = [ '00:05.0', '0:5.0,seize=1' ]\n",
            [{"address": "00:05.0", "seize": True}],
            b"pci = [ '0:5.0,seize=1' ]\n",
        ),
        # another device than it looks
        (b"pci = [ '00:05.*' ]\n", ["00:05.0"], b"pci = [ '00:05.0' ]\n"),
        (b"pci = [ 'name=nic' ]\n", ["00:05.0"], b"pci = [ '00:05.0' ]\n"),
        # several statements
        (b"pci=['00:05.0']\npci+=['00:06.0']\n", ["00:05.0"], b"pci=['00:05.0']\n"),
        (b"pci=['00:05.0']\npci+=['00:06.0']\n", ["00:06.0"], b"pci=[]\npci+=['00:06.0']\n"),
        (b"pci=['00:05.0']\npci+=['00:06.0']\n", ["00:07.0"], b"pci=['00:07.0']\n"),
        (
            b"pci=['00:05.0']\npci+=['00:06.0']\n",
            ["00:05.0", "00:06.0", "00:07.0"],
            b"pci=['00:05.0']\npci+=['00:06.0', '00:07.0']\n",
        ),
        (b"pci=['00:05.0']\npci=['00:06.0']\n", ["00:05.0"], b"pci=['00:05.0']\npci=['00:05.0']\n"),
        (b"pci+=['00:05.0']\nb=1\n", ["00:06.0"], b"pci+=['00:06.0']\nb=1\n"),
        # none wanted
        (b"a=1\npci=['00:05.0']\nb=2\n", [], b"a=1\nb=2\n"),
        (b"a=1\npci=['00:05.0']", [], b"a=1"),
        (b"pci=['00:05.0']", [], b""),
        (b"a=1 # c\npci=['00:05.0']", [], b"a=1 # c\n"),
        (b"a=1\n  pci=['00:05.0'] # the card\nb=2\n", [], b"a=1\n  # the card\nb=2\n"),
        (b"a=1; pci=['00:05.0']; b=2\n", [], b"a=1; b=2\n"),
        (b"a=1; pci=['00:05.0']\n", [], b"a=1\n"),
        (b"pci=['00:05.0'];\nb=2\n", [], b"b=2\n"),
        (b"pci=['00:05.0']; b=2\n", [], b"b=2\n"),
        (b"pci=['00:05.0'] # x\n", [], b"# x\n"),
        (b"pci=[ # one\n '00:05.0', # two\n] # three\n", [], b"# one\n# two\n# three\n"),
        (b"pci=['00:05.0']\nb=1\npci+=['00:06.0']\n", [], b"b=1\n"),
        (b"pci=['00:05.0']\npci=[]\n", [], b"pci=['00:05.0']\npci=[]\n"),
        # options
        (
            b"pci=['00:05.0']\n",
            [{"address": "00:05.0", "permissive": True}],
            b"pci=['00:05.0,permissive=1']\n",
        ),
        (
            b'pci=[ "0:5.0,seize=1,permissive=yes," ]\n',
            [{"address": "00:05.0", "permissive": True}],
            b'pci=[ "0:5.0,seize=1,permissive=1" ]\n',
        ),
        (
            b"pci=['00:05.0@5,seize=1']\n",
            [{"address": "00:05.0", "vslot": 31}],
            b"pci=['00:05.0@1f,seize=1']\n",
        ),
        (b"pci=['00:05.0@5,vslot=6']\n", [{"address": "00:05.0", "vslot": 0}], b"pci=['00:05.0']\n"),
        (
            b"pci=['vslot=6,bdf=00:05.0']\n",
            [{"address": "00:05.0", "vslot": 7}],
            b"pci=['bdf=00:05.0,vslot=7']\n",
        ),
        (
            b"pci=['00:05.0,rdm_policy=relaxed']\n",
            [{"address": "00:05.0", "rdm_policy": "strict"}],
            b"pci=['00:05.0,rdm_policy=strict']\n",
        ),
        (
            b"rdm='policy=relaxed'\npci=['00:05.0']\n",
            [{"address": "00:05.0", "rdm_policy": "strict"}],
            b"rdm='policy=relaxed'\npci=['00:05.0,rdm_policy=strict']\n",
        ),
        (
            b"pci_permissive=1\npci=['00:05.0']\n",
            [{"address": "00:05.0", "permissive": False}],
            b"pci_permissive=1\npci=['00:05.0,permissive=0']\n",
        ),
        # an octal escape reads well and means nothing to xl
        (b"pci=['\\060\\060:05.0']\n", ["00:05.0"], b"pci=['00:05.0']\n"),
    ],
)
def test_changes_only_what_it_has_to(before: bytes, wanted: list[str | dict[str, object]], after: bytes) -> None:
    assert edit(before, *wanted) == after
    assert edit(after, *wanted) == after


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"pci = [ '0:6.0' ,\"0000:00:05.0,seize=1,\" ]\n", ["00:05.0", "00:06.0"]),
        (b"pci=['00:05.0,permissive=yes']\n", [{"address": "00:05.0", "permissive": False}]),
        (b"pci_permissive=1\npci=['00:05.0']\n", [{"address": "00:05.0", "permissive": True}]),
        (
            b"pci=['00:05.0']\n",
            [{"address": "00:05.0", "permissive": False, "vslot": 0, "rdm_policy": "strict"}],
        ),
        (b"pci=['00:05.0@1F']\n", [{"address": "00:05.0", "vslot": 31}]),
        (b"pci=['00:04.0']\npci=['00:05.0']\npci+=['00:06.0']\n", ["00:06.0", "00:05.0"]),
        (b"pci=['00:05.0', ['dead'], 'junk']\n", ["00:05.0"]),
        (b"pci=[]\n", []),
    ],
)
def test_leaves_what_already_holds(data: bytes, wanted: list[str | dict[str, object]]) -> None:
    assert edit(data, *wanted) == data


def test_keeps_a_name_that_is_wanted() -> None:
    config = XlConfig.parse(b"pci=['name=it\\'s', '00:05.0']\n", "F")
    assert config.with_pci([PciSpec(name="it's")]).render() == b"pci=['name=it\\'s']\n"
    config = config.with_pci([PciSpec(name="it's", seize=True)])
    assert config.render() == b"pci=['name=it\\'s,seize=1']\n"


def test_refuses_a_device_that_is_wanted_twice() -> None:
    config = XlConfig.parse(b"", "guest.cfg")
    with pytest.raises(PcibackError) as caught:
        config.with_pci([{"address": "03:00.0"}, {"address": "0:4.0"}, {"address": "0000:3:0.0"}])
    assert str(caught.value) == "guest.cfg: 03:00.0 is wanted twice; list each device once"


def follow(data: bytes, wanted: list[str | dict[str, object]], **moves: str) -> bytes:
    """Moves are given as _OLD="NEW", in short."""
    devices = [{"address": item} if isinstance(item, str) else item for item in wanted]
    known = {Address(0, int(old[1:]), 0, 0): Address(0, int(new), 0, 0) for old, new in moves.items()}
    return XlConfig.parse(data, "F").with_pci(devices, known).render()


@pytest.mark.parametrize(
    ("before", "wanted", "moves", "after"),
    [
        (
            b"pci = ['01:00.0@5,permissive=1', \"0000:02:00.0\" ] # both\n",
            ["02:00.0", "03:00.0"],
            {"_1": "2", "_2": "3"},
            b"pci = ['02:00.0@5,permissive=1', \"0000:03:00.0\" ] # both\n",
        ),
        (b"pci=['seize=1,bdf=01:00.0']\n", ["02:00.0"], {"_1": "2"}, b"pci=['seize=1,bdf=02:00.0']\n"),
        (
            b"pci=['01:00.0,seize=1', '04:00.0']\n",
            [{"address": "02:00.0", "permissive": True}],
            {"_1": "2"},
            b"pci=['02:00.0,seize=1,permissive=1']\n",
        ),
        # Both entries would mean the same device: the one that says so already stays.
        (b"pci=['01:00.0,seize=1', '02:00.0']\n", ["02:00.0"], {"_1": "2"}, b"pci=['02:00.0']\n"),
        (b"pci=['01:00.*']\n", ["02:00.0"], {"_1": "2"}, b"pci=['02:00.0']\n"),
        (b"pci=['02:00.0,seize=1']\n", ["02:00.0"], {"_1": "2", "_2": "3"}, b"pci=['02:00.0,seize=1']\n"),
    ],
)
def test_a_device_that_moved_keeps_its_entry(before, wanted, moves, after):
    assert follow(before, wanted, **moves) == after
    assert follow(after, wanted, **moves) == after
    assert follow(after, wanted) == after
