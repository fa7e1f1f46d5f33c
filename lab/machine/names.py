# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words in which NetBSD's tools and kernel call vendors, products and classes.

Vendors and products are those that real listings named (captured on NetBSD 7.99.10); others get
their numbers, as a NetBSD gives them to what is not in its tables. Class codes are PCI-SIG's.
"""

from __future__ import annotations

from .bus import Function

_VENDORS = {0x10EC: "Realtek Semiconductor", 0x1AF4: "Qumranet", 0x8086: "Intel"}
_PRODUCTS = {
    (0x10EC, 0x8029): "8029 Ethernet",
    (0x10EC, 0x8139): "8139 10/100 Ethernet",
    (0x1AF4, 0x1000): "Virtio",
    (0x8086, 0x100E): "i82540EM 1000baseT Ethernet",
    (0x8086, 0x1237): "82441FX (PMC) PCI and Memory Controller",
    (0x8086, 0x7000): "82371SB (PIIX3) PCI-ISA Bridge",
    (0x8086, 0x7010): "82371SB (PIIX3) IDE Interface",
    (0x8086, 0x2918): "82801IB LPC Interface Bridge",
    (0x8086, 0x2922): "82801I AHCI SATA Controller w/ 6 ports",
    (0x8086, 0x2930): "82801I SMBus Controller",
    (0x8086, 0x29C0): "82G33/P35 Host Bridge",
    (0x8086, 0x7113): "82371AB (PIIX4) Power Management Controller",
}
_CLASSES: dict[int, tuple[str, dict[int, str]]] = {
    0x00: ("prehistoric", {0x00: "miscellaneous", 0x01: "VGA"}),
    0x01: (
        "mass storage",
        {0x00: "SCSI", 0x01: "IDE", 0x02: "floppy", 0x04: "RAID", 0x05: "ATA", 0x06: "SATA", 0x07: "SAS", 0x08: "NVM"},
    ),
    0x02: ("network", {0x00: "ethernet", 0x01: "token ring", 0x02: "FDDI", 0x03: "ATM", 0x80: "miscellaneous"}),
    0x03: ("display", {0x00: "VGA", 0x01: "XGA", 0x02: "3D", 0x80: "miscellaneous"}),
    0x04: ("multimedia", {0x00: "video", 0x01: "audio", 0x03: "mixed mode", 0x80: "miscellaneous"}),
    0x05: ("memory", {0x00: "RAM", 0x01: "flash", 0x80: "miscellaneous"}),
    0x06: ("bridge", {0x00: "host", 0x01: "ISA", 0x02: "EISA", 0x04: "PCI", 0x07: "CardBus", 0x80: "miscellaneous"}),
    0x07: ("communications", {0x00: "serial", 0x01: "parallel", 0x80: "miscellaneous"}),
    0x08: ("system", {0x00: "interrupt", 0x02: "timer", 0x05: "SD Host Controller", 0x80: "miscellaneous"}),
    0x09: ("input", {0x00: "keyboard", 0x02: "mouse", 0x80: "miscellaneous"}),
    0x0C: ("serial bus", {0x00: "IEEE1394", 0x03: "USB", 0x04: "Fiber Channel", 0x05: "SMBus"}),
    0x0D: ("wireless", {0x11: "bluetooth", 0x80: "miscellaneous"}),
    0x10: ("crypto", {0x00: "network/computing", 0x80: "miscellaneous"}),
}

# Those of the captured machines that have a name of their own.
_INTERFACES = {(0x0106, 0x01): "AHCI 1.0"}


def vendor_name(vendor: int) -> str:
    return _VENDORS.get(vendor, f"vendor {vendor:04x}")


def product_name(vendor: int, product: int) -> str:
    return _PRODUCTS.get((vendor, product), f"product {product:04x}")


def class_name(code: int) -> str:
    """Name of a class (8 bits)."""
    return _CLASSES[code][0] if code in _CLASSES else f"class 0x{code:02x}"


def subclass_name(code: int, subclass: int) -> str:
    """Name of a subclass within its class."""
    known = _CLASSES[code][1] if code in _CLASSES else {}
    return known.get(subclass, f"subclass 0x{subclass:02x}")


def class_words(function: Function, with_interface: bool = True) -> str:
    """What stands in parentheses behind a device: ``ethernet network, revision 0x03``."""
    code, subclass = function.class_code >> 8, function.class_code & 0xFF
    if code not in _CLASSES:
        words = f"class 0x{code:02x}, subclass 0x{subclass:02x}"
    elif subclass in _CLASSES[code][1]:
        words = f"{_CLASSES[code][1][subclass]} {_CLASSES[code][0]}"
    else:
        words = f"{_CLASSES[code][0]} subclass 0x{subclass:02x}"
    if with_interface and function.interface:
        words += ", " + _INTERFACES.get(
            (function.class_code, function.interface), f"interface 0x{function.interface:02x}"
        )
    if function.revision:
        words += f", revision 0x{function.revision:02x}"
    return words


def full_words(function: Function) -> str:
    """A device as ``pcictl list`` describes it."""
    return f"{vendor_name(function.vendor)} {product_name(function.vendor, function.product)} ({class_words(function)})"


def kernel_words(function: Function) -> str:
    """A device as the dom0 kernel calls it: XEN3_DOM0 is built without the tables of names."""
    return f"vendor {function.vendor:04x} product {function.product:04x}"
