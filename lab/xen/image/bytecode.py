# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible will send to dom0, compiled by dom0's Python while its disk is built, as usercustomize.py keeps it.

Emulated, that takes longer than the rest of a module's first call. What has changed since the disk was built is compiled
in dom0 and kept there.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[3] / "plugins"
COMPILE = """\
import pathlib
import usercustomize

for source in pathlib.Path("/tmp/sources").rglob("*.py"):
    usercustomize.compile_once(str(source), source.read_bytes())
"""


def copy_sources(tree: Path) -> None:
    """Copy them to where :data:`COMPILE` finds them."""
    for number, directory in enumerate(_directories()):
        shutil.copytree(directory, tree / "tmp/sources" / str(number), ignore=shutil.ignore_patterns("__pycache__"))


def _directories() -> Iterator[Path]:
    yield COLLECTION / "modules"
    yield COLLECTION / "module_utils"
    # Who builds the disk without ansible-core may still use it with one later.
    ansible = importlib.util.find_spec("ansible")
    if ansible is not None and ansible.origin is not None:
        yield Path(ansible.origin).parent / "module_utils"
