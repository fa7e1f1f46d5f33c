# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a host was before the first run: the record by which everything can be given back.

A file is recorded before it is changed for the first time, and what is written into it before it is written. So after
a run that was killed it is known what a file is: the original, or what the collection wrote, or changed by somebody else.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.json_record import check_schema, decode, encode, show

SCHEMA = "xen.pciback/originals/1"
MAX_FILE = 1 << 26
"""Bytes; a byte of an original may need six of them."""

BOOT = "boot"
GUEST = "guest"
NATIVE = "native"
SETTING = "setting"
KINDS = (BOOT, GUEST, NATIVE, SETTING)

_FIELDS = ("kind", "original", "written")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_WITHOUT = "; without this record nothing is put back as it was: delete it to go on from the files as they are"


@dataclass(frozen=True)
class Original:
    """One file, before it was changed.

    :param kind: ``boot`` (a boot.cfg), ``guest`` (a guest's xl configuration), ``native`` (an installed file) or
        ``setting`` (a file of a Linux dom0 that the collection writes as a whole)
    :param data: its bytes; ``None`` if there was no such file
    :param written: SHA-256 of what the collection wrote, or was about to write, there last, and of what was there before
        that if the collection wrote it
    """

    kind: str
    data: bytes | None
    written: tuple[str, ...] = ()

    def wrote(self, data: bytes | None) -> bool:
        """Whether a file with this content is as the collection wrote it."""
        return data is not None and digest(data) in self.written


@dataclass(frozen=True)
class Originals:
    """The record: files by their path, and the directories that were made for them."""

    files: Mapping[str, Original] = field(default_factory=dict)
    directories: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to be given back."""
        return not self.files and not self.directories

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """The paths of some kinds of files, in their order."""
        return tuple(sorted(path for path, original in self.files.items() if original.kind in kinds))

    def with_files(self, files: Mapping[str, Original]) -> Originals:
        """With these files added, or in the place of what is recorded of them."""
        return replace(self, files={**self.files, **files})

    def without_files(self, paths: Iterable[str]) -> Originals:
        """Without what is recorded of these files."""
        gone = set(paths)
        return replace(self, files={path: file for path, file in self.files.items() if path not in gone})

    def with_directories(self, paths: Iterable[str]) -> Originals:
        """With these directories added."""
        return replace(self, directories=tuple(sorted({*self.directories, *paths})))

    @property
    def paths(self) -> tuple[str, ...]:
        """What is recorded, for people; never the content, which may hold secrets. Directories end with ``/``."""
        return tuple(sorted([*self.files, *(f"{path}/" for path in self.directories)]))


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def render(originals: Originals) -> bytes:
    """Write originals.json: the same record gives the same bytes. A character of an original stands for a byte."""
    files = {
        path: {
            "kind": original.kind,
            "original": None if original.data is None else original.data.decode("latin-1"),
            "written": list(original.written),
        }
        for path, original in sorted(originals.files.items())
    }
    document = {"schema": SCHEMA, "directories": sorted(originals.directories), "files": files}
    return encode(document)


def parse(data: bytes, file: str) -> Originals:
    """Read originals.json.

    :raises PcibackError: it is no such file
    """
    document = decode(data, file, _WITHOUT)
    check_schema(document, SCHEMA, file)
    try:
        return _originals(document)
    except PcibackError as error:
        raise PcibackError(f"{error.message}{_WITHOUT}", file=file) from error


def _originals(document: Mapping[str, Any]) -> Originals:
    if sorted(document) != ["directories", "files", "schema"]:
        raise PcibackError("it must have exactly 'schema', 'files' and 'directories'")
    files, directories = document["files"], document["directories"]
    if not isinstance(files, dict):
        raise PcibackError(f"'files' is {show(files)}, and must be an object")
    if not isinstance(directories, list):
        raise PcibackError(f"'directories' is {show(directories)}, and must be a list")
    for path in (*files, *directories):
        if not _is_plain(path):
            raise PcibackError(f"{show(path)} is no absolute path in its plain form")
    if len(set(directories)) != len(directories):
        raise PcibackError("'directories' names one twice")
    return Originals({path: _original(path, value) for path, value in files.items()}, tuple(sorted(directories)))


def _original(path: str, value: Any) -> Original:
    if not isinstance(value, dict) or sorted(value) != list(_FIELDS):
        raise PcibackError(f"file '{path}' must have exactly 'kind', 'original' and 'written'")
    kind, text, written = (value[name] for name in _FIELDS)
    if kind not in KINDS:
        raise PcibackError(f"'kind' of file '{path}' is {show(kind)}, and must be one of {', '.join(KINDS)}")
    data = None
    if text is not None:
        try:
            data = text.encode("latin-1")
        except (AttributeError, UnicodeEncodeError):
            raise PcibackError(
                f"'original' of file '{path}' must be null or a text whose characters stand for bytes"
            ) from None
    if not isinstance(written, list) or not all(isinstance(item, str) and _DIGEST.match(item) for item in written):
        raise PcibackError(f"'written' of file '{path}' must be a list of SHA-256 digests in lower-case hexadecimal")
    return Original(kind, data, tuple(written))


def _is_plain(path: Any) -> bool:
    return (
        isinstance(path, str)
        and path.startswith("/")
        and not path.startswith("//")
        and path != "/"
        and "\0" not in path
        and posixpath.normpath(path) == path
    )
