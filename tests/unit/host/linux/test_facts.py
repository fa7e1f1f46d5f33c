# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Linux dom0 uses, read from sysfs and procfs: a captured bus, and what stands on it in each test."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Unseen
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import facts as linux_facts
from tests.unit.host.linux.judged import evidence, facts, judge

# --- disks


def test_root_disk(host):
    assert evidence(judge(host, "00:02.0"), "boot-disk") == "vda1 is /; vda1 is on vda, virtio0, 0000:00:02.0"


def test_partitions_below_a_controller_and_a_bridge(host):
    host.disk("nvme0n1", "0000:01:00.0/nvme/nvme0", "259:0")
    host.disk("nvme0n1p2", "0000:01:00.0/nvme/nvme0/nvme0n1", "259:2", partition=True)
    host.mounts(("254:1", "/", "ext4", "/dev/vda1"), ("259:2", "/home", "xfs", "/dev/nvme0n1p2"))
    verdict = judge(host, "01:00.0")
    assert evidence(verdict, "boot-disk") == "nvme0n1p2 is /home; nvme0n1p2 is on nvme0n1, nvme0, 0000:01:00.0"


def test_nvme_that_may_have_several_controllers(host):
    namespace = "virtual/nvme-subsystem/nvme-subsys0"
    host.node("0000:01:00.0/nvme/nvme0")
    host.disk("nvme0n1", namespace, "259:0")
    host.disk("nvme0n1p1", f"{namespace}/nvme0n1", "259:1", partition=True)
    host._link(host.node(namespace) / "nvme0", host.node("0000:01:00.0/nvme/nvme0"))
    host.mounts(("259:1", "/", "ext4", "/dev/nvme0n1p1"))
    assert evidence(judge(host, "01:00.0"), "boot-disk") == (
        "nvme0n1p1 is /; nvme0n1p1 lies on nvme0n1; nvme0n1 lies on nvme0; nvme0 is on 0000:01:00.0"
    )


def test_lvm_on_encryption_on_raid(host):
    host.disk("sda", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block", "8:0")
    host.disk("sda1", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda", "8:1", partition=True)
    host.disk("md127", "virtual/block", "9:127", slaves=("sda1", "vda1"))
    host.disk("md127p1", "virtual/block/md127", "259:9", partition=True)
    host.disk("dm-0", "virtual/block", "253:0", slaves=("md127p1",))
    host.disk("dm-1", "virtual/block", "253:1", slaves=("dm-0",))
    host.mounts(("253:1", "/srv", "ext4", "/dev/mapper/vg-srv"))
    for controller, end in (
        ("00:1f.2", "sda1 is on sda, 0:0:0:0, target0:0:0, host0, ata1, 0000:00:1f.2"),
        ("00:02.0", "vda1 is on vda, virtio0, 0000:00:02.0"),
    ):
        assert evidence(judge(host, controller), "boot-disk") == (
            "dm-1 is /srv; dm-1 lies on dm-0; dm-0 lies on md127p1; md127p1 lies on md127; "
            f"md127 lies on sda1, vda1; {end}"
        )


def test_a_small_raid_is_no_disk_in_memory(host):
    host.disk("md0", "virtual/block", "9:0", slaves=("vda1",))
    host.mounts(("9:0", "/", "ext4", "/dev/md0"))
    assert evidence(judge(host, "00:02.0"), "boot-disk").startswith("md0 is /; md0 lies on vda1; vda1 is on vda")


def test_multipath_holds_each_controller(host):
    host.disk("sda", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block", "8:0")
    host.disk("dm-0", "virtual/block", "253:0", slaves=("sda", "vda"))
    host.mounts(("253:0", "/", "ext4", "/dev/mapper/mpatha"))
    for controller in ("00:1f.2", "00:02.0"):
        assert "dm-0 lies on sda, vda" in evidence(judge(host, controller), "boot-disk")


def test_every_device_of_a_btrfs(host):
    host.disk("sda", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block", "8:0")
    for name in ("vda1", "sda"):
        host._link(host.sys / "fs/btrfs/8f2c/devices" / name, (host.sys / "class/block" / name).resolve())
    host.mounts(("0:45", "/", "btrfs", "/dev/vda1"))
    assert evidence(judge(host, "00:1f.2"), "boot-disk").startswith("sda is /; sda is on 0:0:0:0")
    assert evidence(judge(host, "00:02.0"), "boot-disk").startswith("vda1 is /; vda1 is on vda")


def test_swap_areas(host):
    host.disk("sda", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block", "8:0")
    host.disk("zram0", "virtual/block", "252:0")
    dm = host.disk("dm-3", "virtual/block", "253:3", slaves=("sda",))
    (dm / "dm").mkdir()
    (dm / "dm/name").write_text("vg-swap\n")
    head = "Filename\tType\tSize\tUsed\tPriority\n"
    for line in ("/dev/dm-3 partition", "/dev/mapper/vg-swap partition", "/dev/sda partition"):
        host.write(
            "swaps", f"{head}{line}\t1048572\t0\t-2\n/swapfile file\t1\t0\t-3\n/dev/zram0 partition\t1\t0\t100\n"
        )
        assert " is swap; " in evidence(judge(host, "00:1f.2"), "boot-disk")
        assert not any("zram" in text or "swapfile" in text for text in judge(host, "00:1f.2").warnings)


def test_loop_devices(host):
    host.disk("sda", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block", "8:0")
    for name, number, backing in (("loop0", "7:0", "/var/lib/image"), ("loop1", "7:1", "/dev/sda")):
        folder = host.disk(name, "virtual/block", number)
        (folder / "loop").mkdir()
        (folder / "loop/backing_file").write_text(backing + "\n")
    host.disk("loop1p1", "virtual/block/loop1", "259:4", partition=True)
    host.mounts(("7:0", "/mnt", "ext4", "/dev/loop0"), ("259:4", "/srv", "ext4", "/dev/loop1p1"))
    verdict = judge(host, "00:1f.2")
    assert evidence(verdict, "boot-disk").startswith(
        "loop1p1 is /srv; loop1p1 lies on loop1; loop1 lies on sda; sda is on"
    )
    assert not any("loop0" in text for text in verdict.warnings)


def test_what_can_not_be_traced_is_named(host):
    host.mounts(
        ("0:50", "/", "zfs", "tank/root"), ("0:51", "/mnt", "nfs4", "server:/export"), ("0:6", "/run", "tmpfs", "x")
    )
    named = " ".join(judge(host, "00:05.0").warnings)
    assert "tank/root (/) can't be traced" in named and "server:/export (/mnt) can't be traced" in named
    assert "/run" not in named


def test_a_disk_of_guests_volumes_is_a_warning(host):
    host.disk("sda", "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block", "8:0")
    host.disk("dm-7", "virtual/block", "253:7", slaves=("sda",))
    verdict = judge(host, "00:1f.2")
    assert verdict.findings == ()
    assert any("00:1f.2" in text and "is in use: dm-7 lies on sda" in text for text in verdict.warnings)


# --- the network


def test_default_route_and_connection(host):
    verdict = judge(host, "00:03.0", connection="10.0.2.2 50000 10.0.2.15 22")
    assert evidence(verdict, "management-nic") == (
        "the default route leaves through eth2; eth2 is on virtio1, 0000:00:03.0; "
        "this connection came in at 10.0.2.15, an address of eth2"
    )
    assert judge(host, "00:05.0").findings == ()


def test_connection_over_ipv6(host):
    host.write("net/route", "Iface\tDestination\tGateway\n")
    host.write("net/if_inet6", "20010db8000000000000000000000005 02 40 00 80     eth1\n")
    verdict = judge(host, "00:05.0", connection="2001:db8::1 50000 2001:db8::5 22")
    assert "this connection came in at 2001:db8::5, an address of eth1" in evidence(verdict, "management-nic")


def test_default_route_of_ipv6(host):
    zero = "0" * 32
    via = "fe800000000000000000000000000001"
    host.write(
        "net/ipv6_route",
        f"{zero} 00 {zero} 00 {via} 00000400 00000001 00000000 00000003     eth1\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n",
    )
    assert "the default route leaves through eth1" in evidence(judge(host, "00:05.0"), "management-nic")


def test_bridge_on_vlan_on_bond(host):
    host.interface("bond0", "virtual", up=True, lower=("eth0", "eth1"))
    host.interface("bond0.7", "virtual", up=True, lower=("bond0",))
    bridge = host.interface("xenbr0", "virtual", up=True, lower=("bond0.7",))
    host.interface("vif1.0", "virtual", up=True)
    (bridge / "bridge").mkdir()
    for port in ("bond0.7", "vif1.0"):
        host._link(bridge / "brif" / port, (host.sys / "class/net" / port).resolve())
    host.write("net/route", (host.proc / "net/route").read_text().replace("eth2", "xenbr0"))
    assert evidence(judge(host, "00:05.0"), "management-nic") == (
        "the default route leaves through xenbr0; xenbr0 bridges bond0.7; bond0.7 is carried by bond0; "
        "bond0 is carried by eth1; eth1 is on 0000:00:05.0"
    )
    assert judge(host, "00:03.0").findings == ()


def test_tunnel_from_an_address(host):
    host.interface("gre1", "virtual", up=True, type="778\n", address="0a:00:02:0f\n")
    host.write("net/route", (host.proc / "net/route").read_text().replace("eth2\t00000000", "gre1\t00000000"))
    verdict = judge(host, "00:03.0")
    assert "gre1 is a tunnel from 10.0.2.15 of eth2; eth2 is on virtio1" in evidence(verdict, "management-nic")


def test_a_tunnel_that_hides_its_end_is_named(host):
    host.interface("wg0", "virtual", up=True, type="65534\n", address="\n")
    host.write("net/route", (host.proc / "net/route").read_text().replace("eth2\t00000000", "wg0\t00000000"))
    assert any("interface wg0" in text and "can't be traced" in text for text in judge(host, "00:05.0").warnings)


def test_a_driver_is_not_taken_for_an_interface_of_its_name(host):
    """e1000 is the driver of two cards here, and the name that somebody gave to a third card's interface."""
    host.interface("e1000", "0000:00:07.0", up=True)
    host.write("net/route", (host.proc / "net/route").read_text().replace("eth2", "e1000"))
    assert judge(host, "00:05.0", "00:06.1").findings == ()
    assert "e1000 is on 0000:00:07.0" in evidence(judge(host, "00:07.0"), "management-nic")


def test_two_devices_of_one_name_are_named(host):
    host.interface("vda", "0000:00:05.0")
    assert any("two devices are called vda" in text for text in facts(host).unchecked)


# --- the console


def test_boot_display_and_serial_console(host):
    (host.function("0000:00:06.0") / "boot_vga").write_text("1\n")
    (host.function("0000:00:05.0") / "boot_vga").write_text("0\n")
    host.link("class/tty/ttyS4", "0000:00:06.1/tty/ttyS4")
    host.write("consoles", "ttyS4                -W- (EC p    )    4:68\ntty0                 -WU (E  p    )    4:1\n")
    assert evidence(judge(host, "00:06.0"), "console") == "0000:00:06.0 is the display that the firmware started with"
    assert evidence(judge(host, "00:06.1"), "console") == "ttyS4 is the kernel's console; ttyS4 is on 0000:00:06.1"
    assert judge(host, "00:05.0").findings == ()


def test_framebuffer(host):
    host.link("class/graphics/fb0", "0000:00:05.0/graphics/fb0")
    assert "fb0 shows dom0's console; fb0 is on " in evidence(judge(host, "00:05.0"), "console")


def test_another_serial_port_is_a_warning(host):
    host.link("class/tty/ttyS4", "0000:00:05.0/tty/ttyS4")
    assert any("is a serial port: ttyS4 is on 0000:00:05.0" in text for text in judge(host, "00:05.0").warnings)


# --- what is shared


def test_interrupt_lines(host):
    """On the captured machine 00:06.0 and 00:06.1 are on line 22; what is in use besides has MSI on."""
    assert judge(host, "00:06.1").findings == ()
    (host.sys / "class/net/eth0/flags").write_text("0x1003\n")
    assert "interrupt line 22 is also that of 00:06.0" in evidence(judge(host, "00:06.1"), "shared-irq")
    assert judge(host, "00:06.0", "00:06.1").findings == ()


def test_a_line_that_is_not_known_is_said(host):
    assert any(
        text.startswith("the interrupt line of 01:00.0 is not known while MSI is on")
        for text in judge(host, "01:00.0").warnings
    )


def test_an_iommu_group_goes_as_a_whole(host):
    host.groups(_7=("0000:00:08.0", "0000:01:00.0"), _8=("0000:00:06.0", "0000:00:06.1"))
    assert facts(host).iommu_groups[parse_address("01:00.0")] == "7"
    assert judge(host, "01:00.0").findings == (), "a root port is no endpoint"
    assert "IOMMU group 8 holds 00:06.0" in evidence(judge(host, "00:06.1"), "iommu-group")
    assert judge(host, "00:06.0", "00:06.1").findings == ()


# --- what is missing


def test_what_can_not_be_read_is_said(tmp_path):
    read = linux_facts.read_facts(sys=str(tmp_path / "sys"), proc=str(tmp_path / "proc"))
    proc = tmp_path / "proc"
    assert read.unchecked == (f"{proc}/consoles can't be read: the kernel's consoles are not known",)
    assert read.unseen == (
        Unseen("disks", f"{proc}/self/mountinfo can't be read: mounted file systems were not looked at"),
        Unseen("disks", f"{proc}/swaps can't be read: swap areas were not looked at"),
        Unseen("network", f"{proc}/net/route can't be read: IPv4 routes were not looked at"),
        Unseen("network", f"{tmp_path}/sys/class/net is empty: network interfaces were not looked at"),
        Unseen("network", f"{proc}/net/fib_trie can't be read: IPv4 addresses are not known"),
    )


def test_an_empty_file_tells_nothing(host):
    (host.proc / "self/mountinfo").write_text("")
    (unseen,) = linux_facts.read_facts(sys=str(host.sys), proc=str(host.proc)).unseen
    assert unseen == Unseen("disks", f"{host.proc}/self/mountinfo is empty: mounted file systems were not looked at")


def test_interfaces_that_the_next_boot_may_call_otherwise(host):
    verdict = judge(host, "00:06.0")
    assert any("without eth0 the next boot gives eth2 a lower number" in text for text in verdict.warnings)
    host.interface("enp5s0", "0000:00:05.0", up=True)
    assert not any("enp5s0 a lower" in text for text in judge(host, "00:06.0").warnings)
