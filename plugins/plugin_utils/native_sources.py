# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The native component's sources as they lie in the collection on the controller.

It imports nothing of the collection: a lookup asks for their digest on each run, for each host, and Ansible compiles
anew in each process what a plugin imports.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Mapping

DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "native")


def read_sources(directory: str = DIRECTORY) -> Mapping[str, bytes]:
    """Every source file by its path relative to native/; what was built is left out."""
    found = {}
    for parent, names, files in os.walk(directory):
        if parent == directory and "build" in names:
            names.remove("build")
        for name in files:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = file.read()
    return found


def source_digest(sources: Mapping[str, bytes]) -> str:
    """The digest that ``pcibackctl version`` prints as source_sha256: SHA-256 of the sorted list of digests."""
    lines = (f"{hashlib.sha256(sources[path]).hexdigest()}  {path}\n" for path in sorted(sources, key=os.fsencode))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pack(files: Mapping[str, bytes], executable: tuple[str, ...] = (".sh",)) -> bytes:
    """A gzipped tar archive of files; the same files always give the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed, tarfile.open(
        fileobj=compressed, mode="w"
    ) as tar:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.size = len(files[path])
            member.mode = 0o755 if path.endswith(executable) else 0o644
            tar.addfile(member, io.BytesIO(files[path]))
    return buffer.getvalue()
