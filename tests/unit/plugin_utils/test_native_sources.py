# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources as the controller sees them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile

from ansible_collections.xen.pciback.plugins.plugin_utils import native_sources

FILES = {"Makefile": b"all:\n", "core/b.c": b"int b;\n", "core/a.c": b"int a;\n"}


def test_digest_is_that_of_the_sorted_list():
    lines = "".join(
        f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in ("Makefile", "core/a.c", "core/b.c")
    )
    assert native_sources.source_digest(FILES) == hashlib.sha256(lines.encode()).hexdigest()


def test_digest_agrees_with_the_built_component():
    """What the controller computes in Python is what the makefile's script compiled in."""
    control = os.environ["PCIBACKCTL"]
    told = json.loads(subprocess.run([control, "version", "--json"], check=True, capture_output=True).stdout)
    assert told["source_sha256"] == native_sources.source_digest(native_sources.read_sources())


def test_what_was_built_is_no_source(tmp_path):
    for name in ("core/a.c", "build/pcibackctl", "core/build/kept.c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert sorted(native_sources.read_sources(str(tmp_path))) == ["core/a.c", "core/build/kept.c"]


def test_pack_is_reproducible_and_keeps_scripts_executable():
    files = {**FILES, "source-digest.sh": b"#!/bin/sh\n"}
    assert native_sources.pack(files) == native_sources.pack(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(native_sources.pack(files))) as tar:
        assert {member.name: member.mode for member in tar} == {
            "Makefile": 0o644,
            "core/a.c": 0o644,
            "core/b.c": 0o644,
            "source-digest.sh": 0o755,
        }
