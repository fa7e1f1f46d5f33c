# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec


def edit(data: bytes, *wanted: str | dict[str, object]) -> bytes:
    devices = [{"address": item} if isinstance(item, str) else item for item in wanted]
    return with_pci(XlConfig.parse(data, "F"), devices).render()


def test_survives_lists_nested_without_end() -> None:
    data = b"a=" + 100000 * b"[" + 100000 * b"]" + b"\n"
    assert edit(data, "03:00.0") == data + b"pci = [ '03:00.0' ]\n"


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
            [{"address": "00:05.0", "vslot": "1f"}],
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
        (b"pci=['00:05.0@1F']\n", [{"address": "00:05.0", "vslot": "1f"}]),
        (b"pci=['00:04.0']\npci=['00:05.0']\npci+=['00:06.0']\n", ["00:06.0", "00:05.0"]),
        (b"pci=['00:05.0', ['dead'], 'junk']\n", ["00:05.0"]),
        (b"pci=[]\n", []),
    ],
)
def test_leaves_what_already_holds(data: bytes, wanted: list[str | dict[str, object]]) -> None:
    assert edit(data, *wanted) == data


def test_keeps_a_name_that_is_wanted() -> None:
    config = XlConfig.parse(b"pci=['name=it\\'s', '00:05.0']\n", "F")
    assert with_pci(config, [PciSpec(name="it's")]).render() == b"pci=['name=it\\'s']\n"
    config = with_pci(config, [PciSpec(name="it's", seize=True)])
    assert config.render() == b"pci=['name=it\\'s,seize=1']\n"


def test_refuses_a_device_that_is_wanted_twice() -> None:
    config = XlConfig.parse(b"", "guest.cfg")
    with pytest.raises(PcibackError) as caught:
        with_pci(config, [{"address": "03:00.0"}, {"address": "0:4.0"}, {"address": "0000:3:0.0"}])
    assert str(caught.value) == "guest.cfg: 03:00.0 is wanted 2 times; list each device once"


def follow(data: bytes, wanted: list[str | dict[str, object]], **moves: str) -> bytes:
    """Moves are given as _OLD="NEW", in short."""
    devices = [{"address": item} if isinstance(item, str) else item for item in wanted]
    known = {Address(0, int(old[1:]), 0, 0): Address(0, int(new), 0, 0) for old, new in moves.items()}
    return with_pci(XlConfig.parse(data, "F"), devices, known).render()


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
