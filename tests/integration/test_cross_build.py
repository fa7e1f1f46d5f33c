# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller builds with zig for hosts without a compiler: all programs, for each NetBSD that is supported.

zig knows the C library of NetBSD 10.1 and of 11.0, and of no release before. So for 9 it is the symbols that count: what
the programs take from libc.so.12, libpthread.so.1 and ld.elf_so has to be there since NetBSD 7.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_build import zig_target
from ansible_collections.xen.pciback.plugins.plugin_utils.cross_build import cross_build
from ansible_collections.xen.pciback.plugins.plugin_utils.native_sources import read_sources
from tests import depth

PROGRAMS = ("usr/local/sbin/pcibackctl", "usr/local/sbin/pcibackd", "sbin/pciback-trial")
TARGETS = ("x86_64-netbsd", *(("x86_64-netbsd.11.0", "aarch64-netbsd", "x86-netbsd") if depth.SOAK else ()))

_NAMES = """
    __clock_gettime50 __errno __fstat50 __getpwnam50 __gmtime_r50 __lstat50 __memcpy_chk __mount50 __nanosleep50
    __readdir30 __sF __sigaction_siginfo __socket30 __stack_chk_fail __stack_chk_guard __stat50 __swbuf __syscall
    __udivdi3 _exit _libc_init abort accept access atexit bind calloc chdir chroot close closedir connect dlclose
    dlerror dlopen dlsym dup dup2 execv exit fchdir fcntl fdopendir fflush fork fprintf fputs free fstatat fsync
    ftruncate fwrite geteuid getpid ioctl kill link listen malloc memchr memcmp memcpy memmove memset mkdir mkdirat
    mlock open openat openlog pipe poll pread printf putchar puts pwrite qsort read readlink realloc recv recvmsg
    renameat rewinddir send sendmsg setgid setgroups setpriority setrlimit setsid setuid snprintf socketpair sscanf
    strchr strcmp strcspn strerror strftime strlen strncmp strrchr strspn strstr strtol strtoul sync sysctl
    sysctlbyname syslog umask unlink unlinkat unmount vsnprintf waitpid write
    """
SINCE_NETBSD_7 = frozenset(_NAMES.split())
"""Functions and data by the names that NetBSD's headers give them. Of a new one it has to be known since when it is there.
__udivdi3, which divides 64 bits on a machine of 32, is of common/lib/libc/quad/Makefile.inc 1.15, of 2013.
"""


def taken_from_libraries(program: Path) -> set[str]:
    """The symbols that a program has not itself."""
    done = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=True)
    return {line.split()[-1].partition("@")[0] for line in done.stdout.splitlines() if line.split()[0] == "U"}


@pytest.mark.parametrize("target", TARGETS)
def test_all_is_built_for_netbsd(target: str, tmp_path: Path) -> None:
    files, compiler = cross_build(
        read_sources(), target=target, prefix="/usr/local", flags="", daemon=True, trial=True, workspace=str(tmp_path)
    )
    assert re.fullmatch(rf"zig [0-9.]+ -target {re.escape(target)}", compiler)
    for name in PROGRAMS:
        program = tmp_path / "stage" / name
        assert files[name] == program.read_bytes()
        said = subprocess.run(["readelf", "--dynamic", program], capture_output=True, text=True, check=True).stdout
        assert set(re.findall(r"Shared library: \[(.*)\]", said)) <= {"libc.so.12", "libpthread.so.1"}
        assert b"\0/libexec/ld.elf_so\0" in program.read_bytes()
        assert taken_from_libraries(program) - SINCE_NETBSD_7 == set()


@pytest.mark.soak(instead="test_all_is_built_for_netbsd")
def test_pcibackd_for_linux_can_load_libraries(tmp_path: Path) -> None:
    target = zig_target(lambda _argv: (0, "Linux x86_64", ""), "uname", daemon=True)
    cross_build(read_sources(), target=target, prefix="/opt", flags="", daemon=True, workspace=str(tmp_path))
    program = tmp_path / "stage/opt/sbin/pcibackd"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pcibackd ")
    said = subprocess.run(["readelf", "--dynamic", program], capture_output=True, text=True, check=True).stdout
    assert {"libc.so.6", "libdl.so.2"} <= set(re.findall(r"Shared library: \[(.*)\]", said))


@pytest.mark.soak(instead="tests/unit/action/test_native_backend.py::test_pcibackd_is_built_where_it_is_wanted")
def test_pcibackd_is_built_only_where_it_is_wanted(tmp_path: Path) -> None:
    files, _compiler = cross_build(
        read_sources(), target="x86_64-netbsd", prefix="/opt", flags="", daemon=False, workspace=str(tmp_path)
    )
    assert "opt/sbin/pcibackctl" in files and "opt/sbin/pcibackd" not in files
