# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What was installed of the native component: native.json, by which the installed files are trusted."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA = "xen.pciback/native/1"
MAX_FILE = 1 << 20
"""Bytes; the few files that are installed need a thousandth of that."""


@dataclass(frozen=True)
class NativeRecord:
    """What was installed, and what it was made of.

    :param source_sha256: digest of the sources
    :param method: where it was built: ``host`` or ``cross`` (on the controller)
    :param compiler: the first line that the compiler printed of its version
    :param flags: compiler flags in the place of the makefile's own, empty without any
    :param files: absolute paths and the SHA-256 digests of the files, in hexadecimal
    """

    source_sha256: str
    method: str
    compiler: str
    flags: str
    files: Mapping[str, str] = field(default_factory=dict)


def render(record: NativeRecord) -> bytes:
    """Write native.json: the same record gives the same bytes."""
    return (json.dumps({"schema": SCHEMA, **record.__dict__}, indent=2, sort_keys=True) + "\n").encode()


def parse(data: bytes) -> NativeRecord | None:
    """Read native.json; ``None`` if it can't be understood."""
    try:
        value = json.loads(data.decode())
        if value.pop("schema") != SCHEMA:
            return None
        record = NativeRecord(**value)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    texts = (record.source_sha256, record.method, record.compiler, record.flags)
    sound = (
        all(isinstance(text, str) for text in texts)
        and isinstance(record.files, dict)
        and all(posixpath.isabs(path) and isinstance(digest, str) for path, digest in record.files.items())
    )
    return record if sound else None
