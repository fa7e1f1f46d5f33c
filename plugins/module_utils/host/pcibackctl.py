# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pcibackctl boot: what NetBSD will do with a boot configuration, as the C model of it says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Iterable

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, Run

SCHEMA = "xen.pciback/boot/1"
REGISTERED = "registered"
EMPTY = "empty"
OUTCOMES = (
    REGISTERED,
    "not-registered",
    EMPTY,
    "kernel-fault",
    "undefined",
    "loader-failure",
    "not-xen",
)

# No error finding, and at least one; any other status means that there is no prediction.
_ANSWERED = (0, 3)


@dataclass(frozen=True)
class Finding:
    """Something in the configuration that its writer did not mean.

    :param severity: ``error``, ``warning`` or ``info``
    :param line: in the file, from 1; ``None`` if it is about the whole
    :param column: in the line in bytes, from 1
    """

    severity: str
    code: str
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True)
class MenuEntry:
    """A menu entry, as the model reads it."""

    number: int
    title: str
    kind: str
    default: bool


@dataclass(frozen=True)
class Prediction:
    """What happens when one entry boots.

    :param entry: number of the entry; ``None`` if the file has no menu
    :param claims: what the dom0 kernel takes from its drivers, in list order
    :param default: number of the entry that boots when nobody chooses; ``None`` without a menu
    """

    entry: int | None
    outcome: str
    claims: tuple[Address, ...]
    findings: tuple[Finding, ...]
    entries: tuple[MenuEntry, ...]
    default: int | None


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
    run: Run,
) -> Prediction:
    """Ask pcibackctl what NetBSD does when it boots an entry of a boot configuration.

    :param pcibackctl: path of the program
    :param config_path: the boot configuration
    :param entry: number in the menu; ``None`` for the default one
    :param bus: a dump of the host's devices (``lspci -xxxx``), so that claims can be checked against it
    :param files: where the files of the boot device are, so that missing kernels are found
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
    status, output, errors = run(command)
    if status == NOT_FOUND:
        raise PcibackError("it can't be run", file=pcibackctl, remedy="install it with xen.pciback.native_backend")
    if status not in _ANSWERED:
        said = " ".join(errors.split())[:200] or "nothing"
        raise PcibackError(f"'boot' ended with status {status} and said: {said}", file=pcibackctl)
    try:
        return _prediction(json.loads(output))
    except (ValueError, KeyError, TypeError, RecursionError, PcibackError) as error:
        raise PcibackError(
            f"the answer of 'boot' is not of schema '{SCHEMA}' ({_reason(error)}); build native/ of this version",
            file=pcibackctl,
        ) from error


def disagreement(prediction: Prediction, wanted: Iterable[Address]) -> str | None:
    """Why a prediction is not what the editor wrote; ``None`` if both agree.

    Without wanted claims there must be no backend.
    """
    expected = set(wanted)
    outcome = REGISTERED if expected else EMPTY
    about = "the file without a menu" if prediction.entry is None else f"entry {prediction.entry}"
    if prediction.outcome != outcome:
        why = next((str(finding) for finding in prediction.findings if finding.severity == "error"), "")
        return (
            f"for {about} the outcome '{prediction.outcome}' is predicted, not '{outcome}'{': ' + why if why else ''}"
        )
    missing = _list(expected - set(prediction.claims))
    surplus = _list(set(prediction.claims) - expected)
    if missing or surplus:
        parts = [f"without {missing}"] if missing else []
        parts += [f"with {surplus}"] if surplus else []
        return f"for {about} other claims are predicted than wanted: {' and '.join(parts)}"
    return None


def _list(addresses: Iterable[Address]) -> str:
    return ", ".join(str(address) for address in sorted(addresses))


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error) or type(error).__name__


def _prediction(answer: Any) -> Prediction:
    document = _of(dict, answer, "the answer")
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is {document['schema']!r}")
    outcome = _of(str, document["outcome"], "outcome")
    if outcome not in OUTCOMES:
        raise ValueError(f"no outcome is called '{outcome}'")
    entries = tuple(
        MenuEntry(
            number=_of(int, entry["number"], "number"),
            title=_of(str, entry["title"], "title"),
            kind=_of(str, entry["kind"], "kind"),
            default=_of(bool, entry["default"], "default"),
        )
        for entry in _of(list, document["entries"], "entries")
    )
    findings = tuple(
        Finding(
            severity=_of(str, finding["severity"], "severity"),
            code=_of(str, finding["code"], "code"),
            line=_number(finding.get("line"), "line"),
            column=_number(finding.get("column"), "column"),
            message=_of(str, finding["message"], "message"),
        )
        for finding in _of(list, document["findings"], "findings")
    )
    claims = tuple(parse_address(_of(str, text, "claims")) for text in _of(list, document["claims"], "claims"))
    return Prediction(
        entry=_number(document["entry"], "entry"),
        outcome=outcome,
        claims=claims,
        findings=findings,
        entries=entries,
        default=next((entry.number for entry in entries if entry.default), None),
    )


def _number(value: Any, name: str) -> int | None:
    return None if value is None else _of(int, value, name)


def _of(kind: type, value: Any, name: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"'{name}' is {json.dumps(value)[:60]}")
    return value
