# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for pcibackd-guests: its files in a directory, its commands as one double that keeps books of all calls."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICE = Path(__file__).resolve().parents[2] / "native" / "service"
SHELLS = [
    [path, *options]
    for name, *options in (["dash"], ["busybox", "sh"], ["mksh"], ["bash", "--posix"])
    if (path := shutil.which(name)) is not None
]
COMMANDS = ("xl", "pcibackctl", "drvctl", "ifconfig", "route", "brconfig", "uname", "sysctl")

DOUBLE = r"""
import fcntl, json, os, re, sys, time
home = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
file = open(f"{home}/books", "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
books = json.load(file)

def end(status=0, out="", err=""):
    file.seek(0), file.truncate(), json.dump(books, file), file.close()
    sys.stdout.write(out), sys.stderr.write(err)
    sys.exit(status)

def driver(address):
    device = books["devices"][address]
    unbind = f"{home}/sys/bus/pci/devices/{address}/driver/unbind"
    if os.path.isfile(unbind) and open(unbind).read() == address:
        device["driver"] = None
    return device["driver"]

def refuse(text):
    end(1, err=f"pcibackctl: {text}\n")

books["calls"] += [" ".join([name, *(word for word in arguments if not word.startswith(home))])]
if name == "uname":
    books["calls"].pop()
    end(out=books["system"] + "\n")
if name == "xl":
    verb, what = arguments[0], arguments[-1]
    if verb == books["hangs"]:
        file.close()
        time.sleep(60)
    if verb == "create":
        text = open(arguments[2]).read()
        if "broken" in text:
            end(1, err="xl: it is broken\n")
        number = str(books["next"])
        books["next"] += 1
        books["domains"][number] = [re.search(r'name = "(.*)"', text)[1], "--p---", "0.0"]
        end(out="Parsing config\n")
    if verb == "list" and not arguments[1:]:
        books["calls"].pop()
        lines = [f"{d[0]:40} {n:>5} 512 1     {d[1]} {d[2]:>9}\n" for n, d in books["domains"].items()]
        dom0 = "Domain-0                                     0 512 1     r----- 9.0\n"
        end(0, "Name ID Mem VCPUs State Time(s)\n" + dom0 + "".join(lines))
    if verb == "info":
        books["calls"].pop()
        end(out=books["info"])
    if verb == "domid":
        found = [number for number, domain in books["domains"].items() if domain[0] == what]
        end(0 if found else 1, out="".join(f"{number}\n" for number in found))
    if verb == "list":
        lines = [f"{d[0]:40} {n:>5} 512 1 {d[1]} {d[2]:>9}\n" for n, d in books["domains"].items() if n == what]
        end(0 if lines else 1, out="Name ID Mem VCPUs State Time(s)\n" + "".join(lines))
    if verb == "unpause":
        books["domains"][what][1] = "r-----"
    if verb == "destroy":
        del books["domains"][what]
        books["guests"].pop(what, None)
    end()
if name == "pcibackctl":
    verb, words = arguments[0], arguments[3:]
    if books["silent"]:
        refuse("pcibackd is not running: nobody listens")
    if verb == "status":
        books["calls"].pop()
        lines = []
        for number, devices in books["guests"].items():
            life = "connected" if number in books["domains"] else "gone"
            backend = "4 Connected, frontend 4 Connected" if life == "connected" else "6 Closed"
            lines += [f"domain {number}  {life}  backend {backend}\n"]
            lines += [f"  {address}  seen as 0000:00:00.0  intx\n" for address in devices]
        lines += [f"{address} is taken from dom0, and no guest has it\n" for address in books["taken"]]
        end(out="".join(lines) or "no guest has devices\n")
    if verb == "take":
        check = words[0] == "--check"
        address, *expected = words[-1].split(",")
        expected = [each for each in expected if not each.startswith(("allow=", "irq="))]
        device = books["devices"].get(address)
        if device is None:
            refuse(f"{address} is no device of this machine")
        for each in expected:
            key, value = each.split("=")
            if device[key] != value:
                refuse(f"{address} is {device[key]}, expected is {value}")
        if check:
            books["calls"].pop()
            end(out=f"{address} is {device['id']}, and {driver(address) or 'no driver'} has it\n")
        if driver(address) is not None:
            refuse(f"{address} is in use by a driver of this system; hide it first")
        if device.get("stuck"):
            refuse(f"{address} can't be reset")
        books["taken"] += [address] if address not in books["taken"] else []
        end(out=f"{address} is taken from dom0\n")
    if verb == "attach":
        number, words = words[1], words[2:]
        if books.get("half_way"):
            books["guests"][number] = []
            refuse(f"the kernel's backend has stopped half-way with domain {number}")
        for word in words:
            if word.split(",")[0] in books["unattachable"]:
                refuse(f"{word} belongs to domain 9")
        books["guests"].setdefault(number, []).extend(word.split(",")[0] for word in words)
        end()
    if verb == "detach":
        del books["guests"][words[1]]
        end()
if name == "drvctl":
    for device in books["devices"].values():
        if device["driver"] == arguments[1] and not device.get("busy"):
            device["driver"] = None
            end()
    end(1, err="drvctl: DRVDETACHDEV: Device busy\n")
books["calls"].pop()
if name in ("ifconfig", "brconfig", "route", "sysctl"):
    found = books["said"].get(" ".join([name, *arguments]))
    end(1 if found is None else 0, out=found or "")
"""

# xenstore-watch: the first event at once, the others as they are written into a pipe.
EVENTS = """
import os, sys
home = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
print("@introduceDomain", flush=True)
for line in os.fdopen(os.open(f"{home}/xenstored", os.O_RDWR)):
    print("@introduceDomain", flush=True)
"""


class Host:
    """One host; Linux's devices are in sysfs, NetBSD's drivers in the books alone."""

    def __init__(self, directory: Path, shell: list[str], system: str = "Linux") -> None:
        self.directory = directory
        self.system = system
        self.shell = shell
        self.record = directory / "state" / "attachments"
        self.auto = directory / "auto"
        for name in (
            "bin",
            "state",
            "auto",
            "etc",
            "kern",
            "sys/class/net",
            "sys/class/block",
            "sys/bus/pci/devices",
            "proc/self",
        ):
            (directory / name).mkdir(parents=True)
        for name in ("mounts", "swaps", "self/mountinfo", "net/route", "net/ipv6_route"):
            (directory / "proc" / name).parent.mkdir(exist_ok=True)
            (directory / "proc" / name).write_text("")
        self.boot()
        double = directory / "bin" / "double"
        double.write_text(f"#!{sys.executable} -SIE\n{DOUBLE}")
        double.chmod(0o755)
        for name in COMMANDS:
            (directory / "bin" / name).symlink_to("double")
        empty: dict[str, Any] = {"calls": [], "devices": {}, "domains": {}, "guests": {}, "taken": [], "said": {}}
        self.write({**empty, "unattachable": [], "next": 1, "silent": False, "system": system, "info": "", "hangs": ""})
        self.script = directory / "bin" / "pcibackd-guests"
        self.script.write_text(self.moved((SERVICE / "pcibackd-guests").read_text()))

    def moved(self, text: str) -> str:
        """The script with the paths of this host."""
        places = {
            "PATH": f"{self.directory}/bin:/usr/bin:/bin",
            "wait_seconds": "1",
            "xl_seconds": "3",
            "sys": f"{self.directory}/sys",
            "proc": f"{self.directory}/proc",
            "auto": str(self.auto),
            "kern": f"{self.directory}/kern",
            "rc_subr": f"{self.directory}/etc/rc.subr",
            "started": f"{self.directory}/started",
            "watcher": f"{self.directory}/watcher",
            "events": f"{self.directory}/events",
            "known": f"{self.directory}/known",
            "settle_seconds": "3",
            "retry_seconds": "0.1",
        }
        for name, value in places.items():
            text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert count == 1, name
        return text.replace("/usr/pkg/etc/xen", f"{self.directory}/etc")

    def boot(self, number: int = 1) -> None:
        """Let Linux say that this is another boot."""
        path = self.directory / "proc/sys/kernel/random/boot_id"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"boot {number}\n")

    @property
    def books(self) -> dict[str, Any]:
        with (self.directory / "books").open() as file:
            # A command may be writing them.
            fcntl.lockf(file, fcntl.LOCK_SH)
            value: dict[str, Any] = json.load(file)
        return value

    def write(self, books: dict[str, Any]) -> None:
        (self.directory / "books").write_text(json.dumps(books))

    def set(self, **values: Any) -> None:
        self.write({**self.books, **values})

    def device(self, address: str, identity: str, driver: str | None = None, **more: Any) -> Path:
        """A function with its driver; the directory of its node in sysfs."""
        device = {"id": identity, "subsystem": "8086:a01f", "driver": driver, **more}
        self.set(devices={**self.books["devices"], address: device})
        real = self.directory / "sys" / "devices" / "pci0000:00" / address
        real.mkdir(parents=True)
        (self.directory / "sys/bus/pci/devices" / address).symlink_to(real)
        if driver is not None:
            (real / "driver").mkdir()
            (real / "driver" / "unbind").write_text("")
        return real

    def interface(self, device: Path, name: str, mac: str = "52:54:00:00:00:01") -> Path:
        """An interface of Linux's on a function."""
        (device / "net" / name).mkdir(parents=True)
        (device / "net" / name / "address").write_text(mac + "\n")
        (self.directory / "sys/class/net" / name).symlink_to(device / "net" / name)
        return device / "net" / name

    def guest(self, name: str, *, auto: bool = True, text: str = "") -> str:
        """A guest's file, and whether the host starts it by itself; its path."""
        path = self.directory / "etc" / name
        path.write_text(f'name = "{name}"\n{text}')
        if auto:
            (self.auto / path.name).symlink_to(path)
        return str(path)

    def lines(self, *lines: str) -> None:
        """Write the record."""
        self.record.write_text("".join(f"{line}\n" for line in ("# written by a test", *lines)))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script, with its calls written down from here on."""
        self.set(calls=[])
        command = [*self.shell, str(self.script), "--record", str(self.record), "--control", "/run/c.sock", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )

    def start(self, *options: str) -> tuple[int, list[str]]:
        """Run it; its exit status and what it said."""
        done = self.run(*options, "start")
        assert done.stdout == "", done.stdout
        return done.returncode, done.stderr.replace(f"{self.directory}/", "").splitlines()

    def has_xenstore_watch(self) -> None:
        os.mkfifo(self.directory / "xenstored")
        double = self.directory / "bin" / "xenstore-watch"
        double.write_text(f"#!{sys.executable} -SIE\n{EVENTS}")
        double.chmod(0o755)

    def event(self) -> None:
        """Let xenstored say that there is a new domain."""
        with (self.directory / "xenstored").open("w") as file:
            file.write("\n")

    def domain(self, number: str, name: str, state: str = "-b----") -> None:
        """Somebody makes a domain, or changes its state."""
        with (self.directory / "books").open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            books = json.load(file)
            books["domains"] = {
                key: value for key, value in books["domains"].items() if value[0] != name or key == number
            }
            books["guests"] = {key: value for key, value in books["guests"].items() if key in books["domains"]}
            books["domains"][number] = [name, state, "0.1"]
            file.seek(0), file.truncate(), json.dump(books, file)

    @property
    def calls(self) -> list[str]:
        """What was done, without the control socket's path."""
        return [call.replace(" --control /run/c.sock", "") for call in self.books["calls"]]
