# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that would stop halfway at a file is refused before it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
from tests.unit.planning.hosts import ONE, codes, converged, host
from tests.unit.plans import make_plan

WRITTEN = {"hide": ("/boot.cfg", "/db/pins.json"), "configure": ("/db/originals.json",), "restore": ()}


def kept(observed: Observed, path: str) -> Observed:
    """The same host, on which a file can't be replaced."""
    error = PcibackError("it can't be replaced: why", file=path, remedy="mend it")
    return replace(observed, written=WRITTEN, not_replaceable={path: error})


@pytest.mark.parametrize("path", ["/boot.cfg", "/db/pins.json", "/db/originals.json", "/etc/xen/firewall"])
def test_a_file_that_an_action_replaces(path: str) -> None:
    plan = make_plan(ONE, kept(host(), path))
    assert (codes(plan), plan.actions, plan.changed) == (["not-replaceable"], (), False)
    assert (plan.refusals[0].message, plan.refusals[0].remedy) == (f"{path}: it can't be replaced: why", "mend it")


def test_a_file_that_nobody_replaces() -> None:
    assert not codes(make_plan(ONE, kept(host(), "/etc/xen/storage")))
    assert not codes(make_plan(ONE, kept(converged(), "/boot.cfg")))
