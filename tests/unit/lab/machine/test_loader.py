# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loader of a machine is what is in its /boot."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import firmware, loader
from machine.state import Machine

BOOT_CFG = (
    "loader=/netbsd-XEN3_DOM0.gz pciback.hide=(00:04.0)\n"
    "menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz\n"
    "menu=Seed:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:05.0);multiboot /xen.gz\n"
)
SEED = "rndseed=/etc/group\n" + BOOT_CFG.partition("\n")[2]


@pytest.mark.parametrize(
    ("release", "generation", "claims", "with_seed"),
    [
        ("7.99.10", "old", ["0000:00:04.0"], "registered"),
        ("9.3_STABLE", "old", ["0000:00:04.0"], "registered"),
        ("10.1", "10", [], "registered"),
        ("11.0_RC6", "11", [], "loader-failure"),
        ("12.99.1", "11", [], "loader-failure"),
    ],
)
def test_each_reads_boot_cfg_in_its_way(
    release: str, generation: str, claims: list[str], with_seed: str, machine: Machine
) -> None:
    program = Path(machine.file("/boot"))
    program.chmod(0o644)
    program.write_bytes(loader.program(release))
    assert loader.release(machine) == release
    assert loader.generation(machine) == generation
    boot_cfg = Path(machine.file("/boot.cfg"))
    boot_cfg.write_text(BOOT_CFG)
    assert firmware.predict(machine, 1)["claims"] == claims
    boot_cfg.write_text(SEED)
    assert firmware.predict(machine, 2)["outcome"] == with_seed


def test_a_new_machine_has_that_of_its_netbsd(machine: Machine) -> None:
    assert loader.release(machine) == "7.99.10"
    Path(machine.file("/boot")).unlink()
    assert loader.release(machine) == "7.99.10"
