# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked after the plan was made: right before the reboot, right after it, and at the end."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.conftest import Dom0, guest

WANTED: dict[str, Any] = {
    "pciback_guests": [guest("firewall", {"address": "00:05.0"})],
    "pciback_reboot": "when_needed",
}


def test_a_boot_that_is_judged_otherwise_right_before_it_happens(dom0: Dom0, native: Dom0) -> None:
    """A pcibackctl, recorded as checked, that reads another device in boot.cfg once the list is there."""
    host = dom0.create().borrow_native(native)
    control, record = host.root / "usr/local/sbin/pcibackctl", host.root / "var/db/xen-pciback/native.json"
    digests = [hashlib.sha256(control.read_bytes()).hexdigest()]
    host.wrap(
        "usr/local/sbin/pcibackctl",
        'grep -q pciback.hide /boot.cfg || exec "$real" "$@"\n"$real" "$@" | sed \'s/"0000:00:05.0"/"0000:00:06.0"/\'\n',
    )
    digests.append(hashlib.sha256(control.read_bytes()).hexdigest())
    record.write_text(record.read_text().replace(*digests))
    run = host.playbook(WANTED)
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert message.startswith(
        "prediction-mismatch: not rebooted. The next boot of /boot.cfg would end as 'registered' and claim 0000:00:06.0, "
        "where 0000:00:05.0 is wanted."
    )
    assert "xen.pciback.reboot" not in run.changed()
    assert "boot 1," in host.lab("status")


def test_a_boot_that_did_something_else(dom0: Dom0, native: Dom0) -> None:
    """A machine whose kernel takes another device than the model says."""
    host = dom0.create().borrow_native(native)
    firmware = host.directory / "machine/pcibackctl"
    real = firmware.with_name("real")
    firmware.rename(real)
    firmware.write_text('#!/bin/sh\n"${0%/*}/real" "$@" | sed \'s/"0000:00:05.0"/"0000:00:06.0"/\'\n')
    firmware.chmod(0o755)
    run = host.playbook(WANTED)
    assert run.status == 2, run.output
    assert run.failures() == [
        "The reboot did something else than was predicted. pciback holds 0000:00:06.0; predicted was 0000:00:05.0."
    ]
    assert "xen.pciback.domain" not in run.changed(), "no guest was started"


@pytest.mark.soak(instead="test_a_boot_that_did_something_else")
def test_a_host_that_is_not_as_planned_in_the_end(dom0: Dom0, native: Dom0) -> None:
    """Somebody takes the devices out of a guest's file as soon as it was started."""
    host = dom0.create().borrow_native(native)
    host.wrap(
        "usr/pkg/sbin/xl",
        '"$real" "$@" || exit\n[ "$1" != create ] || sed -i "/^pci/d" /usr/pkg/etc/xen/firewall\n',
    )
    run = host.playbook(WANTED)
    assert run.status == 2, run.output
    assert run.failures() == ["The host is not as planned: list the devices in the configuration of firewall."]
