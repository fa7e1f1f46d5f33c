# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the C model says that a boot will do, and the one judge of whether that is what is wanted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address

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


def wanted_outcome(wanted: Collection[object]) -> str:
    """How a boot has to end: without wanted claims there must be no backend."""
    return REGISTERED if wanted else EMPTY


def agrees(outcome: str, claims: Iterable[object], wanted: Collection[object]) -> bool:
    """Whether a boot that ends as ``outcome`` with ``claims`` is what is wanted: claims of one kind, in any order."""
    return outcome == wanted_outcome(wanted) and set(claims) == set(wanted)


def disagreement(prediction: Prediction, wanted: Iterable[Address]) -> str | None:
    """Why a prediction is not what the editor wrote; ``None`` if both agree."""
    expected = set(wanted)
    if agrees(prediction.outcome, prediction.claims, expected):
        return None
    outcome = wanted_outcome(expected)
    about = "the file without a menu" if prediction.entry is None else f"entry {prediction.entry}"
    if prediction.outcome != outcome:
        why = next((str(finding) for finding in prediction.findings if finding.severity == "error"), "")
        return (
            f"for {about} the outcome '{prediction.outcome}' is predicted, not '{outcome}'{': ' + why if why else ''}"
        )
    missing = _list(expected - set(prediction.claims))
    surplus = _list(set(prediction.claims) - expected)
    parts = [f"without {missing}"] if missing else []
    parts += [f"with {surplus}"] if surplus else []
    return f"for {about} other claims are predicted than wanted: {' and '.join(parts)}"


def read_prediction(answer: Any) -> Prediction:
    """Read what ``pcibackctl boot --json`` printed, decoded.

    :raises ValueError: it is not of schema :data:`SCHEMA`; so do KeyError, TypeError and PcibackError say
    """
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


def _list(addresses: Iterable[Address]) -> str:
    return ", ".join(str(address) for address in sorted(addresses))


def _number(value: Any, name: str) -> int | None:
    return None if value is None else _of(int, value, name)


def _of(kind: type, value: Any, name: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"'{name}' is {json.dumps(value)[:60]}")
    return value
