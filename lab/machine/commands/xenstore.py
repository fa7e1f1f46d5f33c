# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xenstore-ls(1), xenstore-list(1), xenstore-read(1), xenstore-write(1), xenstore-rm(1) and xenstore-watch(1)."""

from __future__ import annotations

import sys
import time

from .. import hypervisor, xen_process
from ..state import Machine
from ..xenstore import Store
from . import OptionError, complain, split_options

# How often it looks whether there is a domain that was not there.
_TURN = 0.2


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    try:
        options, words = split_options(arguments, "n:" if program == "xenstore-watch" else "fps")
    except OptionError as error:
        complain(program, str(error))
        return 1
    machine.load()
    if not machine.state["boot"]["under_xen"]:
        complain(program, "xs_open: No such file or directory")
        return 1
    if program in ("xenstore-write", "xenstore-rm"):
        return _change(program, words, machine)
    if program == "xenstore-watch":
        return _watch(machine, words, next((int(value) for _letter, value in options), sys.maxsize))
    store = hypervisor.store(machine)
    if program == "xenstore-ls":
        return _ls(store, words[0] if words else "/", ("f", "") in options)
    for path in words:
        value = store.read(path)
        if value is None and program == "xenstore-read":
            complain(program, f"couldn't read path {path}")
            return 1
        if value is None:
            complain(program, f"could not list path {path}")
            return 1
        found = [value] if program == "xenstore-read" else store.children(path)
        sys.stdout.write("".join(line + "\n" for line in found))
    return 0


def _change(program: str, words: list[str], machine: Machine) -> int:
    is_write = program == "xenstore-write"
    if not words or (is_write and len(words) % 2):
        sys.stderr.write(f"Usage: {program} [-h] [-s] {'key value [...]' if is_write else 'key [...]'}\n")
        return 1
    with machine.changing():
        store = hypervisor.store(machine)
        for path, value in zip(words[::2], words[1::2]) if is_write else ():
            store.write(path, value)
        for path in () if is_write else words:
            store.remove(path)
    xen_process.wake(machine)
    return 0


def _watch(machine: Machine, words: list[str], count: int) -> int:
    """Tell of new domains, the one thing that is watched here, until the boot is over or the machine is gone."""
    if words != ["@introduceDomain"]:
        sys.stderr.write("Usage: xenstore-watch [-h] [-n NR] key [...]\n")
        return 1
    boot = machine.state["boot"]["number"]
    events, seen = 1, machine.state["next_domid"]
    while True:
        for _event in range(events):
            sys.stdout.write(words[0] + "\n")
            sys.stdout.flush()
        count -= events
        if count <= 0:
            return 0
        time.sleep(_TURN)
        try:
            machine.load()
        except OSError:
            return 1
        if machine.state["boot"]["number"] != boot or machine.state["power"]["state"] == "dead":
            return 1
        events, seen = min(count, machine.state["next_domid"] - seen), machine.state["next_domid"]


def _ls(store: Store, path: str, full: bool) -> int:
    top = path.rstrip("/")
    if top and store.read(top) is None:
        complain("xenstore-ls", f"xs_directory ({path}): No such file or directory")
        return 1
    for node in store.below(path):
        parts = node[len(top) + 1 :].split("/")
        name = node if full else " " * (len(parts) - 1) + parts[-1]
        sys.stdout.write(f'{name} = "{store.read(node)}"\n')
    return 0
