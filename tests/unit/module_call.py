# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's main() as Ansible does: arguments in, one JSON object out."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common import warnings

from ansible_collections.xen.pciback.plugins.module_utils.host import privileges

try:
    from ansible.module_utils import _internal as context
except ImportError:  # ansible-core 2.18
    context = SimpleNamespace(is_controller=False)


@contextlib.contextmanager
def _arguments(arguments: dict[str, Any]) -> Any:
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # ansible-core 2.17
        before = basic._ANSIBLE_ARGS
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before
    else:
        with patch_module_args(arguments):
            yield


def call(main: Callable[[], None], arguments: dict[str, Any], *, check: bool = False, user: int = 0) -> dict[str, Any]:
    """What the module returns, with diff mode on; the tests' own user is root for it, unless they say otherwise."""
    output = io.StringIO()
    # A module is a process of its own, where no warning is left from another call; and it is none of the controller's,
    # whatever another test has imported.
    warnings._global_warnings.clear()
    warnings._global_deprecations.clear()
    own_process = mock.patch.object(context, "is_controller", False)
    special = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}
    as_user = mock.patch.object(privileges, "geteuid", lambda: user)
    with own_process, as_user, _arguments({**arguments, **special}), contextlib.redirect_stdout(
        output
    ), contextlib.suppress(SystemExit):
        main()
    result: dict[str, Any] = json.loads(output.getvalue())
    result.pop("invocation", None)
    return result
