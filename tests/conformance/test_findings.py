# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pcibackctl says of a boot configuration: each of its findings and outcomes once, word for word."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from tests.conftest import ROOT


def xen(kernel: str = "", arguments: str = "") -> str:
    """A menu entry that starts Xen, with arguments of the kernel and of Xen."""
    return f"menu=Xen:load /n{kernel and ' ' + kernel};multiboot /xen.gz x{arguments and ' ' + arguments}\n"


# Code, boot.cfg, what is known of the machine, message.
FINDINGS = [
    ("menu-entry-ignored", xen() * 21, "", "the loader takes 20 menu entries and ignores this one"),
    (
        "menu-without-colon",
        xen() + "menu=Xen\n",
        "",
        "a menu line without ':' is ignored; it would be menu=TEXT:COMMANDS",
    ),
    (
        "carriage-return",
        xen().replace("\n", "\r\n"),
        "",
        "the line ends with a carriage return, which the loader keeps as part of the value; lines would end with a newline alone",
    ),
    ("nul-byte", xen() + "\0", "", "the loader stops reading at this NUL byte; a boot.cfg is text"),
    ("banner-ignored", xen() + "banner=b\n" * 13, "", "the loader shows 12 banner lines and ignores this one"),
    (
        "unknown-key",
        xen() + "splish=1\n",
        "",
        "the loader knows no such key and ignores the line; keys start in the first column",
    ),
    (
        "xen-command-line-cut",
        xen("", "-- " + "a" * 1100),
        "",
        "Xen gives dom0 1023 characters, and what starts here is lost",
    ),
    (
        "kernel-debugger",
        xen("-d"),
        "",
        "the kernel reads this word as boot flags, and its 'd' stops the machine in the kernel debugger; "
        "arguments are separated by blanks, not tabs",
    ),
    ("kernel-asks-root", xen("-a"), "", "the boot flag 'a' makes the kernel ask for its root device at the console"),
    ("kernel-single-user", xen("-s"), "", "the boot flag 's' makes the kernel come up in single-user mode"),
    ("kernel-userconf", xen("-c"), "", "the boot flag 'c' makes the kernel wait in userconf at the console"),
    (
        "hide-list-too-long",
        xen("", "-- pciback.hide=" + "(00:01.0)" * 8),
        "",
        "the list has 72 characters and the kernel's buffer takes 63, so the kernel reads on in the memory behind it; seven devices such as (00:1f.0) fit",
    ),
    (
        "hide-no-such-function",
        xen("pciback.hide=(00:10.0)"),
        "q35",
        "no function 0000:00:10.0 is on the bus, and the kernel says nothing about it; "
        "addresses in a list are hexadecimal, those that pcictl prints are decimal",
    ),
    (
        "hide-bridge",
        xen("pciback.hide=(00:08.0)"),
        "q35",
        "0000:00:08.0 is a PCI bridge, and hiding one panics the kernel; the devices behind it can be hidden one by one",
    ),
    (
        "hide-display",
        xen("pciback.hide=(00:02.0)"),
        "pc",
        "0000:00:02.0 is the display, so the console's screen stays dark",
    ),
    (
        "hide-chipset",
        xen("pciback.hide=(00:1f.0)"),
        "q35",
        "0000:00:1f.0 belongs to the chipset; dom0 boots without it, but loses what hangs on it",
    ),
    (
        "hide-storage",
        xen("pciback.hide=(00:1f.2)"),
        "q35",
        "0000:00:1f.2 is a disk controller; if dom0's root is on it, the kernel asks for a root device at the console for ever",
    ),
    (
        "hide-entry-skipped",
        xen("pciback.hide=(00:zz.0)"),
        "",
        "the kernel can't read this entry and skips it; it would be such as (00:1f.0)",
    ),
    (
        "hide-entry-no-match",
        xen("pciback.hide=(00:20.0)"),
        "",
        "no machine has bus 0, device 20, function 0; a bus ends at ff, a device at 1f, a function at 7",
    ),
    (
        "hide-entry-twice",
        xen("pciback.hide=(00:04.0)(00:04.0)"),
        "",
        "the list names this function before; once is enough",
    ),
    ("hide-list-empty", xen("pciback.hide="), "", "the list is empty, so the kernel starts no backend"),
    (
        "loader-missing-xen",
        "menu=Xen:load /n;multiboot\n",
        "",
        "no file is named, so Xen is not started; it would be multiboot /xen.gz",
    ),
    ("loader-missing-xen", xen(), "no files", "the loader can't open this file, so Xen is not started"),
    (
        "list-on-failed-xen",
        "menu=Xen:load /n;multiboot /t a -- pciback.hide=(0:4.0);multiboot /xen.gz a\n",
        "no /t",
        "this list goes with a Xen that can't be opened, and the loader boots what a later command names",
    ),
    (
        "loader-boot-fails",
        "menu=Xen:boot /n x\n",
        "",
        "the loader can't boot this; it would be boot FILE, perhaps with flags such as -s",
    ),
    (
        "loader-unknown-command",
        "menu=Xen: load /n;multiboot /xen.gz x\n",
        "",
        'the loader reads a command that starts with a blank as an empty one and says "unknown command"; no blank would stand here',
    ),
    (
        "loader-unknown-command",
        "menu=Xen:lead /n;multiboot /xen.gz x\n",
        "",
        "the loader knows no such command, says so and goes on with the next",
    ),
    (
        "loader-command-too-long",
        "menu=Xen:ls " + "a" * 95 + "\n",
        "",
        "this command has 98 characters and overwrites the loader's memory, and as nothing is booted, the loader hangs; 79 fit",
    ),
    (
        "loader-command-too-long",
        xen("a" * 80),
        "",
        "this command has 88 characters and the loader's buffer takes 79; harmless as long as the entry boots, but if a file is missing the loader may hang",
    ),
    ("entry-is-prompt", "menu=Prompt:prompt\n", "", "the entry leads to the loader's prompt, where a person goes on"),
    (
        "entry-boots-nothing",
        "menu=Xen:ls\n",
        "",
        "the commands of this entry boot nothing, so the loader shows its menu again",
    ),
    (
        "entry-boots-nothing",
        "menu=Xen:load /n\n",
        "",
        "the commands of this entry boot nothing, so the loader shows its menu again, "
        "and what was loaded stays the dom0 kernel of whichever entry is chosen next",
    ),
    (
        "loader-no-kernel",
        "menu=Xen:multiboot /xen.gz x\n",
        "",
        "nothing that can be opened is loaded before Xen, which panics without a dom0 kernel; load /netbsd-XEN3_DOM0.gz would come first",
    ),
    (
        "loader-first-module-no-kernel",
        "menu=Xen:rndseed /n;multiboot /xen.gz x\n",
        "",
        "the first file loaded is the dom0 kernel for Xen, and this is none; load with the kernel would come first",
    ),
    (
        "boot-cfg-too-large",
        "#" * 40000,
        "",
        "the file is larger than 32768 bytes, so the loader ignores it and boots /netbsd without Xen",
    ),
    ("no-menu", "timeout=3\n", "", "the file has no menu entry, so the loader boots /netbsd without Xen"),
    (
        "list-inside-word",
        xen("xpciback.hide=(00:04.0)"),
        "",
        "the kernel reads an option only at the start of a word, and this list stands inside one; one blank would stand before it",
    ),
    (
        "list-on-xen-side",
        xen("", "pciback.hide=(00:04.0)"),
        "",
        'this list is an option of Xen, which knows none such; dom0 gets what follows " -- " behind at least one option of Xen',
    ),
    (
        "list-after-tab",
        xen("\tpciback.hide=(00:04.0)").replace(" \t", "\t"),
        "",
        "Xen takes a tab for a part of the kernel's name, so this list is dropped with it; a blank would stand before it",
    ),
    (
        "list-not-read",
        "menu=Xen:load /n;multiboot /xen.gz x -- " + "a" * 1020 + " pciback.hide=(00:04.0)\n",
        "",
        "this list never reaches the kernel",
    ),
    (
        "list-without-pciback",
        xen("pciback.hide=(00:04.0)").replace("/n ", "/netbsd-GENERIC "),
        "",
        "a GENERIC kernel has no pciback, so nobody reads this list; XEN3_DOM0 kernels have it",
    ),
    (
        "loader-key-differs",
        xen() + "fs=/f\n",
        "",
        "loaders since NetBSD 10 load this file before the commands of every entry, some older ones ignore the line; "
        "in an entry it would be fs FILE behind load",
    ),
    (
        "loader-key-differs",
        xen() + "rndseed=/f\n",
        "",
        "the loader of NetBSD 11 loads this file before the commands of every entry, older ones ignore the line; "
        "in an entry it would be rndseed FILE behind load",
    ),
    (
        "loader-key-differs",
        xen() + "dev=hd0a\n",
        "",
        "the loader of NetBSD 11 looks for files on this device, older ones ignore the line; "
        "a path with its device, such as hd0a:/netbsd, means the same to all",
    ),
    (
        "loader-key-differs",
        xen() + "loader=/n\n",
        "",
        "loaders before NetBSD 10 take this line for load=, newer ones ignore it; "
        "all read load= without anything before the '='",
    ),
    (
        "loader-key-differs",
        xen() + "userconfx=a\n",
        "",
        "loaders before NetBSD 10 take this line for userconf=, newer ones ignore it; "
        "all read userconf= without anything before the '='",
    ),
    (
        "list-on-ignored-line",
        "loader=/k pciback.hide=(00:04.0)\n" + xen(),
        "",
        "the loader ignores this line, and its list with it; it would be load= without anything before the '='",
    ),
    (
        "kernel-debugger",
        xen("-d"),
        "",
        "the kernel reads this word as boot flags, and its 'd' stops the machine in the kernel debugger; "
        "arguments are separated by blanks, not tabs",
    ),
]
OUTCOMES = [
    (xen("pciback.hide=(00:04.0)"), "registered: the backend comes up and guests can get the claimed devices"),
    (
        xen("pciback.hide=(00:04.0)x"),
        "not-registered: dom0 loses the claimed devices, but the backend never comes up and no guest gets any",
    ),
    (xen(), "empty: dom0 boots with every device its own; there is no backend"),
    (xen("-d"), "kernel-fault: the dom0 kernel stops at boot and a person must go to the console"),
    (
        f"menu=Xen:;{xen()[9:]}",
        "undefined: what happens depends on memory behind a buffer, or on which loader the host has",
    ),
    ("menu=Xen:multiboot /xen.gz x\n", "loader-failure: no dom0 comes up and a person must go to the console"),
    ("menu=NetBSD:boot /n\n", "not-xen: Xen is not started"),
]


@pytest.mark.parametrize(("code", "text", "known", "message"), FINDINGS)
def test_a_finding(code: str, text: str, known: str, message: str, pcibackctl: Path, tmp_path: Path) -> None:
    (tmp_path / "boot.cfg").write_text(text)
    options = {
        "": [],
        "q35": ["--bus", str(ROOT / "lab/buses/q35-bridges.lspci")],
        "pc": ["--bus", str(ROOT / "lab/buses/pc-nine-nics.lspci")],
        "no files": ["--root", str(tmp_path)],
        "no /t": ["--without", "/t"],
    }[known]
    command = [str(pcibackctl), "boot", "--json", "--config", str(tmp_path / "boot.cfg"), *options]
    findings = json.loads(subprocess.run(command, check=False, capture_output=True).stdout)["findings"]
    assert message in [each["message"] for each in findings if each["code"] == code], findings


@pytest.mark.parametrize(("text", "sentence"), OUTCOMES, ids=[sentence.split(":")[0] for _text, sentence in OUTCOMES])
def test_an_outcome(text: str, sentence: str, pcibackctl: Path, tmp_path: Path) -> None:
    (tmp_path / "boot.cfg").write_text(text)
    command = [str(pcibackctl), "boot", "--config", str(tmp_path / "boot.cfg")]
    said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    assert f"outcome  {sentence}\n" in said, said


def test_the_menu_and_the_room_of_a_boot(pcibackctl: Path, tmp_path: Path) -> None:
    (tmp_path / "boot.cfg").write_text(xen("pciback.hide=(00:04.0)") + "timeout=7\n")
    command = [str(pcibackctl), "boot", "--config", str(tmp_path / "boot.cfg")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "\n  the default is taken after 7 seconds\n" in said
    assert "\n  load: path and arguments   [############" in said and "] 25 of 79\n" in said


# --- what the command line says


def fails(pcibackctl: Path, *words: str) -> str:
    """What is said on standard error."""
    return subprocess.run([str(pcibackctl), *words], check=False, capture_output=True, text=True).stderr


def test_a_command_line_that_can_not_be_meant(pcibackctl: Path) -> None:
    assert "pcibackctl: a command would stand here" in fails(pcibackctl)
    assert "frob: a command would stand here" in fails(pcibackctl, "frob")
    assert "that many devices are on no bus" in fails(pcibackctl, "attach", "--domain", "1", *["00:04.0"] * 2000)


def test_output_that_can_not_be_written(pcibackctl: Path) -> None:
    with open("/dev/full", "wb") as full:
        run = subprocess.run([str(pcibackctl), "version"], check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (run.returncode, run.stderr) == (1, "pcibackctl: standard output can't be written\n")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [(b"no status\n", "pcibackd gave no answer"), (b"", "pcibackd gave no answer: Connection reset by peer")],
)
def test_a_daemon_that_answers_nothing(answer: bytes, sentence: str, pcibackctl: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "control")

    def serve() -> None:
        connection, _peer = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        server = threading.Thread(target=serve)
        server.start()
        said = fails(pcibackctl, "status", "--control", path)
        server.join()
    assert said.rstrip().endswith(sentence)


def test_a_bus_that_can_not_be_read(pcibackctl: Path) -> None:
    """Seen by a process for which there is no /sys."""
    if not Path("/sys/bus/pci").exists():
        said = fails(pcibackctl, "scan")
    else:
        hidden = [
            "unshare",
            "--map-root-user",
            "--user",
            "--mount",
            "sh",
            "-c",
            'mount -t tmpfs none /sys && exec "$0" scan',
        ]
        said = subprocess.run([*hidden, str(pcibackctl)], check=False, capture_output=True, text=True).stderr
    assert "can't be read: No such file or directory; run as root, or give the output of lspci -xxxx with --bus" in said
