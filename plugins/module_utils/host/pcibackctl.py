# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pcibackctl: what NetBSD will do with a boot configuration, as the C model of it says, and which pcibackd runs."""

from __future__ import annotations

import json
import os

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import pcibackd_status
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, NAMES, Loaders
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, Run
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import (
    SCHEMA,
    Prediction,
    read_prediction,
)

CONTROL = "sbin/pcibackctl"
"""Where the program is below the prefix that it was installed under."""

PROGRAM = f"/usr/local/{CONTROL}"
"""Where it is unless another prefix was chosen."""

_SAYS = "pcibackctl: "
_ANSWERED = (0, 3)
# What it says if nothing has the control socket open.
_NOT_RUNNING = "pcibackd is not running"


def loader_root(config_path: str) -> str | None:
    """The directory below which the loader finds the files that boot.cfg(5) names.

    ``None`` where that can't be told: a file that is not at the top of the root file system may be of another device.
    """
    folder = os.path.dirname(config_path)
    return folder if folder == "/" else None


def predict(
    pcibackctl: str,
    config_path: str,
    entry: int | None = None,
    *,
    bus: str | None = None,
    files: str | None = None,
    without: str | None = None,
    loaders: Loaders = EITHER,
    run: Run,
) -> Prediction:
    """Ask pcibackctl what NetBSD does when it boots an entry of a boot configuration.

    :param pcibackctl: path of the program
    :param config_path: the boot configuration
    :param entry: number in the menu; ``None`` for the default one
    :param bus: a dump of the host's devices (``lspci -xxxx``), so that claims can be checked against it
    :param files: where the files of the boot device are, so that missing kernels are found
    :param without: a file of the boot device that counts as missing, whatever ``files`` has
    :param loaders: those that the host may have
    :param run: runs a command
    :raises PcibackError: the program is missing, fails, or answers something else
    """
    command = [pcibackctl, "boot", "--config", config_path, "--json"]
    if entry is not None:
        command += ["--entry", str(entry)]
    if bus is not None:
        command += ["--bus", bus]
    if files is not None:
        command += ["--root", files]
    if without is not None:
        command += ["--without", without]
    if loaders != EITHER:
        command += ["--loader", NAMES[loaders]]
    status, output, errors = run(command)
    if status == NOT_FOUND:
        raise PcibackError("it can't be run", file=pcibackctl, remedy="install it with xen.pciback.native_backend")
    if status not in _ANSWERED:
        said = " ".join(errors.split())[:200] or "nothing"
        raise PcibackError(f"'boot' ended with status {status} and said: {said}", file=pcibackctl)
    try:
        return read_prediction(json.loads(output))
    except (ValueError, KeyError, TypeError, RecursionError, PcibackError) as error:
        raise PcibackError(
            f"the answer of 'boot' is not of schema '{SCHEMA}' ({_reason(error)}); build native/ of this version",
            file=pcibackctl,
        ) from error


def daemon_status(run: Run, pcibackctl: str) -> PcibackdStatus | None:
    """Ask the pcibackd that runs what it is and who has devices of it.

    :param pcibackctl: path of the program
    :returns: ``None`` if none runs, or there is no pcibackctl that could ask
    :raises PcibackError: one runs and does not answer, or answers something else
    """
    status, output, errors = run([pcibackctl, "status", "--json"])
    if status == NOT_FOUND or (status != 0 and _NOT_RUNNING in errors):
        return None
    if status != 0:
        said = " ".join(errors.split())[:200] or "nothing"
        raise PcibackError(
            f"pcibackd does not tell its state: 'status' ended with status {status} and said: {said}",
            file=pcibackctl,
            remedy="end pcibackd by hand when its guests are shut down, and start its service",
        )
    return pcibackd_status.parse(output)


def ask(run: Run, pcibackctl: str, what: str, command: str, *arguments: str) -> None:
    """Let pcibackctl do something.

    :param pcibackctl: path of the program
    :param what: what is not done if it fails, for a sentence
    :raises PcibackError: it fails, and what it said
    """
    status, _out, err = run([pcibackctl, command, *arguments])
    if status == NOT_FOUND:
        raise PcibackError(f"{what}: {pcibackctl} can't be run", remedy="install it with xen.pciback.native_backend")
    if status != 0:
        said = " ".join(err.split())
        said = said[len(_SAYS) :] if said.startswith(_SAYS) else said
        raise PcibackError(f"{what}: {said or f'pcibackctl ended with status {status} and said nothing'}")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error) or type(error).__name__
