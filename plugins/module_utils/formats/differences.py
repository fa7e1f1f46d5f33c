# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What Ansible shows in diff mode."""

from __future__ import annotations

from typing import Mapping

Difference = Mapping[str, str]


def difference(
    header: str, before: bytes | str | None, after: bytes | str | None, *, errors: str = "replace"
) -> Difference:
    """One item of a result's ``diff``.

    :param header: what was changed, the path of a file as a rule
    :param before: its content; ``None`` and empty bytes are shown alike
    :param errors: how bytes that are not UTF-8 are shown, as :meth:`bytes.decode` has it
    """
    return {
        "before_header": header,
        "after_header": header,
        "before": _text(before, errors),
        "after": _text(after, errors),
    }


def _text(content: bytes | str | None, errors: str) -> str:
    return content if isinstance(content, str) else (content or b"").decode("utf-8", errors)
