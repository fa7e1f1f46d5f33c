# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that runs: starting QEMU, waiting until dom0 answers, ending it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .errors import LabError
from .hardware import NVME_BEGINS, NVME_SIZE, Files, command_line, ssh_config
from .image import Image
from .progress import SERVICES, stages_reached

POLL_SECONDS = 0.5


class Machine:
    """The machine of one directory."""

    def __init__(self, directory: Path) -> None:
        self.files = Files(directory)

    @property
    def process(self) -> int | None:
        """QEMU's process, if it is this machine's and alive."""
        try:
            number = int(self.files.pid.read_text())
            arguments = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return number if os.fsencode(self.files.pid) in arguments else None

    def create(self, image: Image, iommu: bool) -> None:
        """Start a machine with an untouched disk.

        :raises LabError: it runs already, or QEMU does not start.
        """
        self.destroy()
        files = self.files
        files.directory.mkdir(parents=True)
        overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image.disk), "-F", "raw", str(files.disk)]
        _run(overlay)
        with files.nvme.open("wb") as file:
            file.write(NVME_BEGINS)
            file.truncate(NVME_SIZE)
        port = _free_port()
        known_hosts = files.directory / "known_hosts"
        known_hosts.write_text(f"xen-lab {image.known_host.read_text()}")
        # A copy, so that the image may be built anew while the machine runs.
        identity = files.directory / "id_ed25519"
        shutil.copy(image.identity, identity)
        identity.chmod(0o600)
        files.ssh_config.write_text(ssh_config(identity, known_hosts, port))
        # It goes to the background once its hardware is complete.
        _run(command_line(files, port, iommu))

    def wait(self, timeout: float, say: Callable[[str], None], until: str = "ssh", since: int = 0) -> None:
        """Wait until dom0 answers on ssh, or is at a step of its boot; tell how far it is whenever it goes on.

        :param timeout: seconds.
        :param until: the name of a step, or ``ssh``.
        :param since: how much the serial port had shown before the boot that is waited for.
        :raises LabError: it does not come to it in time, or QEMU has ended.
        """
        deadline = time.monotonic() + timeout
        told = 0
        while True:
            reached = stages_reached(self.serial()[since:])
            for each in reached[told:]:
                say(each.says)
            told = len(reached)
            names = [each.name for each in reached]
            if until in names or (until == "ssh" and SERVICES in names and self.answers()):
                return
            if self.process is None:
                raise LabError(f"QEMU has ended; its serial port's log is {self.files.serial}")
            if time.monotonic() > deadline:
                last = reached[-1].says if reached else "the firmware starts"
                raise LabError(f"dom0 did not come up within {timeout:.0f} s: {last}; see {self.files.serial}")
            time.sleep(POLL_SECONDS)

    def reboot(self, timeout: float, say: Callable[[str], None]) -> None:
        """Let dom0 reboot through the disk's own GRUB, and wait until it answers again.

        :param timeout: seconds.
        :raises LabError: it can't be asked, or does not come up in time.
        """
        shown = len(self.serial())
        if self.ssh("shutdown -r now", timeout=60) is None:
            raise LabError("dom0 does not take 'shutdown -r now'; see whether it answers with xen_lab.py wait")
        self.wait(timeout, say, since=shown)

    def answers(self) -> bool:
        """Whether a command runs in dom0."""
        return self.ssh("true", timeout=15) is not None

    def ssh(self, command: str, timeout: float) -> str | None:
        """What a command in dom0 prints, None if it fails or does not end in time (seconds)."""
        argv = [
            "ssh",
            "-F",
            str(self.files.ssh_config),
            "-o",
            "ConnectTimeout=5",
            "-o",
            "BatchMode=yes",
            "xen-lab",
            command,
        ]
        try:
            done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def serial(self) -> str:
        """All that the serial port has shown."""
        try:
            return self.files.serial.read_text(errors="replace")
        except OSError:
            return ""

    def stop(self) -> bool:
        """Switch the machine off; False if it was."""
        process = self.process
        if process is None:
            return False
        os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while self.process is not None:
            if time.monotonic() > deadline:
                os.kill(process, signal.SIGKILL)
            time.sleep(0.1)
        return True

    def keep_logs(self, target: Path) -> None:
        """Copy what the serial port has shown, and the guests' consoles if dom0 still answers."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        if self.files.serial.exists():
            shutil.copy(self.files.serial, target)
        if self.process is not None:
            logs = self.ssh("tail -n +1 /var/log/xen/*.log /var/log/xen/console/*.log; xl dmesg", timeout=60)
            (target / "dom0.log").write_text(logs or "dom0 did not answer.\n")

    def destroy(self) -> None:
        """Switch it off and remove all that belongs to it."""
        self.stop()
        shutil.rmtree(self.files.directory, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(argv: list[str]) -> None:
    with tempfile.TemporaryFile("w+") as said:
        # No pipe: a process that stays in the background would hold it open.
        if subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said).returncode:
            said.seek(0)
            raise LabError(f"{argv[0]} failed: {said.read().strip()}")
