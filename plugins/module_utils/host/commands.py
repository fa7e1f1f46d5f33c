# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How adapters run a host's commands: an argument list in, status and output back, never a shell, and never for ever.

AnsibleModule's run_command knows no limit of time: an xl that waits for a xenstored which is gone would hold the play.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Tuple

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

Run = Callable[..., Tuple[int, str, str]]

NOT_FOUND = 127

MOST_OUTPUT = 16 << 20
"""Bytes of output and errors together: far more than any of these commands prints of the largest machine."""

_CHUNK = 1 << 16
# Seconds between two looks whether a command has ended that has left its output to a daemon.
_LOOK = 0.2
# Seconds that a command has to put its things in order after SIGTERM, and the kernel to end it after SIGKILL.
_GRACE = 5.0


@dataclass(frozen=True)
class Limit:
    """How long a kind of command may take in seconds, and what to look at when it takes longer."""

    seconds: float
    look: str


_BY_HAND = "run it by hand on the host to see what it waits for; 'dmesg' tells of hardware that does not answer"
_USUAL = Limit(120, _BY_HAND)
_MENU = Limit(
    900, "run it by hand on the host; os-prober is what mostly takes long, GRUB_DISABLE_OS_PROBER=true ends that"
)
_INITRAMFS = Limit(1800, "run it by hand on the host, and see with 'df' and 'dmesg' whether its disk answers")
_BUILD = Limit(1800, "see with 'top' what the host is busy with, or build elsewhere with pciback_native_method: cross")
_TOOLSTACK = Limit(120, "see on the host whether xenstored runs, xl waits for it, and what /var/log/xen says")
_CREATE = Limit(
    600,
    "see with 'xl list' whether a part of the guest is left, destroy that, and read the guest's log in /var/log/xen",
)
_SERVICE = Limit(
    900,
    "see on the host with 'pcibackctl status' and 'xl list' how far it came: it starts guests, too, one after the other",
)
_KINDS = {
    "xl": _TOOLSTACK,
    "xenstore-ls": _TOOLSTACK,
    "xenstore-read": _TOOLSTACK,
    "xenstore-rm": _TOOLSTACK,
    "grub-mkconfig": _MENU,
    "grub2-mkconfig": _MENU,
    "update-initramfs": _INITRAMFS,
    "dracut": _INITRAMFS,
    "make": _BUILD,
    "bmake": _BUILD,
    "gmake": _BUILD,
    "pcibackd": _SERVICE,
    "systemctl": _SERVICE,
}


def limit_of(argv: Sequence[str]) -> Limit:
    """How long a command may take."""
    words = list(argv)
    if os.path.basename(words[0]) == "env":
        words = words[1:]
        while words and (words[0].startswith("-") or "=" in words[0]):
            words = words[2:] if words[0] == "-u" else words[1:]
    name = os.path.basename(words[0]) if words else ""
    if name == "xl" and words[1:2] == ["create"]:
        return _CREATE
    return _KINDS.get(name, _USUAL)


def run(argv: Sequence[str], cwd: str | None = None, *, limit: Limit | None = None) -> tuple[int, str, str]:
    """Run a command in the C locale, without input, in a process group of its own.

    Bytes that are no UTF-8 are kept as surrogates; :func:`errors.printable` is for those that somebody reads.

    :param limit: that of its kind by default
    :returns: its status, negative for a signal, and what it printed; one that can't be started has :data:`NOT_FOUND`
    :raises PcibackError: it did not end in time, or printed without end; it was killed then
    """
    limit = limit or limit_of(argv)
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LANG": "C", "LC_ALL": "C", "LANGUAGE": "C"},
            start_new_session=True,
        )
    except OSError as error:
        return NOT_FOUND, "", f"{argv[0]}: {error.strerror}"
    with _ended(process) as end:
        out, err = bytearray(), bytearray()
        problem = _read(process, out, err, time.monotonic() + limit.seconds, f"did not end within {limit.seconds:g} s")
        if problem:
            raise PcibackError(f"'{' '.join(argv)}' {problem} {end()}{_said(out, err)}", remedy=limit.look)
    return process.returncode, _text(out), _text(err)


def _read(process: subprocess.Popen[bytes], out: bytearray, err: bytearray, deadline: float, late: str) -> str:
    """Collect what a command prints until it has ended; what is wrong if it does not, or prints too much."""
    with selectors.DefaultSelector() as selector:
        for stream, data in ((process.stdout, out), (process.stderr, err)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, data)
        while selector.get_map():
            ready = selector.select(max(0.0, min(_LOOK, deadline - time.monotonic())))
            # A daemon that it leaves behind may keep its output open for ever.
            if not ready and process.poll() is not None:
                break
            for key, _events in ready:
                chunk = os.read(key.fd, _CHUNK)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if len(out) + len(err) > MOST_OUTPUT:
                return f"printed more than {MOST_OUTPUT >> 20} MiB"
            if time.monotonic() >= deadline:
                return late
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return late
    return ""


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[Callable[[], str]]:
    """See to it that a command does not outlive its module; gives what ends it at once and says how that went."""

    def end() -> str:
        for number in (signal.SIGTERM, signal.SIGKILL):
            # The group, because a script's children are what it waits for.
            with contextlib.suppress(OSError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        return "and was killed" if process.returncode is not None else "and can't be killed, it waits inside the kernel"

    try:
        yield end
    finally:
        if process.returncode is None and process.poll() is None:
            end()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _said(out: bytearray, err: bytearray) -> str:
    """The last line of what a command printed before it was killed."""
    lines = [line.strip() for line in _text(out + b"\n" + err).splitlines() if line.strip()]
    return f"; the last that it said was: {lines[-1][:200]}" if lines else "; it said nothing"


def _text(data: bytearray) -> str:
    return data.decode("utf-8", "surrogateescape")
