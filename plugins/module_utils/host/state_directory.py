# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The directory on a host in which the collection keeps what it has to remember between two runs.

===============  =====================================================================  ===========================
pins.json        which devices were given away, and what they were                      :mod:`devices.pins`
originals.json   what each changed file was before its first change                     :mod:`formats.originals`
drivers.json     on Linux, which driver each device had                                 :mod:`formats.drivers`
native.json      what the native component was built from, and its files' digests       :mod:`formats.native_record`
attachments      what the host's start-up gives to guests through pcibackd              :mod:`formats.attachments`
lock             there as long as a module changes something                            :mod:`host.lock`
===============  =====================================================================  ===========================

Version 0.1.0 kept the pins in devices.json. That file counts as long as there is no pins.json, and goes when pins are
next written or removed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Generic, TypeVar

from ansible_collections.xen.pciback.plugins.module_utils.devices import pins as pins_format
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.formats import attachments, native_record
from ansible_collections.xen.pciback.plugins.module_utils.formats import drivers as drivers_format
from ansible_collections.xen.pciback.plugins.module_utils.formats import originals as originals_format
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference, difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.native_record import NativeRecord
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import Originals
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    make_directory,
    read_file,
    remove_file,
    replace_file,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.lock import held
from ansible_collections.xen.pciback.plugins.module_utils.host.writing import accounted

DIRECTORY = "/var/db/xen-pciback"

PINS = "pins.json"
ORIGINALS = "originals.json"
DRIVERS = "drivers.json"
NATIVE = "native.json"
ATTACHMENTS = "attachments"
LOCK = "lock"

PINS_OF_0_1_0 = "devices.json"

WORLD_READABLE = 0o644
"""Of a file that tells nothing that dmesg(8), ifconfig(8), sysfs or the installed files don't."""

OWNER_ONLY = 0o600
"""Of originals.json: guests' files, and so their originals, may hold passwords."""

Value = TypeVar("Value")


class RecordFile(Generic[Value]):
    """A file that is read once, under the lock, and then replaced as a whole.

    :ivar path: where it is
    :ivar value: what it records
    :ivar exists: whether there is a file; one may be there that records nothing
    :raises PcibackError: the file is there, but it can't be read or understood
    """

    def __init__(
        self,
        path: str,
        *,
        parse: Callable[[bytes, str], Value],
        render: Callable[[Value], bytes | None],
        nothing: Value,
        limit: int,
        mode: int = WORLD_READABLE,
    ) -> None:
        """Read the file.

        :param parse: what the file's bytes record, from these and the file's path
        :param render: the bytes; ``None`` if nothing is left to be recorded
        :param nothing: what no file records
        :param limit: the most bytes that the file may have
        :param mode: of a file that did not exist
        """
        self.path = path
        self._render = render
        self._mode = mode
        self._data = read_file(path, limit=limit) if os.path.lexists(path) else None
        self.value = nothing if self._data is None else parse(self._data, path)

    @property
    def exists(self) -> bool:
        return self._data is not None

    def save(self, value: Value) -> None:
        """Replace the file, or remove it if nothing is left to be recorded.

        :raises PcibackError: it can't be written, or somebody else has changed it
        """
        data = self._render(value)
        if data != self._data:
            if data is None:
                remove_file(self.path)
            else:
                make_directory(os.path.dirname(self.path))
                replace_file(self.path, data, expected=self._data, mode=self._mode)
        self._data, self.value = data, value


class OriginalsFile(RecordFile[Originals]):
    """originals.json."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path,
            parse=originals_format.parse,
            render=lambda originals: None if originals.empty else originals_format.render(originals),
            nothing=Originals(),
            limit=originals_format.MAX_FILE,
            mode=OWNER_ONLY,
        )

    @property
    def originals(self) -> Originals:
        """What it records."""
        return self.value

    def difference(self, after: Originals) -> list[Difference]:
        """What diff mode shows of a new record: the paths that go and come; nothing if there are none.

        Those that stay are left out: in check mode other modules may have changed them by then.
        """
        old, new = self.originals.paths, after.paths
        if old == new and not (self.exists and after.empty):
            return []
        return [
            difference(
                self.path,
                "".join(f"{path}\n" for path in old if path not in new),
                "".join(f"{path}\n" for path in new if path not in old),
            )
        ]


class StateDirectory:
    """The records of one host.

    :param path: the directory; it is made when something has to be recorded
    :param elsewhere: paths of files that are not in it, by the names that they would have there
    """

    def __init__(self, path: str, elsewhere: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._elsewhere = dict(elsewhere or {})

    def place(self, name: str) -> str:
        """The path of a file, by its name in the directory."""
        return self._elsewhere.get(name) or os.path.join(self.path, name)

    def lock(self, who: str, *, check_mode: bool = False) -> AbstractContextManager[None]:
        """Hold the host's lock; in check mode nothing is changed, so none is taken.

        :param who: what others are told while they wait
        An error that leaves it says what was changed by then.

        :raises PcibackError: see :func:`lock.held`
        """
        return nullcontext() if check_mode else self._locked(who)

    @contextmanager
    def _locked(self, who: str) -> Iterator[None]:
        with held(self.place(LOCK), who), accounted():
            yield

    @property
    def written(self) -> tuple[str, ...]:
        """The records that a change of boot configuration or guests' files goes with."""
        return self.place(PINS), self.place(ORIGINALS)

    # --- pins

    @property
    def has_pins(self) -> bool:
        """Whether there is a file that holds pins, even if it can't be read or holds none."""
        return any(map(os.path.lexists, self._pins_files()))

    def pins(self) -> Mapping[Address, Pin]:
        """What the pinned devices were, by the addresses that they had; nothing if none is pinned.

        :raises PcibackError: the file is there, but it can't be read or understood
        """
        path = self._pins_file()
        return pins_format.parse(read_file(path, limit=pins_format.MAX_FILE), path) if os.path.lexists(path) else {}

    def save_pins(self, wanted: Mapping[Address, Pin], *, check_mode: bool = False) -> list[Difference]:
        """Record exactly these pins; without any the file goes, whatever it holds.

        :param check_mode: only say what would change
        :returns: what changes; nothing if these are recorded already
        :raises PcibackError: the file that is there can't be read or understood, or it can't be replaced
        """
        path, old = self.place(PINS), self._pins_file()
        before = read_file(old, limit=pins_format.MAX_FILE) if os.path.lexists(old) else None
        if before is None and not wanted:
            return []
        unchanged = before is not None and bool(wanted) and pins_format.parse(before, old) == wanted
        if not check_mode:
            if not unchanged and wanted:
                make_directory(os.path.dirname(path))
                expected = before if old == path else None
                replace_file(path, pins_format.render(wanted), expected=expected, mode=WORLD_READABLE)
            if not unchanged or old == path:
                # The old name first: alone it would count again. It is superfluous as soon as the new file is on the
                # disk, also if that was a run that was killed before it came here.
                self._remove_pins_of_0_1_0()
            if not wanted:
                remove_file(path)
        if unchanged:
            return []
        return [difference(path if wanted else old, before, pins_format.render(wanted) if wanted else None)]

    def _pins_files(self) -> tuple[str, ...]:
        """Where pins may be; the first that is there counts."""
        if PINS in self._elsewhere:
            return (self._elsewhere[PINS],)
        return self.place(PINS), os.path.join(self.path, PINS_OF_0_1_0)

    def _pins_file(self) -> str:
        files = self._pins_files()
        return next(filter(os.path.lexists, files), files[0])

    def _remove_pins_of_0_1_0(self) -> None:
        for old in self._pins_files()[1:]:
            if os.path.lexists(old):
                remove_file(old)

    # --- what files and devices were before

    def originals(self) -> OriginalsFile:
        """What each changed file was before its first change.

        :raises PcibackError: the file is there, but it can't be read or understood
        """
        return OriginalsFile(self.place(ORIGINALS))

    def drivers(self) -> RecordFile[Mapping[Address, str | None]]:
        """Which driver each device had before pciback took it, ``None`` for one that had none.

        :raises PcibackError: the file is there, but it can't be read or understood
        """
        return RecordFile[Any](
            self.place(DRIVERS),
            parse=drivers_format.parse,
            render=lambda drivers: drivers_format.render(drivers) if drivers else None,
            nothing={},
            limit=drivers_format.MAX_FILE,
        )

    # --- the native component

    def native(self) -> RecordFile[NativeRecord | None]:
        """What was installed of the native component, ``None`` if that can't be understood: then nothing is verified.

        :raises PcibackError: the file is there, but it can't be read
        """
        return RecordFile[Any](
            self.place(NATIVE),
            parse=lambda data, _path: native_record.parse(data),
            render=lambda record: None if record is None else native_record.render(record),
            nothing=None,
            limit=native_record.MAX_FILE,
        )

    def attachments(self) -> RecordFile[bytes | None]:
        """What the host's start-up gives to guests through pcibackd: the file's bytes, ``None`` if there is none.

        :raises PcibackError: the file is there, but it can't be read
        """
        return RecordFile[Any](
            self.place(ATTACHMENTS),
            parse=lambda data, _path: data,
            render=lambda data: data,
            nothing=None,
            limit=attachments.MAX_FILE,
        )
