# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Xen with a Debian dom0 in QEMU: built from this machine's own apt sources, started, reached by ssh, ended.

It lives in build/xen-lab: the disk as it was built (cache/), the machine (machine/), and what the last one said (logs/).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

LAB = Path(__file__).resolve().parent
sys.path.insert(0, str(LAB))

from xen import image
from xen.errors import LabError
from xen.image import packages
from xen.machine import Machine
from xen.progress import STAGES

HOME = LAB.parent / "build/xen-lab"
BOOT_SECONDS = 600
_STARTED = time.monotonic()


def say(text: str) -> None:
    """One line of progress, with the seconds since the command began."""
    print(f"xen-lab {time.monotonic() - _STARTED:6.1f} s  {text}", flush=True)


def check(options: argparse.Namespace) -> None:
    """Say whether apt knows the packages that dom0 is made of."""
    packages.available()


def build(options: argparse.Namespace) -> None:
    """Build the disk, unless it is there."""
    found, built = image.find(HOME / "cache")
    if built and not options.force:
        say(f"the disk is there already: {found.disk}")
        return
    image.build(found, say)
    say(f"the disk is built: {found.disk}")


def start(options: argparse.Namespace) -> None:
    """Start a machine with a fresh dom0."""
    found, built = image.find(HOME / "cache")
    if not built:
        raise LabError("the disk is not built; run xen_lab.py build")
    machine = Machine(HOME / "machine")
    machine.create(found, options.iommu)
    say(f"QEMU runs as process {machine.process}; serial port: {machine.files.serial}")


def wait(options: argparse.Namespace) -> None:
    """Wait until dom0 answers."""
    machine = Machine(HOME / "machine")
    machine.wait(options.timeout, say, options.until)
    if options.until == "ssh":
        say(f"dom0 answers: ssh -F {machine.files.ssh_config} xen-lab")


def reboot(options: argparse.Namespace) -> None:
    """Reboot dom0 and wait until it answers again."""
    Machine(HOME / "machine").reboot(options.timeout, say)
    say("dom0 answers again")


def console(options: argparse.Namespace) -> None:
    """Show what the serial port has shown."""
    sys.stdout.write(Machine(HOME / "machine").serial())


def stop(options: argparse.Namespace) -> None:
    """Switch the machine off."""
    say("switched off" if Machine(HOME / "machine").stop() else "it was off")


def destroy(options: argparse.Namespace) -> None:
    """Remove the machine; its logs stay in build/xen-lab/logs."""
    machine = Machine(HOME / "machine")
    if machine.files.directory.exists():
        machine.keep_logs(HOME / "logs")
    machine.destroy()
    say(f"removed; its logs are in {HOME / 'logs'}")


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    added = {}
    for function in (check, build, start, wait, reboot, console, stop, destroy):
        added[function] = commands.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        added[function].set_defaults(run=function)
    added[build].add_argument("--force", action="store_true", help="build it anew")
    added[start].add_argument("--no-iommu", dest="iommu", action="store_false", help="a machine without an IOMMU")
    for each in (wait, reboot):
        added[each].add_argument(
            "--timeout", type=float, default=BOOT_SECONDS, metavar="S", help="seconds (%(default)s)"
        )
    steps = [each.name for each in STAGES] + ["ssh"]
    added[wait].add_argument("--until", choices=steps, default="ssh", help="a step of the boot (%(default)s)")
    options = parser.parse_args()
    try:
        options.run(options)
    except LabError as error:
        print(f"xen_lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
