# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each task result as one JSON line to $PCIBACK_RECORD, for the tests that look at a run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: record
type: aggregate
short_description: Records task results for the tests
description:
  - Appends one JSON object a task result to the file that the environment names.
"""

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """One line a result: task, action, outcome, diff and the result itself."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def _write(self, outcome, result):
        raw = result.result if hasattr(result, "result") else result._result
        data = json.loads(self._dump_results(raw))
        task = result.task if hasattr(result, "task") else result._task
        host = result.host if hasattr(result, "host") else result._host
        line = {
            "host": host.get_name(),
            "task": task.get_name(),
            "action": task.action,
            "outcome": outcome,
            "changed": bool(data.get("changed")),
            # The printed form has no diff.
            "diff": json.loads(json.dumps(self._diff(raw), default=str)),
            "result": data,
        }
        with open(os.environ["PCIBACK_RECORD"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    @staticmethod
    def _diff(raw):
        # A loop has those of its items.
        items = [item["diff"] for item in raw.get("results", ()) if isinstance(item, dict) and item.get("diff")]
        return raw.get("diff") or items or None

    def v2_runner_on_ok(self, result, **kwargs):
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False, **kwargs):
        self._write("failed", result)

    def v2_runner_on_skipped(self, result, **kwargs):
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result, **kwargs):
        self._write("unreachable", result)
