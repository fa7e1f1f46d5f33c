# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every writer of files on a host, killed at each of its calls, and with the power cut after each.

``make test`` kills at a sample of the calls, ``make soak`` at all of them (tests/depth.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files, bus, drivers, facts
from ansible_collections.xen.pciback.plugins.modules import assignable, boot_hide, domain_pci, native_backend
from tests import depth
from tests.crash import Disk, FileState, run, steps, tree, watched
from tests.linux_dom0 import LinuxDom0
from tests.service_host import RC, ServiceHost
from tests.unit.host.netbsd.boot_cfgs import CARD
from tests.unit.module_call import call

ROOT = Path(__file__).parent.parent.parent
PCIBACKCTL = os.environ.get("PCIBACKCTL", str(ROOT / "native/build/pcibackctl"))
BACKUP = re.compile(r"(.+)\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d(\.\d+)?~\Z")
LEFTOVER = re.compile(r"(.*/)?\.[^/]+\.pciback-[a-z0-9_]{8}\Z")
LOCK = "db/lock"
ORIGINALS = "db/originals.json"
PENDING = "db/boot-pending"

BOOT_CFG = (
    b"menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M\nmenu=NetBSD:boot netbsd\n"
    b"timeout=5\n"
)


@dataclass(frozen=True)
class Writer:
    """A module with the host that it works on.

    :ivar prepare: makes that host
    :ivar work: calls the module
    :ivar last: the file that the module changes after all others
    """

    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    last: str


def module(main: Callable[[], None], root: Path, **options: Any) -> None:
    """Call a module; it must not fail."""
    workspace = root.parent / "ansible-tmp"
    workspace.mkdir(exist_ok=True)
    places = {"state_directory": str(root / "db")}
    result = call(main, {**places, "_ansible_tmpdir": str(workspace), **options})
    assert not result.get("failed"), result


def give_away(path: Path, mode: int) -> None:
    """Another owner, where that is allowed, and an odd mode."""
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    path.chmod(mode)


def bare_dom0(root: Path) -> None:
    (root / "boot.cfg").write_bytes(BOOT_CFG)
    give_away(root / "boot.cfg", 0o640)


def hiding_dom0(root: Path) -> None:
    bare_dom0(root)
    hide(root, devices=["00:04.0"], pins={"0000:00:04.0": CARD})


def dom0_of_0_1_0(root: Path) -> None:
    """One whose pins are where 0.1.0 kept them."""
    hiding_dom0(root)
    (root / "db/pins.json").rename(root / "db/devices.json")


def edited_dom0(root: Path) -> None:
    (root / "boot.cfg").write_bytes(BOOT_CFG.replace(b"console=pc", b"console=pc pciback.hide=(00:1d.0)"))
    hide(root, devices=["00:04.0"])
    (root / "boot.cfg").write_bytes((root / "boot.cfg").read_bytes().replace(b"timeout=5", b"timeout=9"))


def hide(root: Path, **options: Any) -> None:
    module(boot_hide.main, root, path=str(root / "boot.cfg"), **options)


def hide_one(root: Path) -> None:
    hide(root, devices=["03:00.0"], pins={"0000:03:00.0": CARD}, backup=True)


def hide_one_with_prediction(root: Path) -> None:
    hide(root, devices=["03:00.0"], pins={"0000:03:00.0": CARD}, predictor=PCIBACKCTL)


def two_guests(root: Path) -> None:
    for name in ("firewall", "storage"):
        (root / name).write_bytes(f"name = '{name}'\npci = [ '00:04.0' ]\n".encode())
        give_away(root / name, 0o604)
    (root / "storage").write_bytes(b"name = 'storage'\n")


def share_out(root: Path, backup: bool = True) -> None:
    domains = [
        {"config": str(root / "firewall"), "devices": [{"address": "03:00.0"}]},
        {"config": str(root / "storage"), "devices": [{"address": "00:04.0"}]},
    ]
    module(domain_pci.main, root, domains=domains, backup=backup)


def provided_guests(root: Path) -> None:
    two_guests(root)
    share_out(root, backup=False)


def put_back(root: Path, *guests: str) -> None:
    domains = [{"config": str(root / name)} for name in guests]
    module(domain_pci.main, root, domains=domains, state="original", backup=True)


def native(root: Path, **options: Any) -> None:
    module(native_backend.main, root, **options)


def install_native(root: Path, generation: str = "b", place: str = "local") -> None:
    prefix = f"{root}/{place}".lstrip("/")
    archive = root.parent / "native.tar"
    with tarfile.open(archive, "w") as tar:
        for name, data in (
            (f"{prefix}/sbin/pcibackctl", Path(PCIBACKCTL).read_bytes() + generation.encode()),
            (f"{prefix}/man/man8/pcibackctl.8", generation.encode() * 20),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    options = {"source_sha256": generation * 64, "method": "cross", "prefix": f"{root}/{place}"}
    native(root, **options, archive=str(archive), archive_compiler="zig 0.13")


def older_native(root: Path) -> None:
    install_native(root, "a")


def native_elsewhere(root: Path) -> None:
    install_native(root, "a", "opt")


def services(root: Path) -> ServiceHost:
    return ServiceHost(root, RC)


def daemon(root: Path, **options: Any) -> None:
    """Call the module on a host whose rc.d is played."""
    host = services(root)
    with host.in_place(), mock.patch.object(native_backend, "run", host.run):
        native(root, **options)


def install_daemon(root: Path, generation: str = "b", wanted: bool = True) -> None:
    """pcibackctl with pcibackd, that has to run in the end."""
    prefix = f"{root}/local".lstrip("/")
    archive = root.parent / "native.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("sbin/pcibackctl", "sbin/pcibackd", "sbin/pcibackd-guests", "share/xen-pciback/pcibackd.rc"):
            member = tarfile.TarInfo(f"{prefix}/{name}")
            member.size = 64
            tar.addfile(member, io.BytesIO(generation.encode() * 64))
    options = {"source_sha256": generation * 64, "method": "cross", "prefix": f"{root}/local", "daemon": wanted}
    daemon(root, **options, archive=str(archive), archive_compiler="zig 0.13")
    running = services(root).running
    assert (running and running["source_sha256"]) == (generation * 64 if wanted else None)


def older_daemon(root: Path) -> None:
    (root / "etc/rc.conf.d").mkdir(parents=True)
    (root / "etc/rc.conf.d/pcibackd").write_bytes(b"pcibackd=NO\n")
    give_away(root / "etc/rc.conf.d/pcibackd", 0o640)
    install_daemon(root, "a")


def remove_daemon(root: Path) -> None:
    daemon(root, state="absent")
    assert services(root).running is None


def without_daemon(root: Path) -> None:
    daemon(root, source_sha256="a" * 64, method="cross", prefix=f"{root}/local", daemon=False)
    assert services(root).running is None


def kernel_guests(root: Path, device: str = "0000:03:00.0") -> None:
    """pcibackctl with what starts guests of NetBSD's own backend, and what they are to get."""
    prefix = f"{root}/local".lstrip("/")
    archive = root.parent / "native.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("sbin/pcibackctl", "sbin/pcibackd-guests", "share/xen-pciback/pciback_guests.rc"):
            member = tarfile.TarInfo(f"{prefix}/{name}")
            member.size = 64
            tar.addfile(member, io.BytesIO(b"b" * 64))
    guests = [{"name": "firewall", "config": "/firewall", "devices": [device]}]
    record = {"backend": "kernel", "devices": [f"{device},id=8086:10d3"], "guests": guests}
    options = {"source_sha256": "b" * 64, "method": "cross", "prefix": f"{root}/local", "attachments": record}
    daemon(root, **options, archive=str(archive), archive_compiler="zig 0.13")


def nothing(root: Path) -> None:
    pass


@contextlib.contextmanager
def linux_dom0(root: Path, made: bool = True) -> Iterator[LinuxDom0]:
    """A Linux dom0 with this root; its sysfs and procfs are beside it."""
    host = LinuxDom0(root.parent, root, made=made)
    with contextlib.ExitStack() as patches:
        for owner, name, value in (
            (platforms, "SYSFS_PCI", str(host.sys / "bus/pci/devices")),
            (bus, "SYS", str(host.sys)),
            (facts, "PROC", str(host.proc)),
            (boot_files, "HOST", boot_files.Host(str(root))),
            (drivers, "write", host.write),
            (boot_hide, "run", host.run),
            (assignable, "run", host.run),
        ):
            patches.enter_context(mock.patch.object(owner, name, value))
        yield host


def bare_linux(root: Path) -> None:
    with linux_dom0(root, made=False):
        (root / "db").mkdir()


def hide_on_linux(root: Path, **options: Any) -> None:
    with linux_dom0(root):
        module(boot_hide.main, root, **options)


def hide_two_on_linux(root: Path) -> None:
    hide_on_linux(root, devices=["00:05.0", "01:00.0"], pins={"0000:00:05.0": CARD}, backup=True)


def hiding_linux(root: Path) -> None:
    bare_linux(root)
    hide_on_linux(root, devices=["00:05.0"], pins={"0000:00:05.0": CARD})


def assign_on_linux(root: Path, state: str = "assigned") -> None:
    """Hand over two devices, or give one of them back."""
    devices = [{"address": "00:05.0"}, {"address": "01:00.0"}][: 2 if state == "assigned" else 1]
    workspace = {"state_directory": str(root / "db"), "_ansible_tmpdir": str(root.parent)}
    with linux_dom0(root) as host:
        result = call(assignable.main, {"devices": devices, "state": state, "xl": "/usr/sbin/xl", **workspace})
        assert not result.get("failed"), result
        held = {address for address, driver in host.drivers().items() if driver == "pciback"}
        assert held == {"0000:01:00.0", *(["0000:00:05.0"] if state == "assigned" else [])}


def assigned_linux(root: Path) -> None:
    bare_linux(root)
    assign_on_linux(root)


WRITERS = {
    "boot_hide": Writer(bare_dom0, hide_one, "boot.cfg"),
    "boot_hide with a prediction": Writer(hiding_dom0, hide_one_with_prediction, "boot.cfg"),
    "boot_hide after 0.1.0": Writer(dom0_of_0_1_0, hide_one, "boot.cfg"),
    "boot_hide original after 0.1.0": Writer(dom0_of_0_1_0, lambda root: hide(root, state="original"), ORIGINALS),
    "boot_hide without pins": Writer(hiding_dom0, lambda root: hide(root, devices=[], pins={}), ORIGINALS),
    "boot_hide absent": Writer(hiding_dom0, lambda root: hide(root, state="absent", backup=True), ORIGINALS),
    "boot_hide original": Writer(hiding_dom0, lambda root: hide(root, state="original", backup=True), ORIGINALS),
    "boot_hide original, edited": Writer(edited_dom0, lambda root: hide(root, state="original"), ORIGINALS),
    "boot_hide on Linux": Writer(bare_linux, hide_two_on_linux, "boot/grub/grub.cfg"),
    "boot_hide on Linux, other devices": Writer(hiding_linux, hide_two_on_linux, "boot/grub/grub.cfg"),
    "boot_hide on Linux, original": Writer(hiding_linux, lambda root: hide_on_linux(root, state="original"), ORIGINALS),
    "assignable": Writer(bare_linux, assign_on_linux, "db/drivers.json"),
    "assignable returned": Writer(assigned_linux, lambda root: assign_on_linux(root, "returned"), "db/drivers.json"),
    "domain_pci": Writer(two_guests, share_out, "storage"),
    "domain_pci original": Writer(provided_guests, lambda root: put_back(root, "firewall", "storage"), ORIGINALS),
    "domain_pci original, one": Writer(provided_guests, lambda root: put_back(root, "storage"), ORIGINALS),
    "native_backend": Writer(nothing, install_native, "db/native.json"),
    "native_backend again": Writer(older_native, install_native, "db/native.json"),
    "native_backend elsewhere": Writer(native_elsewhere, install_native, "db/native.json"),
    "native_backend absent": Writer(older_native, lambda root: native(root, state="absent"), ORIGINALS),
    "native_backend with pcibackd": Writer(nothing, install_daemon, "db/native.json"),
    "native_backend with pcibackd again": Writer(older_daemon, install_daemon, "db/native.json"),
    "native_backend with pcibackd absent": Writer(older_daemon, remove_daemon, ORIGINALS),
    "native_backend without pcibackd": Writer(older_daemon, without_daemon, "db/native.json"),
    "native_backend with a record": Writer(nothing, kernel_guests, "db/attachments"),
    "native_backend with a record absent": Writer(kernel_guests, remove_daemon, "db/attachments"),
}


def new_host(directory: Path, writer: Writer) -> Path:
    """A host as it is before the work."""
    root = directory / "host"
    root.mkdir(parents=True)
    assert run(lambda: writer.prepare(root))
    return root


@pytest.fixture(params=list(WRITERS))
def writer(request: pytest.FixtureRequest) -> Writer:
    return WRITERS[request.param]


def is_ours(path: str) -> bool:
    """Whether it is a file that somebody would miss."""
    return path not in (LOCK, PENDING) and not LEFTOVER.match(path) and not BACKUP.match(path)


def ours(files: Mapping[str, FileState]) -> dict[str, FileState]:
    """The files that somebody would miss."""
    return {path: state for path, state in files.items() if is_ours(path)}


def problems(
    found: Mapping[str, set[FileState]], before: Mapping[str, FileState], after: Mapping[str, FileState], last: str
) -> list[str]:
    """What is wrong with a tree after a crash, each of its files in one of some states.

    Each file has to be the old or the new one, a backup the old one, and the file that is changed last may be new only
    if all others are.
    """
    wrong = []
    missing: set[FileState | None] = {None}
    for path in sorted({*before, *after, *found}):
        states = found.get(path, missing)
        backup = BACKUP.match(path)
        if backup and not states <= {before[backup.group(1)], None}:
            wrong.append(f"{path} is no whole backup")
        if is_ours(path) and not states <= {before.get(path), after.get(path)}:
            wrong.append(f"{path} is neither the old nor the new file")
    if before.get(last) != after.get(last) and after.get(last) in found.get(last, missing):
        late = [path for path in ours({**before, **after}) if found.get(path, missing) != {after.get(path)}]
        wrong += [f"{last} is new, {path} perhaps not yet" for path in late]
    return wrong


def is_free(lock: Path) -> bool:
    """Whether nobody holds the lock.

    A command that the killed process was about to start holds it until it runs, which is a moment.
    """
    deadline = time.monotonic() + 20
    while lock.exists() and time.monotonic() < deadline:
        with lock.open("rb") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return not lock.exists()


def test_killed_at_each_call(writer: Writer, tmp_path: Path, report: Callable[[str], None]) -> None:
    # One path for all hosts, because records hold absolute paths; it is filled again and again with what was prepared.
    place, prepared = tmp_path / "run", tmp_path / "prepared"
    root = new_host(place, writer)
    subprocess.run(["cp", "-a", place, prepared], check=True)

    def start_again() -> None:
        subprocess.run(["rm", "-rf", place], check=True)
        subprocess.run(["cp", "-a", prepared, place], check=True)

    before = tree(root)
    kinds = steps(lambda: writer.work(root))
    after = tree(root)
    assert ours(before) != ours(after)
    assert not [path for path in after if path in (LOCK, PENDING) or LEFTOVER.match(path)]
    backed_up = {match.group(1) for match in map(BACKUP.match, after) if match}

    tried, leftovers = depth.points(kinds), 0
    for point in tried:
        start_again()
        assert not run(partial(writer.work, root), die_at=point), f"it came to its end before step {point}"
        found = tree(root)
        assert problems({path: {state} for path, state in found.items()}, before, after, writer.last) == []
        assert is_free(root / LOCK)
        assert LOCK not in found or found[LOCK].mode == 0o600
        leftovers += not all(map(is_ours, found))
        assert run(partial(writer.work, root))
        again = tree(root)
        assert problems({path: {state} for path, state in again.items()}, before, after, writer.last) == []
        assert ours(again) == ours(after), "the next run did not finish the work"
        assert not [path for path in again if LEFTOVER.match(path)], "left behind for good"
        assert {match.group(1) for match in map(BACKUP.match, again) if match} >= backed_up, "no backup"
    start_again()
    assert run(partial(writer.work, root), die_at=len(kinds)), "there are more points than steps"
    assert len(kinds) > 20
    assert leftovers > (5 if depth.SOAK else 0), "no kill hit the writing itself"
    report(f"killed at {len(tried)} of {len(kinds)} points, 0 torn files")


def power_losses(writer: Writer, directory: Path, *, forget: tuple[str, ...] = ()) -> tuple[int, Iterator[str]]:
    """How many states the power may leave, and what is wrong with some of them, found when it is asked for."""
    root = new_host(directory, writer)
    before = tree(root)
    disk = Disk(root)
    outcomes: list[tuple[str, dict[str, set[FileState]]]] = []
    with watched(disk, lambda name: outcomes.extend((name, found) for found in disk.after_power_loss()), forget=forget):
        writer.work(root)
    after = tree(root)
    assert disk.complete or forget, "not all that the power may leave was looked at"
    assert disk.files() == {path: state.data for path, state in after.items()}, "the model lost track"
    wrong = (
        f"after call {number}, {name}: {problem}"
        for number, (name, found) in enumerate(outcomes)
        for problem in problems(found, before, after, writer.last)
    )
    return len(outcomes), wrong


def test_power_lost_after_each_call(writer: Writer, tmp_path: Path, report: Callable[[str], None]) -> None:
    states, wrong = power_losses(writer, tmp_path)
    assert list(wrong) == []
    assert states > 50
    report(f"{states} states after a power loss, 0 torn files")


def test_the_model_of_power_loss_sees_a_missing_sync(writer: Writer, tmp_path: Path) -> None:
    _states, wrong = power_losses(writer, tmp_path, forget=("fsync",))
    assert any(wrong)


def write_in_place(root: Path) -> None:
    """What no module does."""
    descriptor = os.open(root / "boot.cfg", os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, b"menu=NetBSD:boot netbsd\n")
    os.fsync(descriptor)
    os.close(descriptor)


def test_a_careless_writer_is_caught(tmp_path: Path) -> None:
    writer = Writer(bare_dom0, write_in_place, "boot.cfg")
    _states, wrong = power_losses(writer, tmp_path / "power")
    assert any("boot.cfg is neither the old nor the new file" in problem for problem in wrong)
    torn = set()
    for point in range(3):
        root = new_host(tmp_path / str(point), writer)
        assert not run(partial(write_in_place, root), die_at=point)
        torn.add((root / "boot.cfg").read_bytes())
    assert torn == {BOOT_CFG, b"", b"menu=NetBSD:"}
