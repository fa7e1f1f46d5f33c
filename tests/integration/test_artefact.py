# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users get it: built, installed into an empty place, and run from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import BIN, ROOT


def environment(path):
    """What a user has who knows nothing of this source tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    return {**kept, "ANSIBLE_COLLECTIONS_PATH": str(path), "ANSIBLE_NOCOLOR": "1"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An empty collections path into which the built artefact was installed; returns it and the collection."""
    workspace = tmp_path_factory.mktemp("artefact")
    sources, path = workspace / "sources", workspace / "collections"
    sources.mkdir()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    names = [name for name in files.decode().split("\0") if name and (ROOT / name).exists()]
    subprocess.run(["cp", "--parents", "--preserve=mode", *names, str(sources)], cwd=ROOT, check=True)
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    subprocess.run([*galaxy, "build", "--output-path", str(workspace)], cwd=sources, check=True, capture_output=True)
    (artefact,) = workspace.glob("xen-pciback-*.tar.gz")
    install = [*galaxy, "install", "--offline", "-p", str(path), str(artefact)]
    subprocess.run(install, check=True, capture_output=True, cwd=workspace, env=environment(path))
    return path, path / "ansible_collections/xen/pciback"


def test_only_what_belongs_there_is_installed(installed):
    _path, collection = installed
    there = {entry.name for entry in collection.iterdir()}
    assert {"plugins", "roles", "native", "lab", "docs", "README.md", "LICENSES", "meta"} <= there
    assert not {"build", ".venv", ".git", ".ci"} & there
    assert not (collection / "native/build").exists()


@pytest.mark.soak(instead="test_only_what_belongs_there_is_installed")
def test_the_demonstration_runs_from_an_empty_collections_path(installed, tmp_path):
    path, collection = installed
    dom0 = tmp_path / "dom0"
    firmware = os.environ["PCIBACKCTL"]
    create = [sys.executable, str(collection / "lab/dom0.py"), "create", str(dom0), "--bus", "pc-nine-nics"]
    create += ["--firmware", firmware, "--guest", "firewall", "--guest", "storage"]
    subprocess.run(create, check=True, capture_output=True)
    inventory = tmp_path / "inventories"
    subprocess.run(["cp", "-r", str(collection / "inventories/lab"), str(inventory)], check=True)
    playbook = [str(BIN / "ansible-playbook"), "-i", str(inventory), str(collection / "site.yml")]
    playbook += ["-e", json.dumps({"ansible_lab_dom0": str(dom0)})]
    for recap in ("changed=6 ", "changed=0 "):
        run = subprocess.run(playbook, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment(path))
        assert run.returncode == 0, run.stdout + run.stderr
        assert recap in run.stdout, run.stdout
