# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every remedy that the sources give, what each of its alternatives says, and where that is done; or why it can't be.

A new remedy needs a row in :data:`ROWS`: its words as the source has them, with ``...`` for values, and for each
alternative the case that does it: one of ``tests/safety/test_remedies.py``, a refusal code of
``tests/safety/test_refusals.py``, a test, or a reason why no test can do it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.sentences import ROOT, strings

NAMES = {"remedy", "remedies", "HELP", "ways", "look", "_OTHER_XL", "_HOST_BUILDS", "_BY_HAND"}
"""What the sources call a remedy, or a part of one."""

BETWEEN = re.compile(r", or |; to |; if |; or | or |, |; |\.\.\.")
"""What stands between alternatives."""


@dataclass(frozen=True)
class Case:
    """A case of ``test_remedies.py``."""

    name: str


@dataclass(frozen=True)
class Refusal:
    """What ends a refusal in ``test_refusals.py``."""

    code: str


@dataclass(frozen=True)
class Override:
    """What the owner allows there."""

    code: str


@dataclass(frozen=True)
class Test:
    """A test elsewhere."""

    place: str


@dataclass(frozen=True)
class Reason:
    """Why no test does it."""

    text: str


How = Case | Refusal | Override | Test | Reason
WRITTEN_AGAIN = Test("tests/safety/test_remedies.py::test_a_file_that_can_be_written_again")
GIVEN = "tests/unit/planning/test_given.py::test_who_can_not_be_served"
RENUMBERING = "tests/safety/test_renumbering.py"

HOT_PLUG = Reason("of a device that comes or goes while its guest runs, which NetBSD's xl can't do")
AT_RUN_TIME = Reason("of a device that changes hands while dom0 runs, which it does on Linux only")
LOOK = Reason("tells a person where to look; what is found there is the remedy, and differs from host to host")
INSTALL = Reason("software is installed, which the embedded dom0 has no package manager for")
KERNEL = Reason("another kernel runs, or mounts; the embedded dom0 is a directory")
XEN = Reason("asks for another toolstack or another Xen; the embedded dom0's own is what it is")
DISK = Reason("needs a disk or a file system that fails in this way, which an ordinary user can't make")
DRIVER = Reason("needs a driver in a guest; the embedded dom0's guests run no kernel")
CONTROLLER = Reason("is done on the controller, which the tests do not change")
WRITTEN = Reason("each sentence names something else; those that can be done have cases of their own")

NATIVE = Test(
    "tests/integration/test_native_role.py::test_a_device_moves_and_survives_a_power_failure_and_all_goes_back"
)
BACKENDS = "tests/unit/test_linux_backends.py"
SERVICE = Reason("of a pcibackd that hangs, which none in the tests does")

LINUX = {
    "plugins/module_utils/host/linux/": Reason("a Linux dom0's, and the embedded dom0 is NetBSD's; see the Xen lab"),
    "plugins/module_utils/formats/grub": Reason("GRUB's, which NetBSD does not boot with"),
    "plugins/module_utils/formats/hide_parameter.py": Reason("of a list that GRUB passes on"),
}
"""Sources of which no remedy can be done on the lab."""

NO_REMEDY = {"plugins/module_utils/guards/network.py": "what the host uses, which is called ways there"}
"""Sources that call something else by one of the names."""

ROWS: Mapping[str, tuple[tuple[str, How], ...]] = {
    # --- refusals of the plan
    "correct it in the inventory": (("correct it in the inventory", Refusal("inventory-invalid")),),
    "say which devices its guests own, or give everything back with pciback_state: absent": (
        ("say which devices its guests own", Case("the devices by name")),
        ("give everything back with pciback_state: absent", Refusal("nothing-wanted")),
    ),
    "name the devices, or give everything back with pciback_state: absent; to take the devices away and keep the rest, "
    "allow code '...', without an address": (
        ("name the devices", Case("the devices by name")),
        ("give everything back with pciback_state: absent", Refusal("nothing-wanted")),
        ("take the devices away and keep the rest, allow code '...', without an address", Override("nothing-wanted")),
    ),
    "want its devices, too": (("want its devices, too", Refusal("foreign-hide-list")),),
    "name what is to stay hidden in...; to replace the rest of the list, allow code '...', without an address": (
        ("name what is to stay hidden in", Refusal("foreign-hide-list")),
        ("replace the rest of the list, allow code '...', without an address", Override("foreign-hide-list")),
    ),
    "correct the selector, or look at the host with xen.pciback.device_info": (
        ("correct the selector", Refusal("no-such-device")),
        ("look at the host with xen.pciback.device_info", Case("look at the host")),
    ),
    "add a criterion, such as the address, or say 'all: true' if every one is meant": (
        ("add a criterion, such as the address", Refusal("ambiguous-selector")),
        ("say 'all: true' if every one is meant", Case("all of them")),
    ),
    "find the cause, then try once more with pciback_retry_failed: true": (
        (
            "find the cause, then try once more with pciback_retry_failed: true",
            Test("tests/integration/test_trial.py::test_a_network_that_is_lost"),
        ),
    ),
    "let it be undone, or confirm it on the host with 'pcibackctl confirm'": (
        ("let it be undone", Test("tests/integration/test_trial.py::test_a_controller_that_dies")),
        (
            "confirm it on the host with 'pcibackctl confirm'",
            Test("tests/unit/host/netbsd/test_trial_edit.py::test_a_confirmed_one_and_then_another"),
        ),
    ),
    "confirm it with 'pcibackctl confirm', or reboot, which undoes it": (
        (
            "confirm it with 'pcibackctl confirm'",
            Test("tests/unit/host/netbsd/test_trial_edit.py::test_a_confirmed_one_and_then_another"),
        ),
        ("reboot, which undoes it", Test("tests/unit/host/netbsd/test_trial_edit.py::test_one_that_is_undone")),
    ),
    "have a plain reboot with pciback_trial: never": (("have a plain reboot with pciback_trial: never", DISK),),
    "install it with xen.pciback.native_backend and trial: true, before Xen resets the host": (
        ("install it with xen.pciback.native_backend and trial: true, before Xen resets the host", WRITTEN),
    ),
    "follow the device, or allow the one that is there now": (
        ("follow the device", Test(f"{RENUMBERING}::test_following_moves_list_pins_and_files")),
        ("allow the one that is there now", Refusal("identity-changed")),
    ),
    "put the card back, or take the device out of the inventory": (
        ("put the card back", Case("the card that was taken out")),
        ("take the device out of the inventory", Case("a device that is not wanted any more")),
    ),
    "set pciback_follow_moves: true if the device is to be followed": (
        ("set pciback_follow_moves: true if the device is to be followed", Test(f"{RENUMBERING}::test_identical_cards_that_were_swapped")),
    ),
    "name the device by a mac, serial, slot or address that it has now": (
        (
            "name the device by a mac, serial, slot or address that it has now",
            Reason("of cards that nothing tells apart, and the embedded dom0's all have a MAC; tests/unit/devices has the plan"),
        ),
    ),
    "allow code '...' for...if what is there now is to be taken": (
        ("allow code '...' for...if what is there now is to be taken", Refusal("identity-changed")),
    ),
    "name the device by the address that it has now, if it is the right one": (
        ("name the device by the address that it has now, if it is the right one", Case("another one that fits")),
    ),
    "write...if the device that was followed is meant; if it is the one there now, allow code '...' for...": (
        ("write...if the device that was followed is meant", Case("the address that it was followed to")),
        ("it is the one there now, allow code '...' for", Case("the one at the old address")),
    ),
    "leave it in one list, or make the selectors more exact": (
        ("leave it in one list", Refusal("assigned-twice")),
        ("make the selectors more exact", Case("more exact selectors")),
    ),
    "leave it in one..., or make the selectors more exact": (
        ("leave it in one", Case("one line")),
        ("make the selectors more exact", Case("more exact selectors")),
    ),
    "list it once": (("list it once", Case("one guest")),),
    "leave it to dom0": (("leave it to dom0", Refusal("boot-disk")),),
    "leave it to dom0, or allow code 'bridge' for this address": (
        ("leave it to dom0", Refusal("bridge")),
        ("allow code 'bridge' for this address", Override("bridge")),
    ),
    "give away the functions behind the bridge instead; this can't be overridden": (
        ("give away the functions behind the bridge instead", Case("behind the bridge")),
        ("this can't be overridden", Test("tests/safety/test_refusals.py::test_no_override_for_a_bridge_that_the_kernel_would_not_survive")),
    ),
    "leave it to dom0 or manage the host through another card": (
        ("leave it to dom0", Refusal("management-nic")),
        ("manage the host through another card", Case("another card for management")),
    ),
    "..., or allow code '...' for this address...": (("allow code '...' for this address", Override("no-iommu")),),
    "see on the host why the command that is named fails": (
        ("see on the host why the command that is named fails", Refusal("use-unknown")),
    ),
    "take a device of another line, or give the other one away too": (
        ("take a device of another line", Refusal("shared-irq")),
        ("give the other one away too", Case("the whole line")),
    ),
    "leave irq out of that device: what the system says counts": (
        ("leave irq out of that device: what the system says counts", Case("an interrupt that the kernel says")),
    ),
    "say with irq of the device which one it is, or take a device that dom0 has a driver for, which makes the kernel find its interrupt": (
        ("say with irq of the device which one it is", Case("an interrupt that only the owner knows")),
        (
            "take a device that dom0 has a driver for, which makes the kernel find its interrupt",
            Refusal("interrupt-unknown"),
        ),
    ),
    "give the other one to the same guest": (("give the other one to the same guest", Refusal("shared-bar-page")),),
    "switch VT-d or AMD-Vi on in the machine's firmware": (
        ("switch VT-d or AMD-Vi on in the machine's firmware", Case("the firmware")),
    ),
    "give every function of the group to the same guest": (
        ("give every function of the group to the same guest", Test("tests/safety/test_remedies.py::test_a_whole_group_on_linux")),
    ),
    "hide fewer devices": (("hide fewer devices", Refusal("list-too-long")),),
    "delete other arguments": (("delete other arguments", Case("fewer arguments")),),
    "give the kernel a shorter path, such as a hard link /xen0": (
        ("give the kernel a shorter path, such as a hard link /xen0", Case("a shorter path")),
    ),
    "mend what the sentence names": (("mend what the sentence names", WRITTEN),),
    "correct the name in the inventory or in the file": (
        ("correct the name in the inventory", Case("the name of the inventory")),
        ("in the file", Case("the name of the file")),
    ),
    "run 'pcibackctl boot' on the host to see why": (
        ("run 'pcibackctl boot' on the host to see why", Refusal("prediction-mismatch")),
    ),
    "run 'pcibackctl boot --config...' on the host to see why": (
        ("run 'pcibackctl boot --config...' on the host to see why", Refusal("prediction-mismatch")),
    ),
    "look at the file with 'pcibackctl boot --config FILE'": (
        ("look at the file with 'pcibackctl boot --config FILE'", Refusal("prediction-mismatch")),
    ),
    # --- boot.cfg
    "mend or delete that list by hand, or let 'ansible HOST -m xen.pciback.boot_hide -a \"state=absent path=...\"' remove "
    "every hide list of the file": (
        ("mend", Case("a list that somebody mends")),
        ("delete that list by hand", Case("a list that somebody deletes")),
        (
            "let 'ansible HOST -m xen.pciback.boot_hide -a \"state=absent path=...\"' remove every hide list of the file",
            Test(
                "tests/safety/test_refusals.py::"
                "test_a_list_that_stops_the_machine_is_never_as_wanted_and_the_remedy_removes_it"
            ),
        ),
    ),
    "delete comments or entries": (
        ("delete comments", Case("comments")),
        ("entries", Case("entries")),
    ),
    "name the entries that start an XEN3_DOM0 kernel, or start one here, without dom0=pvh": (
        ("name the entries that start an XEN3_DOM0 kernel", Case("an entry with a kernel for dom0")),
        ("start one here, without dom0=pvh", Case("an entry without dom0=pvh")),
    ),
    "save it as UTF-8 without that, or: tail -c +4...>....new && cp....new...": (
        ("save it as UTF-8 without that", Case("an editor without a byte order mark")),
        ("tail -c +4...>....new && cp....new", Case("a byte order mark")),
    ),
    "set default= to an entry that starts Xen, or include that entry in pciback_boot_entries": (
        ("set default= to an entry that starts Xen", Case("another default")),
        ("include that entry in pciback_boot_entries", Case("the default's list")),
    ),
    # --- files
    "name the file that the link points to": (
        ("name the file that the link points to", Case("the file behind a link")),
    ),
    "give it a file of its own: cp -p.......new && mv....new...": (
        ("give it a file of its own: cp -p.......new && mv....new", Case("a file of its own")),
    ),
    "mount its file system for writing, or name a file elsewhere": (
        ("mount its file system for writing", Refusal("not-replaceable")),
        ("name a file elsewhere", Case("another file")),
    ),
    "make room on its file system: see 'df' for bytes, 'df -i' for files": (
        ("make room on its file system: see 'df' for bytes, 'df -i' for files", WRITTEN_AGAIN),
    ),
    "raise the quota of the file's owner on its file system": (
        ("raise the quota of the file's owner on its file system", WRITTEN_AGAIN),
    ),
    "take the immutable or append-only flag from it and from its directory: chattr -i -a, or chflags noschg,nosappnd": (
        ("take the immutable or append-only flag from it and from its directory: chattr -i -a", WRITTEN_AGAIN),
        ("chflags noschg,nosappnd", WRITTEN_AGAIN),
    ),
    "see what keeps even root from it: an NFS export, or a security policy such as SELinux or AppArmor": (
        ("see what keeps even root from it: an NFS export", LOOK),
        ("a security policy such as SELinux or AppArmor", LOOK),
    ),
    "see 'dmesg' first: its disk fails": (("see 'dmesg' first: its disk fails", DISK),),
    "take them away and give the file an owner and a mode that do ('setfacl -b', 'setfattr -x', 'rmextattr')": (
        ("take them away and give the file an owner and a mode that do ('setfacl -b', 'setfattr -x', 'rmextattr')", DISK),
    ),
    "name a directory with 'state_directory' that every run on this host uses": (
        ("name a directory with 'state_directory' that every run on this host uses", DISK),
    ),
    "run again when it has ended; a lock goes with its process, the file need not be removed": (
        ("run again when it has ended", Test("tests/safety/test_concurrency.py::test_twenty_runs_leave_what_one_run_leaves")),
        ("a lock goes with its process, the file need not be removed", Test("tests/safety/test_crashes.py::test_killed_at_each_call")),
    ),
    # --- commands that hang, and what a host lacks
    "run it by hand on the host to see what it waits for; 'dmesg' tells of hardware that does not answer": (
        ("run it by hand on the host to see what it waits for", LOOK),
        ("'dmesg' tells of hardware that does not answer", LOOK),
    ),
    "run it by hand on the host; os-prober is what mostly takes long, GRUB_DISABLE_OS_PROBER=true ends that": (
        ("run it by hand on the host", LOOK),
        ("os-prober is what mostly takes long, GRUB_DISABLE_OS_PROBER=true ends that", LOOK),
    ),
    "run it by hand on the host, and see with 'df' and 'dmesg' whether its disk answers": (
        ("run it by hand on the host, and see with 'df' and 'dmesg' whether its disk answers", LOOK),
    ),
    "see with 'top' what the host is busy with, or build elsewhere with pciback_native_method: cross": (
        ("see with 'top' what the host is busy with", LOOK),
        ("build elsewhere with pciback_native_method: cross", Test("tests/integration/test_role.py::test_a_host_without_compiler_gets_a_cross_built_binary")),
    ),
    "see on the host whether xenstored runs, xl waits for it, and what /var/log/xen says": (
        ("see on the host whether xenstored runs, xl waits for it, and what /var/log/xen says", LOOK),
    ),
    "see with 'xl list' whether a part of the guest is left, destroy that, and read the guest's log in /var/log/xen": (
        ("see with 'xl list' whether a part of the guest is left, destroy that, and read the guest's log in /var/log/xen", LOOK),
    ),
    "boot the menu entry that starts Xen with an XEN3_DOM0 kernel": (
        ("boot the menu entry that starts Xen with an XEN3_DOM0 kernel", Case("the entry with Xen")),
    ),
    "mount it with '/sbin/mount -t kernfs kernfs /kern' and add it to /etc/fstab": (
        ("mount it with '/sbin/mount -t kernfs kernfs /kern' and add it to /etc/fstab", KERNEL),
    ),
    "see what it prints on the host; its kernel needs pci(4), and /dev/pci0 has to be there": (
        ("see what it prints on the host", LOOK),
        ("its kernel needs pci(4), and /dev/pci0 has to be there", KERNEL),
    ),
    "see what is mounted on...; it has to be kernfs": (
        ("see what is mounted on", LOOK),
        ("it has to be kernfs", Case("a stray file in kernfs")),
    ),
    "say 'become: true' for the play or the host, or set 'ansible_user: root'": (
        ("say 'become: true' for the play or the host", Reason("the embedded dom0 knows no user but root")),
        ("set 'ansible_user: root'", Reason("the embedded dom0 knows no user but root")),
    ),
    "run as root": (("run as root", Reason("the embedded dom0 knows no user but root")),),
    # --- the native component
    "install it with xen.pciback.native_backend": (
        ("install it with xen.pciback.native_backend", Test("tests/integration/test_role.py::test_first_run_brings_the_guests_up")),
    ),
    "if it was built for another system, set pciback_native_target to this host's": (
        ("if it was built for another system, set pciback_native_target to this host's", CONTROLLER),
    ),
    "name the system with target, as 'zig targets' lists it, or install a C compiler on the host": (
        ("name the system with target, as 'zig targets' lists it", CONTROLLER),
        ("install a C compiler on the host", INSTALL),
    ),
    "name a target with glibc, such as..., or none": (
        ("name a target with glibc, such as", CONTROLLER),
        ("none", CONTROLLER),
    ),
    "the step that failed is...; run it by hand in native/ to see all of its output": (
        ("the step that failed is", LOOK),
        ("run it by hand in native/ to see all of its output", LOOK),
    ),
    "install it (NetBSD's comp set), or let method be auto, so that the controller builds": (
        ("install it (NetBSD's comp set)", INSTALL),
        ("let method be auto, so that the controller builds", Test("tests/integration/test_role.py::test_a_host_without_compiler_gets_a_cross_built_binary")),
    ),
    "or let the host build: a C compiler and make there (NetBSD's comp set), and method 'auto' or 'host'": (
        (
            "or let the host build: a C compiler and make there (NetBSD's comp set), and method 'auto' or 'host'",
            Test("tests/integration/test_role.py::test_first_run_brings_the_guests_up"),
        ),
    ),
    "run 'pip install ziglang' beside ansible-core on the controller;...": (
        ("run 'pip install ziglang' beside ansible-core on the controller", CONTROLLER),
    ),
    "install make on the controller;...": (("install make on the controller", CONTROLLER),),
    # --- the service of pcibackd
    "run it by hand on the host to see what hinders it": (("run it by hand on the host to see what hinders it", LOOK),),
    "enable it by hand, and see what its init system says": (
        ("enable it by hand, and see what its init system says", LOOK),
    ),
    "end pcibackd by hand when its guests are shut down, and start its service": (
        ("end pcibackd by hand when its guests are shut down, and start its service", SERVICE),
    ),
    "shut these guests down, or take their devices away with 'pcibackctl detach'": (
        (
            "shut these guests down",
            Test("tests/integration/test_native_service.py::test_it_does_not_go_while_a_guest_has_devices_of_it"),
        ),
        ("take their devices away with 'pcibackctl detach'", Test("tests/integration/test_pcibackd.py::test_devices_are_taken_and_returned")),
    ),
    "end it with 'kill...', and run again": (
        (
            "end it with 'kill...', and run again",
            Test("tests/unit/engines/test_native_service.py::test_it_is_ended_and_does_not_come_back"),
        ),
    ),
    "give back what the kernel's backend has with pciback_state: absent, or stay with it: pciback_backend: kernel": (
        ("give back what the kernel's backend has with pciback_state: absent", Test("tests/safety/test_undo.py::test_a_host_with_nothing_of_its_own")),
        (
            "stay with it: pciback_backend: kernel",
            Test("tests/integration/test_role.py::test_first_run_brings_the_guests_up"),
        ),
    ),
    "see by hand what 'pcibackd --foreground' prints; with the cause gone, run again": (
        ("see by hand what 'pcibackd --foreground' prints", LOOK),
        (
            "with the cause gone, run again",
            Test("tests/integration/test_native_service.py::test_what_it_says_when_it_does_not_start"),
        ),
    ),
    "see on the host with 'pcibackctl status' and 'xl list' how far it came: it starts guests, too, one after the other": (
        (
            "see on the host with 'pcibackctl status' and 'xl list' how far it came: it starts guests, too, one after the other",
            LOOK,
        ),
    ),
    # --- xl and guests
    "install Xen's tools (sysutils/xentools in pkgsrc, xen-utils on Debian), or give the path as 'xl'": (
        ("install Xen's tools (sysutils/xentools in pkgsrc, xen-utils on Debian)", INSTALL),
        ("give the path as 'xl'", Case("the path of xl")),
    ),
    "give the right path as 'xl'": (("give the right path as 'xl'", Case("the right path of xl")),),
    "see what it prints on the host, and give the path of Xen's xl as 'xl'": (
        ("see what it prints on the host, and give the path of Xen's xl as 'xl'", Case("another xl")),
    ),
    "use the tools of Xen 4.2 or later": (("use the tools of Xen 4.2 or later", XEN),),
    "use a toolstack that grants the ports, the memory and the interrupt of a device through Xen itself": (
        ("use a toolstack that grants the ports, the memory and the interrupt of a device through Xen itself", XEN),
    ),
    "switch VT-d or AMD-Vi on in the machine's firmware, and boot Xen without iommu=off": (
        ("switch VT-d or AMD-Vi on in the machine's firmware, and boot Xen without iommu=off", Case("the firmware")),
    ),
    "restart it; 'passthrough = \"enabled\"' and 'e820_host = 1' in its file make it fit to get one later": (
        ("restart it", HOT_PLUG),
        ("'passthrough = \"enabled\"' and 'e820_host = 1' in its file make it fit to get one later", XEN),
    ),
    "start Xen's daemons (on Debian 'service xen start', on NetBSD 'service xencommons start')": (
        ("start Xen's daemons (on Debian 'service xen start', on NetBSD 'service xencommons start')", XEN),
    ),
    "look at its console, and load its PCI frontend (xen-pcifront on Linux), or restart it": (
        ("look at its console, and load its PCI frontend (xen-pcifront on Linux)", DRIVER),
        ("restart it", DRIVER),
    ),
    "start it by hand with 'xl create -c' and watch": (("start it by hand with 'xl create -c' and watch", LOOK),),
    "write on_poweroff = 'destroy' in its configuration file, and see who starts it": (
        ("write on_poweroff = 'destroy' in its configuration file, and see who starts it", LOOK),
    ),
    "restart it, or let the task do so with 'restart: true'": (
        ("restart it", HOT_PLUG),
        ("let the task do so with 'restart: true'", HOT_PLUG),
    ),
    "hand devices to pciback with xen.pciback.assignable, or take them out of the guest's file": (
        ("hand devices to pciback with xen.pciback.assignable", AT_RUN_TIME),
        ("take them out of the guest's file", AT_RUN_TIME),
    ),
    "look at its console, allow more time with 'timeout', or destroy it with 'state: absent'": (
        ("look at its console", LOOK),
        ("allow more time with 'timeout'", Case("more time")),
        ("destroy it with 'state: absent'", Case("a guest that is destroyed")),
    ),
    "detach it there first, or shut the guest down": (
        ("detach it there first", AT_RUN_TIME),
        ("shut the guest down", AT_RUN_TIME),
    ),
    "use xen.pciback.boot_hide and reboot, or backend: native, which needs no reboot": (
        ("use xen.pciback.boot_hide and reboot", Case("boot_hide instead of assignable")),
        ("backend: native, which needs no reboot", NATIVE),
    ),
    # --- pcibackd
    "take a device that can be reset": (("take a device that can be reset", Refusal("no-reset")),),
    "restart that guest": (("restart that guest", NATIVE),),
    "shut down the guests that have them, or stay with that backend": (
        ("shut down the guests that have them", Test(f"{BACKENDS}::test_no_guest_is_shut_down_without_leave")),
        ("stay with that backend", Test(f"{BACKENDS}::test_a_backend_that_is_a_part_of_the_kernel")),
    ),
    "shut that guest down": (
        ("shut that guest down", Test(f"{BACKENDS}::test_no_guest_is_shut_down_without_leave")),
    ),
    "shut that guest down, or allow its restart with pciback_restart_guests: when_needed": (
        ("shut that guest down", Test(f"{BACKENDS}::test_no_guest_is_shut_down_without_leave")),
        (
            "allow its restart with pciback_restart_guests: when_needed",
            Test(f"{BACKENDS}::test_to_pcibackd_and_back_by_one_run_each"),
        ),
    ),
    "use pciback_backend: kernel, or boot one in which that is a module": (
        ("use pciback_backend: kernel", Test(f"{BACKENDS}::test_a_backend_that_is_a_part_of_the_kernel")),
        ("boot one in which that is a module", KERNEL),
    ),
    'set type = "pv" in the file, or use pciback_backend: kernel where xl serves such guests': (
        ('set type = "pv" in the file', Test("tests/unit/planning/test_native.py::test_only_pv_guests_are_served")),
        ("use pciback_backend: kernel where xl serves such guests", XEN),
    ),
    'set type = "pv" in the file': (('set type = "pv" in the file', Test(GIVEN)),),
    "take permissive out of it, or use pciback_backend: native": (
        ("take permissive out of it", Test(GIVEN)),
        ("use pciback_backend: native", NATIVE),
    ),
    "take permissive out of it, or choose pciback_backend: native": (
        ("take permissive out of it", Test("tests/unit/host/test_toolstack.py::test_what_the_kernel_can_not_do")),
        ("choose pciback_backend: native", NATIVE),
    ),
    "let its kernel find them and run again, or reboot dom0 by hand when it suits you": (
        (
            "let its kernel find them and run again",
            Test("tests/unit/host/test_toolstack.py::test_a_guest_that_has_not_connected_does_not_end"),
        ),
        ("reboot dom0 by hand when it suits you", DRIVER),
    ),
    "look at its console, and load its PCI frontend (xen-pcifront on Linux)": (
        ("look at its console, and load its PCI frontend (xen-pcifront on Linux)", DRIVER),
    ),
    "list each function by its address": (
        ("list each function by its address", Test("tests/unit/host/test_toolstack.py::test_a_guest_starts_with_its_devices")),
    ),
    "leave the device to dom0": (
        ("leave the device to dom0", Test("tests/unit/host/netbsd/test_drivers.py::test_what_would_panic_the_kernel_is_not_tried")),
    ),
    "see what uses...and end that, or hide the device from the next boot with pciback_backend: kernel": (
        ("see what uses...and end that", LOOK),
        ("hide the device from the next boot with pciback_backend: kernel", Test("tests/integration/test_role.py::test_first_run_brings_the_guests_up")),
    ),
    "run 'drvctl -r...', which gives a driver to each device on that bus that has none": (
        (
            "run 'drvctl -r...', which gives a driver to each device on that bus that has none",
            Test("tests/unit/lab/test_captures_netbsd11.py::test_a_card_goes_to_a_guest_and_back_and_a_second_one_is_plugged"),
        ),
    ),
    "look at the kernel's messages with dmesg": (("look at the kernel's messages with dmesg", LOOK),),
}  # fmt: skip


IN_SENTENCES: Mapping[str, How] = {
    "convert the file to LF line ends": Case("line ends"),
    "one looks like 'menu=Xen:load": Refusal("boot-config-invalid"),
}
"""What helps that stands in the sentence of a refusal, and not behind it."""


def expressions(tree: ast.AST) -> Iterator[ast.AST]:
    """What a source calls a remedy."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield from (each.value for each in node.keywords if each.arg in NAMES)
            if called in ("Refusal", "Finding"):
                yield from node.args[3:4]
            elif called == "Limit":
                yield from node.args[1:2]
            elif called == "append" and getattr(getattr(node.func, "value", None), "id", "") in NAMES:
                yield from node.args
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "id", "") in NAMES for target in targets):
                yield node.value


def remedies() -> Iterator[tuple[str, str]]:
    """Every remedy of the sources: its place, and its words."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        source = str(path.relative_to(ROOT))
        if source in NO_REMEDY or any(source.startswith(each) for each in LINUX):
            continue
        for node in expressions(ast.parse(path.read_text(encoding="utf-8"))):
            for line, parts in strings(node):
                text = "...".join(parts)
                if len(re.findall(r"[a-z]{2,}", text)) > 1:
                    yield f"{source}:{line}", text


def left_out(text: str, alternatives: tuple[tuple[str, How], ...]) -> str:
    """What of a remedy stands in none of its alternatives; the words between them don't count."""
    for words, _how in alternatives:
        if words not in text:
            return words
        text = text.replace(words, "\0", 1)
    return BETWEEN.sub("", re.sub(r"\0|or: ", "", text)).strip(" ;")
