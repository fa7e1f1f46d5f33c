# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup names what of a host's variables can't be meant."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.xen.pciback.plugins.lookup.variable_problems import LookupModule


def test_the_nearest_right_name_is_said() -> None:
    variables = {"pciback_guest": [], "pciback_reboot": "never", "inventory_hostname": "dom0"}
    (sentence,) = LookupModule().run([], variables)
    assert sentence.startswith("the role has no variable 'pciback_guest', ")
    assert sentence.endswith("the nearest right name is 'pciback_guests'")


def test_without_a_slip_there_is_no_sentence() -> None:
    assert LookupModule().run([], {"pciback_guests": []}) == LookupModule().run([]) == []


def test_terms_are_refused() -> None:
    with pytest.raises(AnsibleLookupError, match="variable_problems takes no terms"):
        LookupModule().run(["x"])


def test_numbers_are_looked_at_with_names() -> None:
    found = LookupModule().run([], {"pciback_guest": []}, pciback_reboot_timeout=0, pciback_guest_timeout=1)
    assert [sentence.partition(",")[0] for sentence in found] == [
        "the role has no variable 'pciback_guest'",
        "'pciback_reboot_timeout' is 0",
    ]


def test_other_options_are_refused() -> None:
    with pytest.raises(AnsibleLookupError, match="has no option 'timeout'"):
        LookupModule().run([], timeout=1)
