# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pcibackctl, the binary that a host would run, on files of a test's own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Prediction:
    """The JSON object of one `pcibackctl boot`, and its exit status."""

    status: int
    json: dict[str, Any]

    @property
    def codes(self) -> list[str]:
        return [finding["code"] for finding in self.json["findings"]]

    @property
    def errors(self) -> list[str]:
        return [finding["code"] for finding in self.json["findings"] if finding["severity"] == "error"]


class Predictor:
    """Predicts boots with the real binary, in a directory of its own."""

    def __init__(self, binary: Path, directory: Path) -> None:
        self._binary = binary
        self._config = directory / "boot.cfg"
        self._root = directory / "root"
        self._root.mkdir()
        self.add_files("n", "netbsd-XEN3_DOM0.gz", "xen.gz", "netbsd")

    def add_files(self, *paths: str) -> None:
        """More files of the boot device, by their paths below its root."""
        for path in paths:
            file = self._root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")

    def __call__(
        self,
        boot_cfg: str | bytes,
        *,
        bus: str | None = None,
        entry: int | None = None,
        files: bool = False,
        loader: str | None = None,
        more: Sequence[str] = (),
    ) -> Prediction:
        """Predict one boot.

        `bus` names a dump, in data/ unless it is a whole path; with `files`, the boot device holds /n,
        /netbsd-XEN3_DOM0.gz, /netbsd, /xen.gz and what was added, and nothing else. `more`: further words of the
        command line.
        """
        self._config.write_bytes(boot_cfg if isinstance(boot_cfg, bytes) else boot_cfg.encode())
        command = [str(self._binary), "boot", "--json", "--config", str(self._config)]
        if bus is not None:
            command += ["--bus", str(DATA / bus)]
        if entry is not None:
            command += ["--entry", str(entry)]
        if loader is not None:
            command += ["--loader", loader]
        if files:
            command += ["--root", str(self._root)]
        command += more
        run = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert run.stderr == b"", run.stderr
        return Prediction(run.returncode, json.loads(run.stdout.decode("utf-8", errors="strict")))


@pytest.fixture(scope="session")
def pcibackctl() -> Path:
    """The binary under test: the environment's PCIBACKCTL, else the one that `make` builds."""
    binary = Path(os.environ.get("PCIBACKCTL", REPOSITORY / "native" / "build" / "pcibackctl"))
    if not os.access(binary, os.X_OK):
        pytest.fail(f"{binary} is not there; `make -C native` builds it", pytrace=False)
    return binary


@pytest.fixture
def predict(pcibackctl: Path, tmp_path: Path) -> Predictor:
    return Predictor(pcibackctl, tmp_path)
