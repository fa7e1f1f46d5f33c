# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The record ``attachments``: what the host's start-up gives to guests when nobody is there. No I/O.

Text for a shell script: a line a device that pcibackd takes, and a line a guest, with fields separated by a tab. Where the
kernel's backend serves the guests, a line says so, and that of a device says what it has to be. Where the next boot decides
which of the two does, the record has a part for each, behind the line that names it. How a device is written is
``pcibackctl``'s: the address, then options, each behind a comma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec

HEADER = "# What pcibackd takes and gives to guests when this host starts. xen.pciback writes this file anew at each change.\n"

KERNEL_HEADER = "# What guests of the kernel's backend get when this host starts. xen.pciback writes this file anew at each change.\n"

MAX_FILE = 1 << 20

_KERNEL = b"backend\tkernel"
_NATIVE = b"backend\tnative"
_OF_KERNEL = KERNEL_HEADER.encode() + _KERNEL + b"\n"


@dataclass(frozen=True)
class GuestAttachments:
    """What a guest gets when the host starts it.

    :ivar config: its xl configuration file
    :ivar devices: in the words of ``pcibackctl attach``
    """

    name: str
    config: str
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Attachments:
    """All of a host.

    :ivar devices: what pcibackd takes, in the words of ``pcibackctl take``
    :ivar by_kernel: whether the kernel's backend gives them, without pcibackd
    :ivar beside_native: what pcibackd gives stays recorded for a boot in which the kernel's backend is not up
    :ivar beside_kernel: what the kernel's backend gives stays recorded for a boot in which it is up
    """

    devices: tuple[str, ...] = ()
    guests: tuple[GuestAttachments, ...] = ()
    by_kernel: bool = False
    beside_native: bool = False
    beside_kernel: bool = False


def render(attachments: Attachments) -> bytes | None:
    """Write the record: the same attachments give the same bytes; ``None`` if there is nothing to give, and so no record."""
    if not attachments.devices and not attachments.guests:
        return None
    lines = [f"device\t{device}\n" for device in attachments.devices]
    lines += [f"guest\t{each.name}\t{each.config}\t{' '.join(each.devices)}\n" for each in attachments.guests]
    begin = _OF_KERNEL if attachments.by_kernel else HEADER.encode()
    return begin + "".join(lines).encode("utf-8", "surrogateescape")


def render_over(attachments: Attachments, before: bytes | None) -> bytes | None:
    """Write the record in the place of another one, of which what the other backend gives stays if it is to stay beside it.

    :param before: the record that is there, ``None``: there is none
    """
    record = render(attachments)
    if record is None or not (attachments.beside_native or attachments.beside_kernel):
        return record
    kept = b"".join(line + b"\n" for line in _part(before, native=attachments.by_kernel))
    if attachments.by_kernel:
        return HEADER.encode() + _NATIVE + b"\n" + kept + record
    own = record[len(HEADER.encode()) :]
    return HEADER.encode() + _NATIVE + b"\n" + own + _OF_KERNEL + kept if kept else record


def is_kernels(record: bytes) -> bool:
    """Whether a record, or a part of it, is for the kernel's backend."""
    return _KERNEL in record.split(b"\n")


def kernels_part(record: bytes) -> Attachments | None:
    """What is left of a record for both backends when pcibackd goes; ``None``: it is not for both."""
    if not is_kernels(record) or _NATIVE not in record.split(b"\n"):
        return None
    fields = [line.decode("utf-8", "surrogateescape").split("\t") for line in _part(record, native=False)]
    guests = tuple(GuestAttachments(each[1], each[2], tuple(each[3].split())) for each in fields if len(each) == 4)
    return Attachments(tuple(each[1] for each in fields if len(each) == 2), guests, by_kernel=True)


def _part(record: bytes | None, *, native: bool) -> list[bytes]:
    """The devices and guests of one backend, a line each."""
    is_native, found = True, []
    for line in (record or b"").split(b"\n"):
        kind = line.partition(b"\t")[0]
        if kind == b"backend":
            is_native = line != _KERNEL
        elif kind in (b"device", b"guest") and is_native == native:
            found.append(line)
    return found


def take_word(
    address: str,
    device_id: str | None,
    subsystem: str | None = None,
    allowed: Sequence[str] = (),
    irq: int | None = None,
) -> str:
    """A device for ``pcibackctl take``, which refuses another one.

    :param device_id: vendor and device, as ``8086:10d3``; ``None``: whatever is there
    :param allowed: what the owner allows for it, in pcibackd's words
    :param irq: its interrupt, if the owner states it
    """
    words = [address]
    words += [f"id={device_id}"] if device_id else []
    words += [f"subsystem={subsystem}"] if subsystem else []
    words += [] if irq is None else [f"irq={irq}"]
    words += [f"allow={'+'.join(allowed)}"] if allowed else []
    return ",".join(words)


def spec_word(spec: PciSpec) -> str:
    """A device of a guest's file for ``pcibackctl attach``.

    :param spec: one that has an address, with the defaults of the file (:meth:`XlConfig.with_defaults`)
    """
    return attach_word(str(spec.address), permissive=bool(spec.permissive), rdm_policy=spec.rdm_policy)


def attach_word(address: str, *, permissive: bool = False, rdm_policy: str | None = None) -> str:
    """A device for ``pcibackctl attach``."""
    words = [address]
    words += ["permissive=1"] if permissive else []
    words += [f"rdm_policy={rdm_policy}"] if rdm_policy == "relaxed" else []
    return ",".join(words)
