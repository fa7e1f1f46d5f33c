# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who runs a module: an ordinary user sees too little of a host for a true report, and can't change it."""

from __future__ import annotations

from os import geteuid

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


def require_root() -> None:
    """Make sure that root runs this; a module asks before anything else, in check mode too.

    :raises PcibackError: somebody else does
    """
    user = geteuid()
    if user != 0:
        raise PcibackError(
            f"it needs root on the host, but runs as the user with number {user}; "
            "say 'become: true', or log in as root",
            remedy="say 'become: true' for the play or the host, or set 'ansible_user: root'",
        )
