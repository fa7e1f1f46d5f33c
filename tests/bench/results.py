# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where benchmarks leave their numbers: build/bench.json, one flat object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT

FILE = ROOT / "build" / "bench.json"


def add(numbers: Mapping[str, float], file: Path = FILE) -> None:
    """Print numbers and put them among those that are there."""
    file.parent.mkdir(exist_ok=True)
    known = json.loads(file.read_text()) if file.exists() else {}
    known.update({name: round(number, 3) for name, number in numbers.items()})
    file.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    for name in numbers:
        print(f"{name:44} {known[name]:>12,}")
