# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup says the digest of the sources that lie in the collection."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.xen.pciback.plugins.lookup.native_source_digest import LookupModule
from ansible_collections.xen.pciback.plugins.plugin_utils.native_sources import read_sources, source_digest


def test_one_digest_of_the_sources_that_are_there() -> None:
    (digest,) = LookupModule().run([])
    assert digest == source_digest(read_sources())
    assert len(digest) == 64


def test_terms_are_refused() -> None:
    with pytest.raises(AnsibleLookupError, match="native_source_digest takes no terms"):
        LookupModule().run(["x"])
