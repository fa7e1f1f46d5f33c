# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dom0's Python compiles while its disk is built."""

from __future__ import annotations

from pathlib import Path

from xen.image import bytecode

from tests.unit.lab.conftest import LAB


def test_all_that_ansible_may_send_is_copied(tmp_path: Path) -> None:
    bytecode.copy_sources(tmp_path)
    copied = {path.name for path in (tmp_path / "tmp/sources").rglob("*.py")}
    assert {path.name for path in (LAB.parent / "plugins/modules").glob("*.py")} <= copied
    assert {"errors.py", "basic.py"} <= copied, "of the collection, and of ansible-core"
    assert not list(tmp_path.rglob("__pycache__"))
    compile(bytecode.COMPILE, "COMPILE", "exec")
