# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine borrows from its controller: interpreter, libraries, programs, and the firmware."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from typing import Iterator

from .commands import PATHS
from .state import Machine, write_atomically

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What every command of the machine is: its name tells which one it plays.
COMMAND = """\
#!/.machine/python -ISB
import sys
sys.path.insert(0, "/.lab")
from machine.commands import main
sys.exit(main())
"""
# What pcibackd and pcibackctl become on a machine that is simulated; make leaves them beside pcibackctl.
SIMULATED = ("pcibackd-simulated", "pcibackctl-simulated", "pciback-trial-simulated")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
COMPILERS = re.compile(
    r"(?:[a-z0-9_]+-[a-z0-9_]+-[a-z0-9_]+-)?"
    r"(?:cc|gcc|c\+\+|g\+\+|cpp|c89|c99|c89-gcc|c99-gcc|clang|clang\+\+|clang-cpp|tcc|icc|zig|make|make-first|gmake|bmake|pmake)"
    r"(?:-[0-9.]+)?"
)


class Refused(Exception):
    """One sentence for the person at the terminal."""


def borrow(machine: Machine, compiler: bool, firmware: str) -> None:
    """What comes from the controller: the interpreter, its libraries and programs, the firmware."""
    interpreter, mounts = _python(machine.root)
    mounts = [("../machine", "/.machine", ""), (LAB, "/.lab", "ro"), *list(_system_mounts(machine, compiler)), *mounts]
    table = []
    for source, inside, mode in mounts:
        flags = "rbind" if source.startswith("/") and os.path.isdir(source) else "bind"
        words = [flags] + ([mode, *_kept_flags(source)] if mode else [])
        table.append("{} {} none {}\n".format(_escaped(source), _escaped("." + inside), ",".join(words)))
    write(machine.path("command"), COMMAND.encode(), 0o755)
    _link(interpreter, machine.path("python"))
    _link(interpreter, machine.file("usr/pkg/bin/python{}.{}".format(*sys.version_info)))
    _same_or_copy(firmware, machine.path("pcibackctl"))
    for name in SIMULATED:
        simulated = os.path.join(os.path.dirname(firmware), name)
        if os.path.isfile(simulated):
            _same_or_copy(simulated, machine.path(name))
    write_atomically(machine.path("mounts"), "".join(table))


def _system_mounts(machine: Machine, compiler: bool) -> Iterator[tuple[str, str, str]]:
    for folder in _system_folders():
        os.makedirs(machine.file(folder), exist_ok=True)
        yield folder, folder, "ro"
    yield "/proc", "/proc", ""
    for device in DEVICES:
        yield "/dev/" + device, "/dev/" + device, ""
    for shared in ("/etc/alternatives", "/etc/ld.so.cache"):
        if os.path.exists(shared):
            yield shared, shared, "ro"
    for path in PATHS:
        if path.startswith("/usr/bin/") and os.path.isfile(path) and not os.path.islink(path):
            yield "../machine/command", path, ""
    if not compiler:
        for path in _compilers():
            yield "/dev/null", path, ""


def _system_folders() -> list[str]:
    """/usr/bin, the libraries and headers; those at the top only where they are no links into /usr."""
    folders = ["/usr/bin", "/usr/share", "/usr/include", "/usr/libexec"]
    folders += ["/usr/" + name for name in sorted(os.listdir("/usr")) if re.fullmatch(r"lib(32|64|x32)?", name)]
    folders += ["/" + name for name in sorted(os.listdir("/")) if re.fullmatch(r"bin|lib(32|64|x32)?", name)]
    return [folder for folder in folders if os.path.isdir(folder) and not os.path.islink(folder)]


def link_as_the_controller(root: str) -> None:
    for name in sorted(os.listdir("/")):
        if re.fullmatch(r"bin|lib(32|64|x32)?", name) and os.path.islink("/" + name):
            os.symlink(os.readlink("/" + name), os.path.join(root, name))


def _compilers() -> list[str]:
    """Compilers and makes of the controller that would be visible inside; links are followed, for
    a mount on a link lands on what it points to."""
    found = set()
    for name in os.listdir("/usr/bin"):
        if COMPILERS.fullmatch(name):
            path = os.path.realpath(os.path.join("/usr/bin", name))
            if os.path.isfile(path) and path.startswith(("/usr/bin/", "/usr/lib")):
                found.add(path)
    return sorted(found)


def _python(root: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The real interpreter behind this one (a virtualenv's is a link), and what to mount for it."""
    interpreter = os.path.realpath("/proc/self/exe")
    if not os.access(interpreter, os.X_OK):
        raise Refused(
            f"{interpreter}, which runs this, can't be executed by you inside; run dom0.py with another Python"
        )
    prefix = os.path.realpath(sys.base_prefix)
    if prefix == "/usr":
        return interpreter, []
    needed = [prefix]
    if prefix == "/usr/local":
        # The machine's own /usr/local must stay visible.
        library = os.path.join(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or "")
        needed = [interpreter, sysconfig.get_path("stdlib")] + ([library] if os.path.isfile(library) else [])
    for path in needed:
        place = os.path.join(root, path.lstrip("/"))
        if os.path.isdir(path):
            os.makedirs(place, exist_ok=True)
        elif not os.path.exists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            write(place, b"")
    return interpreter, [(path, path, "ro") for path in needed]


def _kept_flags(source: str) -> list[str]:
    """Flags that a read-only remount in a user namespace must repeat, or the kernel refuses it."""
    flags = os.statvfs(source).f_flag
    names = {os.ST_NOSUID: "nosuid", os.ST_NODEV: "nodev", os.ST_NOEXEC: "noexec", os.ST_NOATIME: "noatime",
             os.ST_NODIRATIME: "nodiratime", os.ST_RELATIME: "relatime"}  # fmt: skip
    return [name for flag, name in names.items() if flags & flag]


def _escaped(path: str) -> str:
    """fstab's fields end at a blank, so blanks are written as octal escapes."""
    return re.sub(r"[\s\\#]", lambda found: f"\\{ord(found.group()):03o}", path)


def write(path: str, data: bytes, mode: int = 0o644) -> None:
    with open(path, "wb") as stream:
        stream.write(data)
    os.chmod(path, mode)


def _link(target: str, path: str) -> None:
    if not os.path.islink(path) or os.readlink(path) != target:
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)


def _same_or_copy(source: str, path: str) -> None:
    """The firmware is the machine's own: building the project anew must not change it under a
    running machine. Machines made in one call share a copy, for it is their biggest file."""
    try:
        with open(source, "rb") as new, open(path, "rb") as old:
            if new.read() == old.read():
                return
    except FileNotFoundError:
        pass
    made = _copies.get(source)
    try:
        if made is None:
            raise FileNotFoundError
        os.link(made, path + ".new")
    except OSError:
        shutil.copyfile(source, path + ".new")
        os.chmod(path + ".new", 0o755)
    os.replace(path + ".new", path)
    _copies[source] = path


# Firmware to the copy of it that this call made last.
_copies: dict[str, str] = {}
