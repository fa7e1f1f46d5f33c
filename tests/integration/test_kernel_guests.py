# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of the backend in NetBSD's kernel, when their host starts and when they reboot: the script, with doubles."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.pcibackd_host import SHELLS, Host
from tests.integration.test_pcibackd_guests import CREATE, A, B
from tests.integration.test_pcibackd_watch import Watched, until

DEVICES = (
    f"device\t{A},id=8086:10d3,subsystem=8086:a01f,irq=20,allow=no-reset+shared-irq",
    f"device\t{B},id=8086:100e,allow=no-reset",
)
WORD_A = f"{A},id=8086:10d3,subsystem=8086:a01f,irq=20,allow=no-reset+shared-irq"
WORD_B = f"{B},rdm_policy=relaxed,id=8086:100e,allow=no-reset"
OF_KERNEL = "backend\tkernel"
START = ("--backend", "kernel", "--boot")


@pytest.fixture(params=SHELLS, ids=lambda shell: Path(shell[0]).name)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """A NetBSD host that starts one guest by itself, and whose kernel keeps two cards for it."""
    made = Host(tmp_path / "host", request.param, "NetBSD")
    (made.directory / "etc/rc.subr").write_text(f"load_rc_config() {{ . {made.directory}/etc/rc.conf; }}\n")
    (made.directory / "etc/rc.conf").write_text('xendomains="web"\n')
    made.set(said={"sysctl -n kern.boottime": "Mon Nov 30 02:00:00 2026\n"})
    web, idle = made.guest("web", auto=False), made.guest("idle", auto=False)
    made.lines(OF_KERNEL, *DEVICES, f"guest\tweb\t{web}\t{A} {B},rdm_policy=relaxed", f"guest\tidle\t{idle}\t{B}")
    for address in (A, B):
        (made.directory / "kern" / address).write_text("")
    return made


def test_a_guest_gets_all_of_its_devices_at_once_before_it_runs(host: Host) -> None:
    assert host.start(*START) == (0, [])
    assert host.calls == [
        "xl domid web",
        CREATE,
        "xl domid web",
        f"pcibackctl attach --backend kernel --domain 1 {WORD_A} {WORD_B}",
        "xl unpause 1",
    ]
    # Somebody shuts it down: the service, started anew, leaves it so, and whoever asks for it gets it.
    host.set(domains={}, guests={})
    assert (host.start(*START), host.books["domains"]) == ((0, []), {})
    assert host.start() == (0, [])
    assert list(host.books["guests"].values()) == [[A, B]]


def test_each_service_acts_for_its_own_record(host: Host) -> None:
    assert (host.start("--backend", "native", "--boot"), host.calls) == ((0, []), [])
    # It has not used up this boot's start.
    assert host.start(*START) == (0, [])
    assert list(host.books["guests"].values()) == [[A, B]]
    host.set(domains={}, guests={})
    host.lines("backend\tnative", *DEVICES)
    assert (host.start("--backend", "kernel"), host.calls) == ((0, []), [])
    assert host.run("--backend", "other", "start").returncode == 2


def test_of_a_record_for_both_the_backend_that_is_up_gives_the_devices(host: Host) -> None:
    web = f"guest\tweb\t{host.directory}/etc/web\t"
    host.lines("backend\tnative", f"device\t{A},id=8086:10d3", web + A, OF_KERNEL, *DEVICES, f"{web}{A} {B}")
    # A boot that hides them: pcibackd does not start, and its service's call does nothing.
    assert (host.start("--backend", "native", "--boot"), host.calls) == ((0, []), [])
    assert host.start(*START) == (0, [])
    assert list(host.books["guests"].values()) == [[A, B]]
    host.device(A, "8086:10d3", None)
    # One that does not, such as a trial that was undone, or one before the boot configuration was changed.
    host.set(domains={}, guests={}, said={"sysctl -n kern.boottime": "Mon Nov 30 03:00:00 2026\n"})
    for address in (A, B):
        (host.directory / "kern" / address).unlink()
    assert (host.start(*START), host.books["domains"]) == ((0, []), {})
    assert host.start("--backend", "native", "--boot") == (0, [])
    assert list(host.books["guests"].values()) == [[A]]


def test_without_what_it_is_to_have_it_is_not_even_made(host: Host) -> None:
    (host.directory / "kern" / B).unlink()
    assert host.start(*START) == (
        1,
        [f"pcibackd-guests: guest 'web' is not started: the kernel's backend does not have {B}"],
    )
    assert host.books["domains"] == {}


def test_one_that_gets_nothing_is_destroyed_and_one_that_may_panic_dom0_is_not(host: Host) -> None:
    host.set(unattachable=[B])
    assert host.start("--backend", "kernel")[1] == [
        f"pcibackctl: {WORD_B} belongs to domain 9",
        "pcibackd-guests: guest 'web' is not started: it would run without its devices",
    ]
    assert host.books["domains"] == {}
    host.set(unattachable=[], half_way=True)
    assert host.start("--backend", "kernel")[1][-1] == (
        "pcibackd-guests: guest 'web' stays paused: it did not get all of its devices, and dom0's kernel would panic if it ended "
        "now"
    )
    assert [domain[:2] for domain in host.books["domains"].values()] == [["web", "--p---"]]


def test_guests_that_are_there_already(host: Host) -> None:
    host.domain("4", "web", "--p---")
    books = host.books
    books["domains"]["4"][2] = "0.0"
    host.write(books)
    assert host.start("--backend", "kernel") == (0, [])
    assert (host.books["guests"], host.books["domains"]["4"][1]) == ({"4": [A, B]}, "r-----")
    assert (host.start("--backend", "kernel"), host.books["guests"]) == ((0, []), {"4": [A, B]})
    host.set(guests={})
    assert host.start("--backend", "kernel") == (
        1,
        [
            f"pcibackd-guests: guest 'web' runs without {A} {B},rdm_policy=relaxed, as it was started; "
            "its next start gives it all of its devices"
        ],
    )


def test_a_device_without_a_line_of_its_own_is_not_given(host: Host) -> None:
    host.lines(OF_KERNEL, DEVICES[0], f"guest\tweb\t{host.directory}/etc/web\t{A} {B}")
    host.domain("4", "web", "--p---")
    books = host.books
    books["domains"]["4"][2] = "0.0"
    host.write(books)
    assert host.start("--backend", "kernel")[1] == [
        f"pcibackd-guests: the record has no line for {B}",
        "pcibackd-guests: guest 'web' is paused, and does not get its devices",
    ]


def test_a_guest_that_reboots_has_its_devices_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "host", SHELLS[0])
    watched.lines(OF_KERNEL, *DEVICES, f"guest\tweb\t{watched.guest('web')}\t{A} {B}")
    watched.domain("1", "web")
    watched.set(guests={"1": [A, B]}, domains={"1": watched.books["domains"]["1"]})
    with watched.watch():
        books = watched.books
        books["domains"] = {"2": ["web", "-b----", "0.1"]}
        watched.write(books)
        watched.event()
        until(lambda: watched.given)
        word_b = f"{B},id=8086:100e,allow=no-reset"
        assert watched.given == [f"pcibackctl attach --backend kernel --domain 2 {WORD_A} {word_b}"]
        # What is left of the one before goes, once the kernel is through with it.
        until(lambda: watched.books["guests"] == {"2": [A, B]})
