# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the records on a host have in common: JSON with the name of its schema, which a person may have edited."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


def encode(document: Any) -> bytes:
    """Write a record: the same document gives the same bytes."""
    return json.dumps(document, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def decode(data: bytes, file: str, advice: str) -> Any:
    """Read the JSON of a record. Control characters in its texts are for the caller to refuse.

    :param advice: the end of the sentence that says what is wrong
    :raises PcibackError: it is no JSON
    """
    try:
        return json.loads(data.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise PcibackError(
            f"it is not JSON: {error.msg}{advice}", file=file, line=error.lineno, column=error.colno
        ) from None
    except (ValueError, RecursionError):
        # Other bytes than UTF-8, a number of more digits than Python converts, or too many brackets.
        raise PcibackError(f"it is not JSON in UTF-8{advice}", file=file) from None


def check_schema(document: Any, schema: str, file: str) -> None:
    """Make sure that it is an object of this schema.

    :raises PcibackError: it is not
    """
    if not isinstance(document, dict) or document.get("schema") != schema:
        found = document.get("schema") if isinstance(document, dict) else None
        raise PcibackError(f"its schema is {show(found)}, and this version reads '{schema}' only", file=file)


def show(found: Any) -> str:
    """What was found, short enough for a sentence."""
    text = json.dumps(found, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
