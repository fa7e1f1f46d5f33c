# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""shutdown(8), and reboot(8), halt(8) and poweroff(8) beside it."""

from __future__ import annotations

import os
import re
import signal
import sys
import time

from .. import boot, services
from ..state import Machine
from . import complain

USAGE = "Usage: shutdown [-Ddfhknprvxz] [-b bootstr] time [message ... | -]\n"


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    if program != "shutdown":
        power_off(machine, "it was rebooted" if program == "reboot" else "it was halted", program == "reboot")
        return 0
    letters = ""
    while arguments and arguments[0].startswith("-") and len(arguments[0]) > 1:
        option, arguments = arguments[0][1:], arguments[1:]
        if option.startswith("b"):
            arguments = arguments if len(option) > 1 else arguments[1:]
        elif set(option) - set("Ddfhknprvxz"):
            complain(program, "unknown option -- {}".format(sorted(set(option) - set("Ddfhknprvxz"))[0]))
            sys.stderr.write(USAGE)
            return 1
        else:
            letters += option
    if not arguments:
        sys.stderr.write(USAGE)
        return 1
    when = arguments[0].lower()
    if when == "now":
        delay = 0
    elif re.fullmatch(r"\+[0-9]+", when):
        delay = 60 * int(when[1:])
    else:
        complain(program, "illegal time format")
        sys.stderr.write(USAGE)
        return 1
    sys.stdout.write("Shutdown NOW!\n" if delay == 0 else f"Shutdown at {time.ctime(time.time() + delay)}.\n")
    sys.stdout.write(f"shutdown: [pid {os.getpid()}]\n")
    sys.stdout.flush()
    if "k" in letters:
        return 0
    if delay and os.fork() > 0:
        return 0
    if delay:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # Whoever waits for the end of this command's output must not wait for the reboot.
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        time.sleep(delay)
    if set(letters) & set("hp"):
        power_off(machine, "it was halted", False)
    elif "r" in letters:
        power_off(machine, "it is rebooting", True)
    else:
        power_off(machine, "it was brought to single-user mode", False)
    return 0


def power_off(machine: Machine, reason: str, again: bool) -> None:
    """End this boot: its guests are gone. With ``again`` the next one begins at once, with the
    boot.cfg that is there now."""
    with machine.changing():
        machine.console(f"\nsyncing disks... done\n{'rebooting...' if again else 'halted'}\n")
        if again:
            boot.power_on(machine)
        else:
            boot.lose_power(machine)
            machine.state["domains"] = []
            machine.state["power"] = {"state": "dead", "up_at": None, "reason": reason}
            boot.write_down(machine, machine.state["boot"]["number"])
    services.start(machine)
