# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why pcibackd does not start: what the system refuses it, by stand-ins for its calls, and systems that it does not know."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_pcibackd import BUS, NATIVE

SOURCES = NATIVE.parent
COMPILER = shutil.which("cc") or "cc"


# The libraries of a Xen 4.17 on a machine with PCI devices: everything can be opened, and dom0 runs.
XEN = """
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
/* The host's lock is a file of the test. */
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return syscall(SYS_openat, -100, strcmp(path, "/var/run/pcibackd.lock") == 0 ? LOCK : path, flags, mode);
}
int access(const char *path, int mode) {
    return strncmp(path, "/sys/bus/pci/", 13) == 0 || strstr(path, ".so.") != 0 || HAS_BACKEND ? 0 : -1;
}
static int succeed(void) { return 0; }
static int standard_error(void) { return 2; }
static void *opened(void) { return ""; }
static int list(void *control, unsigned first, unsigned n, unsigned *info) { info[0] = info[1] = 0; return 1; }
static int version(void) { return 4 << 16 | 17; }
static int fail(void) { errno = ERROR; return -1; }
static void *not_opened(void) { errno = ERROR; return 0; }
static _Bool denied(void) { errno = ERROR; return 0; }
void *dlopen(const char *path, int flags) { return ""; }
int dlclose(void *library) { return 0; }
void *dlsym(void *library, const char *name) {
    if (strcmp(name, FAILS) == 0)
        return strcmp(name, "xs_watch") == 0 ? (void *)denied : strstr(name, "open") ? (void *)not_opened : (void *)fail;
    if (strcmp(name, "xencall2") == 0)
        return version;
    if (strcmp(name, "xc_domain_getinfolist") == 0)
        return list;
    if (strstr(name, "_fd") != 0 || strstr(name, "fileno") != 0)
        return standard_error;
    return strstr(name, "_open") != 0 ? (void *)opened : (void *)succeed;
}
"""


def stand_in(folder: Path, functions: str) -> dict[str, str]:
    """The environment of a program in which these functions are in the place of the libraries'."""
    source, library = folder / "stand_in.c", folder / "stand_in.so"
    source.write_text(f"#include <errno.h>\n{functions}\n")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


@pytest.mark.parametrize(
    ("fails", "error", "sentence"),
    [
        ("xs_open", errno.EACCES, "xenstore can't be opened (Permission denied); is this dom0, and are you root?"),
        ("xencall2", errno.EPERM, "the hypervisor can't be opened (Operation not permitted); is this dom0"),
        ("xenevtchn_open", errno.EPERM, "event channels can't be opened (Operation not permitted); is this dom0"),
        ("xengnttab_open", errno.EPERM, "the grant table can't be opened (Operation not permitted); is this dom0"),
        (
            "xc_domain_getinfolist",
            errno.EACCES,
            "the Xen 4.17 that runs and libxenctrl.so.4.17 were made of different sources; reboot into the Xen of these tools",
        ),
        (
            "xc_interface_open",
            errno.EMFILE,
            "Xen does not tell of dom0 through libxenctrl.so.4.17: Too many open files",
        ),
        ("xs_watch", errno.EACCES, "xenstore can't be watched: Permission denied"),
        (
            "",
            0,
            "the kernel's own backend is at work (/sys/bus/xen-backend/drivers/pciback): unload it, or boot without a hide",
        ),
    ],
)
def test_what_a_machine_lacks(tmp_path: Path, fails: str, error: int, sentence: str) -> None:
    definitions = f'#define FAILS "{fails}"\n#define ERROR {error}\n#define HAS_BACKEND {int(not fails)}\n'
    definitions += f'#define LOCK "{tmp_path / "lock"}"\n'
    command = [NATIVE / "pcibackd", "--foreground", "--record", "none", "--control", tmp_path / "control.sock"]
    env = stand_in(tmp_path, definitions + XEN)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"pcibackd: {sentence}")
    assert not (tmp_path / "control.sock").exists()


def test_a_process_that_can_not_leave_its_terminal(tmp_path: Path) -> None:
    env = stand_in(tmp_path, "int fork(void) { errno = EAGAIN; return -1; }")
    command = [NATIVE / "pcibackd", "--bus", BUS, "--control", tmp_path / "control.sock"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 1
    assert done.stderr == f"pcibackd: can't leave the terminal: {os.strerror(errno.EAGAIN)}\n"
    assert not (tmp_path / "control.sock").exists()


def test_a_process_that_is_killed_while_it_starts_in_the_background(tmp_path: Path) -> None:
    env = stand_in(tmp_path, "#include <signal.h>\nint setsid(void) { return raise(SIGKILL); }")
    command = [NATIVE / "pcibackd", "--bus", BUS, "--control", tmp_path / "control.sock"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (1, "pcibackd: it was ended by signal 9 while it started\n")


@pytest.mark.parametrize(
    ("program", "arguments", "sentence"),
    [
        (
            "cli",
            ["scan"],
            "pcibackctl: the machine's own PCI bus can't be read: Function not implemented; run as root, or give the output "
            "of lspci -xxxx with --bus\n",
        ),
        ("daemon", ["--foreground"], "pcibackd: devices of this system can't be handed out; use --bus\n"),
    ],
)
def test_a_system_that_is_neither_linux_nor_netbsd(
    tmp_path: Path, program: str, arguments: list[str], sentence: str
) -> None:
    sources = [path for folder in ("core", "model", "os", program) for path in sorted((SOURCES / folder).rglob("*.c"))]
    unknown = ["-U__linux__", "-U__linux", "-U__gnu_linux__", "-U__NetBSD__"]
    options = ["-std=gnu11", "-O0", "-w", *unknown, '-DPCIBACK_SOURCE_SHA256=""', f"-I{SOURCES / 'include'}"]
    built = tmp_path / program
    subprocess.run([COMPILER, *options, "-o", str(built), *map(str, sources)], check=True)
    done = subprocess.run([str(built), *arguments], capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (1, sentence)
