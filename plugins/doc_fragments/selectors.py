# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Selectors of devices; modules say what those that are selected are for."""

    DOCUMENTATION = r"""
options:
  devices:
    type: list
    elements: dict
    suboptions:
      address:
        description: Hexadecimal BDF, such as V(03:00.0).
        type: str
      id:
        description: Vendor and device, such as V(8086:10d3). Quote it, YAML takes some for numbers.
        type: str
      subsystem:
        description: Vendor and device of the subsystem.
        type: str
      class:
        description:
          - Class code of two, four or six hexadecimal digits, or a word such as V(ethernet) or V(nvme).
          - Quote the digits; a number is refused, because YAML makes one of V(0100) and V(0x0200) that is another.
        type: raw
      driver:
        description:
          - The driver; on NetBSD with its unit (V(wm1)) or without (V(wm)).
          - One that held the function before it was hidden counts too.
        type: str
      name:
        description: A part of the function's name, or a pattern with C(*) and C(?); upper and lower case are the same.
        type: str
      mac:
        description: Ethernet address of the card; for a hidden one, that which it had in dom0. Quote it.
        type: str
      serial:
        description: Device serial number of PCI Express, such as V(00-1b-21-ff-ff-12-34-56), where it can be read.
        type: str
      slot:
        description: Path through the bridges, such as V(0000:00/1c.0/00.0), which stays when buses are numbered anew.
        type: str
      all:
        description: Take every function that matches.
        type: bool
        default: false
"""
