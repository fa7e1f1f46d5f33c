# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The record of originals on a host: read once, under the lock, and replaced before and after what it records."""

from __future__ import annotations

import os

from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import MAX_FILE, Originals, parse, render
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    make_directory,
    read_file,
    remove_file,
    replace_file,
)

MODE = 0o600
"""Guests' files, and so their originals, may hold passwords."""


class OriginalsFile:
    """The record at a path; without a file nothing is recorded.

    :raises PcibackError: the file is there, but it can't be read or understood
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._data = read_file(path, limit=MAX_FILE) if os.path.lexists(path) else None
        self.originals = Originals() if self._data is None else parse(self._data, path)

    @property
    def exists(self) -> bool:
        """Whether there is a file; one may be there that records nothing."""
        return self._data is not None

    def save(self, originals: Originals) -> None:
        """Replace the file, or remove it if nothing is left to be recorded.

        :raises PcibackError: it can't be written, or somebody else has changed it
        """
        data = _content(originals)
        if data == self._data:
            return
        if data is None:
            remove_file(self.path)
        else:
            make_directory(os.path.dirname(self.path))
            replace_file(self.path, data, expected=self._data, mode=MODE)
        self._data, self.originals = data, originals

    def difference(self, after: Originals) -> list[dict[str, str]]:
        """What diff mode shows of a new record: the paths that go and come; nothing if there are none.

        Those that stay are left out: in check mode other modules may have changed them by then.
        """
        old, new = self.originals.paths, after.paths
        if old == new and not (self.exists and after.empty):
            return []
        return [
            {
                "before_header": self.path,
                "after_header": self.path,
                "before": "".join(f"{path}\n" for path in old if path not in new),
                "after": "".join(f"{path}\n" for path in new if path not in old),
            }
        ]


def _content(originals: Originals) -> bytes | None:
    return None if originals.empty else render(originals)
