# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook in processes that are forked from one that has imported Ansible and keeps the modules it has packed.

To import Ansible, and to pack the same modules as the run before, is the greater part of what a run costs. That the
program starts by itself is seen by Molecule, and where a test gives its run an environment.

The process that forks imports nothing of the collection, nor does this module: Ansible is to find it in each run.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent
SETTINGS = {
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
    "ANSIBLE_NOCOLOR": "1",
    # An eighth of the time; that it makes no other difference is tested with the connection.
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/callback"),
    "ANSIBLE_CALLBACKS_ENABLED": "record",
    "ANSIBLE_LOG_VERBOSITY": "3",
}
"""What Ansible reads while it is imported."""

_IMPORTED = ["ansible.cli.playbook", "ansible.executor.playbook_executor"]


def run(arguments: Sequence[str], environment: Mapping[str, str], packed: Path, output: Path, errors: Path) -> int:
    """Run ``ansible-playbook ARGUMENT...`` in the project's folder; its status.

    :param environment: what differs from one run to the next
    :param packed: where packed modules are kept; processes may share it
    """
    process = _server().Process(target=_run, args=(list(arguments), dict(environment), packed, output, errors))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@lru_cache(maxsize=1)
def _server() -> ForkServerContext:
    """The process that forks; it ends with this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    # That it logs at all is one of the settings.
    with mock.patch.dict(os.environ, {**SETTINGS, "ANSIBLE_LOG_PATH": os.devnull}):
        forkserver.ensure_running()
    return context


def _run(arguments: list[str], environment: dict[str, str], packed: Path, output: Path, errors: Path) -> None:
    from ansible import constants
    from ansible.cli.playbook import PlaybookCLI

    for file, descriptor in ((output, 1), (errors, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    os.environ.update(environment)
    os.chdir(ROOT)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
            handler.baseFilename = environment["ANSIBLE_LOG_PATH"]
    # Each run has a folder of its own that goes with it; packed modules stay.
    packed.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as own:
        Path(own, "ansiballz_cache").symlink_to(packed)
        constants.DEFAULT_LOCAL_TMP = own
        PlaybookCLI.cli_executor(["ansible-playbook", *arguments])
