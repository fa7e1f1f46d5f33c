# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's firmware: its copy of the model of NetBSD's loader and kernel (``pcibackctl boot``)."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from . import loader
from .state import Machine


class FirmwareError(Exception):
    """The model could not be run at all."""


def predict(machine: Machine, entry: int | None = None) -> dict[str, Any]:
    """Ask the firmware what this boot does (of one entry, if a person chose it). It reads the
    files of the machine, not a copy."""
    command = [
        machine.path("pcibackctl"), "boot",
        "--config", machine.file("/boot.cfg"),
        "--bus", machine.path("bus.lspci"),
        "--root", machine.root,
        "--loader", loader.generation(machine),
        "--json",
    ]  # fmt: skip
    if entry is not None:
        command += ["--entry", str(entry)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise FirmwareError(f"the machine's firmware, {command[0]}, does not start: {error.strerror}") from error
    try:
        found = json.loads(done.stdout.decode("utf-8", "replace"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or done.returncode not in (0, 3):
        said = done.stderr.decode("utf-8", "replace").strip() or "nothing"
        raise FirmwareError(f"the machine's firmware, {command[0]}, ended with {done.returncode} and said: {said}")
    return found
