# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One entry of ``pci = [...]``: its text (PCI_SPEC_STRING of xl-pci-configuration(5)) and what it means.

To add an option, add a row to ``OPTIONS`` and a field to ``PciSpec``. Facts: Xen's ``libxlu_pci.c``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID

MAX_VSLOT = 0x1F
MAX_NAME = 64
LONG_MAX = (1 << 63) - 1

_RDM_POLICIES = ("strict", "relaxed")
_ATOI = re.compile(r"[ \t\n\v\f\r]*([+-]?)([0-9]+)")
_STRTOUL16 = re.compile(r"[ \t\n\v\f\r]*\+?(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)")


# --- the options


@dataclass(frozen=True)
class Option:
    """An option of a device.

    :param read: from name and text of its value to the value that xl takes, and where that is not the one that the text
        suggests, the end of a sentence about it, else ``""``; raises :class:`PcibackError` where xl refuses the text
    :param write: the text of a value
    :param default: the value that xl takes if neither the entry nor the file has one
    :param argument: how modules take it, as an ``argument_spec`` has it
    :param in_file: whether ``pci_NAME = 1`` in the file is the default of its entries
    """

    read: Callable[[str, str], tuple[Any, str]]
    write: Callable[[Any], str]
    default: Any
    argument: Mapping[str, Any]
    in_file: bool = False


def _read_flag(name: str, text: str) -> tuple[bool, str]:
    match = _ATOI.match(text)
    on = match is not None and _atoi(match.group(1), match.group(2)) != 0
    if match is not None and match.end() == len(text):
        return on, ""
    return on, f"means {int(on)} to xl, which reads a number; write '{name}=1' or '{name}=0'"


def decimal(digits: str) -> int:
    """A number without sign, or another one above :data:`LONG_MAX` if it is above that. Python reads only 4300 digits."""
    return int(digits.lstrip("0")[:20] or "0")


def _atoi(sign: str, digits: str) -> int:
    """What atoi(3) makes of a number: strtol(3), which stops at the ends of 64 bits, cut to 32 bits."""
    number = min(decimal(digits), LONG_MAX + (sign == "-"))
    return (-number if sign == "-" else number) & 0xFFFFFFFF


def _write_flag(value: bool) -> str:
    return str(int(value))


def _read_vslot(name: str, text: str) -> tuple[int, str]:
    number, rest = _hexadecimal(text)
    if not 0 <= number <= MAX_VSLOT:
        raise PcibackError(f"'{name}={text}' is no slot; vslot is a hexadecimal number from 1 to 1f")
    return number, f"means slot {number:x} to xl; write 'vslot={number:x}'" if rest else ""


def _write_vslot(value: int) -> str:
    return f"{value:x}"


def _read_rdm_policy(name: str, text: str) -> tuple[str, str]:
    if text.lower() not in _RDM_POLICIES:
        raise PcibackError(f"{name} is 'strict' or 'relaxed', not '{text}'")
    return text.lower(), ""


def _hexadecimal(text: str) -> tuple[int, str]:
    """A number as strtoul reads it in base 16, -1 if there is none, and what is behind it."""
    match = _STRTOUL16.match(text)
    return (-1, text) if match is None else (int(match.group(1), 16), text[match.end() :])


_FLAG = Option(_read_flag, _write_flag, False, {"type": "bool"}, in_file=True)

OPTIONS: Mapping[str, Option] = {
    # Raw, because text that Ansible makes of a number hides that YAML read 010 as 8.
    "vslot": Option(_read_vslot, _write_vslot, 0, {"type": "raw"}),
    "permissive": _FLAG,
    "msitranslate": _FLAG,
    "seize": _FLAG,
    "power_mgmt": _FLAG,
    "rdm_policy": Option(_read_rdm_policy, str, "strict", {"type": "str", "choices": list(_RDM_POLICIES)}),
}
"""What xl may be told of a device beside its address or name, in the order in which it is written."""

_KEYS = ("bdf", *OPTIONS, "name")


# --- an entry


@dataclass(frozen=True)
class PciSpec:
    """One PCI_SPEC_STRING: a device and what xl is told of it.

    ``None`` stands for an option that is not given: xl then takes the guest's own default. ``address`` is
    ``None`` exactly when ``name`` (of ``xl pci-assignable-add``) says which device it is. With
    ``all_functions`` the function of ``address`` is 0 and every function of the device is meant. ``doubts``
    are sentences about values that xl takes otherwise than they look.
    """

    address: Address | None = None
    all_functions: bool = False
    name: str | None = None
    vslot: int | None = None
    permissive: bool | None = None
    msitranslate: bool | None = None
    seize: bool | None = None
    power_mgmt: bool | None = None
    rdm_policy: str | None = None
    doubts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> tuple[Address | None, bool, str | None]:
        """What tells one device from another."""
        return (self.address, self.all_functions, self.name)

    @property
    def device(self) -> str:
        """The device for a person: ``03:00.0``, ``03:00.*`` or ``name=wifi``."""
        if self.address is None:
            return f"name={self.name}"
        return _bdf(self.address, self.all_functions, False)

    def covers(self, address: Address) -> bool:
        """Whether it stands for this function; of a name only xl knows."""
        if self.address is None:
            return False
        return self.address == (replace(address, function=0) if self.all_functions else address)

    @property
    def options(self) -> dict[str, Any]:
        """The options that are given, under xl's names."""
        return {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}

    @classmethod
    def parse(cls, text: str) -> PciSpec:
        """Read a PCI_SPEC_STRING as xl does.

        :raises PcibackError: xl refuses it, crashes on it, or takes it for another device than it looks like
        """
        try:
            return _parse(text)
        except PcibackError as error:
            raise PcibackError(
                f"xl can't take '{text}' for a PCI device: {error.message}", code=DOMAIN_CONFIG_INVALID
            ) from None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PciSpec:
        """A device as the modules take it: ``address`` and options; ``None`` means not given.

        ``vslot`` is text that is hexadecimal as xl has it, or a number below 8; 0 leaves the slot to xl.

        :raises PcibackError: the address or the slot is none
        """
        given = {name: value for name, value in options.items() if value is not None}
        address = parse_address(given.pop("address", ""))
        if "vslot" in given:
            given["vslot"] = _vslot_argument(given["vslot"], address)
        return cls(address=address, **given)

    def render(self, *, domain: bool = False) -> str:
        """The text for the list: the address first, then the options that are given, in a fixed order.

        :param domain: write the PCI domain even where it is 0
        """
        head = f"name={self.name}" if self.address is None else _bdf(self.address, self.all_functions, domain)
        parts = [head]
        for name, value in self.options.items():
            if name != "vslot" or (value and self.address is None):
                parts.append(_pair(name, value))
            elif value:
                parts[0] += f"@{_write_vslot(value)}"
        return ",".join(parts)


def with_options(text: str, changes: Mapping[str, Any]) -> str:
    """Change options in the text of an entry, and leave the rest as its owner spelled it.

    :param text: a PCI_SPEC_STRING that can be read
    :param changes: values by option; ``vslot`` 0 takes the slot out
    """
    parts = text.split(",")
    if not parts[-1]:
        parts.pop()
    positional = "=" not in parts[0]
    kept = [part for part in parts if part.partition("=")[0] not in changes]
    if "vslot" in changes:
        if positional:
            kept[0] = kept[0].partition("@")[0]
        if changes["vslot"] and positional:
            kept[0] += f"@{_write_vslot(changes['vslot'])}"
        elif changes["vslot"]:
            kept.append(_pair("vslot", changes["vslot"]))
    kept.extend(_pair(name, value) for name, value in changes.items() if name != "vslot")
    return ",".join(kept)


def with_address(text: str, address: Address) -> str:
    """Change the address in the text of an entry that can be read, with or without the domain as before."""
    parts = text.split(",")
    for index, part in enumerate(parts):
        key, equals, value = part.rpartition("=")
        if key == "bdf" or (index == 0 and not equals):
            bdf, at, slot = value.partition("@")
            parts[index] = f"{key}{equals}{_bdf(address, False, bdf.count(':') == 2)}{at}{slot}"
    return ",".join(parts)


# --- reading an entry


def _parse(text: str) -> PciSpec:
    if not text:
        raise PcibackError("it is empty; it is a device such as '03:00.0'")
    spec = PciSpec()
    rest = text
    head, _comma, options = text.partition(",")
    if "=" not in head:
        bdf, at, slot = head.partition("@")
        spec = _with_bdf(spec, bdf)
        if at:
            spec = replace(spec, vslot=_positional_vslot(slot))
        rest = options
    if rest.endswith(","):
        rest = rest[:-1]
        if not rest:
            raise _two_commas()
    for pair in rest.split(",") if rest else ():
        spec = _with_pair(spec, text, pair)
    if spec.address is None and spec.name is None:
        raise PcibackError("it names no device; begin it with the address, such as '03:00.0'")
    if spec.address is not None and spec.name is not None:
        raise PcibackError("it has an address and a name; give one of them")
    return spec


def _with_bdf(spec: PciSpec, bdf: str) -> PciSpec:
    if re.match(r"(?:[0-9a-f]{4}:)?[0-9a-f]+:[0-9a-f]+\Z", bdf, re.IGNORECASE):
        raise PcibackError(f"the function is missing, and xl crashes on that; write '{bdf}.0'")
    every = bdf.endswith(".*")
    return replace(spec, address=parse_address(bdf[:-1] + "0" if every else bdf), all_functions=every)


def _positional_vslot(text: str) -> int:
    number, rest = _hexadecimal(text)
    if rest or not 0 <= number <= MAX_VSLOT:
        raise PcibackError(f"'@{text}' is no slot; after '@' comes a hexadecimal number from 1 to 1f")
    return number


def _with_pair(spec: PciSpec, text: str, pair: str) -> PciSpec:
    key, equals, value = pair.partition("=")
    if not pair:
        raise _two_commas()
    if not equals:
        raise PcibackError(f"'{pair}' has no value; an option is KEY=VALUE, such as 'permissive=1'")
    if key not in _KEYS:
        raise PcibackError(_why_no_option(key))
    if key == "bdf":
        return _with_bdf(spec, value)
    if key == "name":
        if not 0 < len(value) <= MAX_NAME or not value.isprintable():
            raise PcibackError(f"a name has 1 to {MAX_NAME} printable characters")
        return replace(spec, name=value)
    read, doubt = OPTIONS[key].read(key, value)
    option: dict[str, Any] = {key: read}
    doubts = (*spec.doubts, f"'{pair}' in '{text}' {doubt}") if doubt else spec.doubts
    return replace(spec, doubts=doubts, **option)


def _two_commas() -> PcibackError:
    return PcibackError("an option is missing between two commas; write one comma")


def _why_no_option(key: str) -> str:
    if key == "backend":
        return "xl takes no 'backend' for a PCI device; leave it out"
    if key.strip().lower() in _KEYS:
        return f"xl knows no option '{key}'; write '{key.strip().lower()}', in lower case and without blanks"
    return f"xl knows no option '{key}'; it knows {', '.join(_KEYS)}"


# --- parts of an entry


def _bdf(address: Address, all_functions: bool, domain: bool) -> str:
    text = str(address) if domain or address.domain else address.bdf
    return text[:-1] + "*" if all_functions else text


def _pair(name: str, value: Any) -> str:
    return f"{name}={OPTIONS[name].write(value)}"


def _vslot_argument(value: Any, address: Address) -> int:
    slot = -1
    if isinstance(value, int) and not isinstance(value, bool):
        # Below 8 all ways to write a number agree.
        if value > 7:
            raise PcibackError(
                f"vslot {value} of {address.bdf} is a number, which YAML makes of {value}, 0{value:o} and 0x{value:x} "
                "without quotes; put it into quotes: it is hexadecimal, from '0' to '1f'"
            )
        slot = value
    elif isinstance(value, str):
        number, rest = _hexadecimal(value)
        slot = -1 if rest else number
    if not 0 <= slot <= MAX_VSLOT:
        raise PcibackError(f"vslot {value} of {address.bdf} does not exist; it is hexadecimal, from 0 to 1f")
    return slot
