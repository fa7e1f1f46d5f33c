# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is lost is reported with the way back to it, and the others of its fleet go on."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Dom0, guest, run_playbook

WANTED = {
    "pciback_guests": [guest("firewall", {"address": "00:05.0"})],
    "pciback_reboot": "when_needed",
    "pciback_reboot_timeout": 8,
}


def test_a_fault_after_the_prediction_costs_one_host_of_three(tmp_path: Path) -> None:
    """Somebody edits boot.cfg of one host between the prediction and the reboot; its kernel faults on what it reads."""
    fleet = {}
    for name in ("alpha", "beta", "gamma"):
        (tmp_path / name).mkdir()
        fleet[name] = Dom0(tmp_path / name / "dom0", tmp_path / name).create()
    fleet["beta"].wrap(
        "sbin/shutdown", 'sed -i \'s/pciback.hide=(/pciback.hide=(junk)(/\' /boot.cfg\nexec "$real" "$@"\n'
    )
    hosts = {name: host.variables(WANTED) for name, host in fleet.items()}
    run = run_playbook(tmp_path, hosts)
    assert run.status != 0, run.output

    message = run.failures("beta")[-1]
    assert "beta did not come back" in message
    assert "(previous pciback)" in message, "which entry holds the previous list"
    assert "load /netbsd-XEN3_DOM0.gz" in message and "multiboot /xen.gz" in message, (
        "what to type at the loader's prompt"
    )
    assert fleet["beta"].command("/usr/bin/true").returncode != 0

    for name in ("alpha", "gamma"):
        assert run.failures(name) == []
        assert fleet[name].command("/bin/ls", "/kern/xen/pci").stdout.split() == ["0000:00:05.0"]
        assert "firewall" in fleet[name].command("/usr/pkg/sbin/xl", "list").stdout

    again = run_playbook(tmp_path, hosts)
    assert (again.changed("alpha"), again.changed("gamma")) == ([], [])
    assert again.failures("beta"), "a host that is down is not passed over"
