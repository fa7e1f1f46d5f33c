# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0 that answers: its kernel to writes into sysfs, its commands to calls.

What happens is computed from the state in the folder: drivers and slots from links and files of sysfs, the menu from the
settings that a shell reads, the guests' devices from what xl was told. What each does under which condition follows
recordings of a Debian 12 dom0 under Xen 4.17.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, grub_environment
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_start import start
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from tests.linux_host import LinuxHost, captured_drivers, usual_host
from tests.unit.product import NATIVE
from tests.xl_double import Answer, XlDouble, done, failed, libxl

MENU = Path(__file__).parent / "unit/formats/data/debian-12-xen-grub.cfg"
SETTINGS = (
    'GRUB_DEFAULT="Debian GNU/Linux, with Xen hypervisor"\n'
    'GRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX="console=hvc0 net.ifnames=0"\n'
)
ALIASES = (
    "alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000\nalias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n"
    "alias pci:v000010ECd00008139sv*sd*bc*sc*i* 8139cp\nalias pci:v000010ECd00008139sv*sd*bc*sc*i* 8139too\n"
    "alias pci:v*d*sv*sd*bc01sc08i02* nvme\n"
)
XEN_LINE = re.compile(r"^(\s*module2?\s+/boot/vmlinuz\S+ placeholder root=\S+ ro (?:single )?).*$", re.MULTILINE)


class LinuxXl(XlDouble):
    """xl of a Linux dom0, which gives devices to guests.

    :ivar iommu: whether Xen has one
    :ivar quarantined: devices that were in a guest, until xl is asked to let dom0 have them
    :ivar stale: devices that xenstore lists for domains that are gone
    :ivar deaf: guests that don't notice what happens to their devices, by their names
    """

    looks_to_end = 0

    def __init__(self, host: LinuxDom0) -> None:
        super().__init__(host.root)
        self.host = host
        self.next = 2
        self.iommu = True
        self.quarantined: set[str] = set()
        self.stale: dict[int, list[str]] = {}
        self.deaf: set[str] = set()

    def answer(self, words: list[str]) -> Answer:
        if words[0] not in ("list", "info"):
            self.host.calls.append("xl " + " ".join(words))
        return super().answer(words)

    def _info(self, words: list[str]) -> Answer:
        return done(f"virt_caps              : pv {'pv_directio ' if self.iommu else ''}gnttab-v1\n")

    def _assignable(self, address: str) -> bool:
        taken = {each for guest in self.guests for each in guest["pci"]}
        return self.host.driver(address) == "pciback" and address not in taken

    def _create(self, arguments: list[str]) -> Answer:
        paused = arguments[0] == "-p"
        path, *given = arguments[paused:]
        data = Path(path).read_bytes() + " ".join(given).encode()
        config = XlConfig.parse(Path(path).read_bytes(), path)
        wanted = [] if "pci=[]" in given else [str(address) for address in config.addresses]
        domid, self.next = self.next, self.next + 1
        if wanted and not self.iommu:
            return failed(6, "libxl: error: libxl_create.c:1160:x: passthrough not supported on this platform")
        for address in wanted:
            if not self._assignable(address):
                return failed(3, libxl("pci 1677 x", domid, f"PCI device {address} is not assignable"))
        # Xen sets up an IOMMU for a domain when it is made, or never.
        asked = b"passthrough" in data
        guest = {"name": config.name, "domid": domid, "state": "never_ran" if paused else "running", "pci": wanted}
        guest["waits"] = config.name in self.deaf
        self.guests.append({**guest, "asked": asked, "context": self.iommu and (bool(wanted) or asked)})
        return done()

    def _pci_attach(self, words: list[str]) -> Answer:
        guest, address = self._find(words[0]), "0000:" + words[1].partition(",")[0].partition("@")[0]
        if not self._assignable(address):
            return failed(1, libxl("pci 1677 x", 3, f"PCI device {address} is not assignable"))
        if not guest["context"]:
            return failed(1, libxl("pci 1529 x", 3, "xc_assign_device failed: Operation not supported"))
        guest["pci"].append(address)
        guest["waits"] = guest["name"] in self.deaf
        return 0, "", "libxl: error: libxl_pci.c:1573:x: The kernel doesn't support reset from sysfs for PCI device\n"

    def _pci_detach(self, words: list[str]) -> Answer:
        guest, address = self._find(words[0]), words[1]
        if address not in guest["pci"]:
            return failed(1, libxl("pci 1969 do_pci_remove", 3, "PCI device not attached to this domain"))
        if guest["name"] in self.deaf:
            return failed(1, "libxl: error: libxl_device.c:1486:x: unable to remove device")
        guest["pci"].remove(address)
        self.quarantined.add(address)
        return done()

    def _end(self, guest: dict[str, Any]) -> None:
        if guest["pci"]:
            self.stale[guest["domid"]] = list(guest["pci"])
        self.quarantined.update(guest["pci"])
        super()._end(guest)

    def _destroy(self, arguments: list[str]) -> Answer:
        self.quarantined.update(self._find(arguments[0])["pci"])
        return super()._destroy(arguments)

    def _pci_assignable_remove(self, words: list[str]) -> Answer:
        address = words[-1]
        if address not in self.quarantined:
            return failed(1, f"libxl: error: libxl_pci.c:906:x: failed to de-quarantine {address}")
        self.quarantined.remove(address)
        pciback = self.host.sys / "bus/pci/drivers/pciback"
        self.host.write(str(pciback / "unbind"), address)
        self.host.write(str(pciback / "remove_slot"), address)
        return done()


class LinuxDom0:
    """The host: ``root`` is its /, ``sys`` its sysfs, ``calls`` what was run and changed something.

    :param made: whether its files are there already, from another process
    """

    def __init__(self, folder: Path, root: Path | None = None, *, made: bool = False) -> None:
        self.root = root or folder / "root"
        self.sys = folder / "sys"
        self.proc = folder / "proc"
        self.xl = LinuxXl(self)
        self.libxl: dict[str, str] = {}
        self.calls: list[str] = []
        self.initramfs: dict[str, bytes] = {}
        self.language = ""
        self.file_system, self.abstractions = "ext2", ""
        self.grub_writes = True
        self.xen_has_watchdog = True
        if not made:
            self._make(folder)

    def _make(self, folder: Path) -> None:
        self.host: LinuxHost = usual_host(folder)
        (self.sys / "hypervisor").mkdir(parents=True)
        (self.sys / "hypervisor/type").write_text("xen\n")
        (self.sys / "hypervisor/uuid").write_text("00000000-0000-0000-0000-000000000000\n")
        for driver in (self.sys / "bus/pci/drivers").iterdir():
            (driver / "bind").touch()
            (driver / "unbind").touch()
            for device in self.devices.iterdir():
                if os.path.realpath(device / "driver") == str(driver):
                    (driver / device.name).symlink_to(os.path.realpath(device))
        (self.sys / "bus/pci/drivers_probe").touch()
        for device in self.devices.iterdir():
            (device / "modalias").write_text(self._modalias(device))
        self.write_file(f"/lib/modules/{os.uname().release}/modules.alias", ALIASES)
        self.write_file("/etc/default/grub", SETTINGS)
        for tool in ("sbin/grub-mkconfig", "sbin/grub-probe", "sbin/update-initramfs", "bin/grub-script-check"):
            self.write_file(f"/usr/{tool}", "#!/bin/sh\n", 0o755)
        self.write_file("/boot/grub/grub.cfg", self.mkconfig(), 0o444)
        self.write_file("/boot/grub/grubenv", grub_environment.empty().decode())
        self.initramfs = self.make_initramfs()

    @property
    def devices(self) -> Path:
        return self.sys / "bus/pci/devices"

    def path(self, name: str) -> Path:
        return Path(f"{self.root}{name}")

    def write_file(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Mode and content of every file of the host but sysfs, procfs and the records."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_mode, path.read_bytes())
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.relative_to(self.root).parts[0] != "proc"
        }

    def driver(self, address: str) -> str | None:
        link = self.devices / address / "driver"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else None

    def drivers(self) -> dict[str, str | None]:
        return {device.name: self.driver(device.name) for device in sorted(self.devices.iterdir())}

    @staticmethod
    def _modalias(device: Path) -> str:
        vendor, product = (int((device / name).read_text(), 16) for name in ("vendor", "device"))
        code = int((device / "class").read_text(), 16)
        return (
            f"pci:v{vendor:08X}d{product:08X}sv00001AF4sd00001100"
            f"bc{code >> 16:02X}sc{code >> 8 & 0xFF:02X}i{code & 0xFF:02X}\n"
        )

    # --- the kernel

    def write(self, path: str, text: str) -> None:
        """What the kernel does with a write into sysfs."""
        name = os.path.relpath(path, self.sys)
        folder, _slash, file = name.rpartition("/")
        driver = os.path.basename(folder)
        pciback = self.sys / "bus/pci/drivers/pciback"
        slots = (pciback / "slots").read_text().split() if pciback.is_dir() else []
        if not os.path.exists(path):
            raise FileNotFoundError(2, "No such file or directory", path)
        self.calls.append(f"{driver}/{file} {text}")
        if file == "new_slot":
            (pciback / "slots").write_text("".join(f"{slot}\n" for slot in [*slots, text]))
        elif file == "remove_slot":
            if text not in slots:
                raise OSError(2, "No such file or directory")
            slots.remove(text)
            (pciback / "slots").write_text("".join(f"{slot}\n" for slot in slots))
        elif file == "unbind":
            if self.driver(text) != driver:
                raise OSError(19, "No such device")
            (self.sys / folder / text).unlink(missing_ok=True)
            (self.devices / text / "driver").unlink()
        elif file == "bind":
            if self.driver(text) is not None or (driver == "pciback" and text not in slots):
                raise OSError(19, "No such device")
            self._bind(text, driver)
        elif name == "bus/pci/drivers_probe":
            found = "pciback" if text in slots else self._native_driver(text)
            if found and self.driver(text) is None and (self.sys / "bus/pci/drivers" / found).is_dir():
                self._bind(text, found)
        else:
            raise OSError(13, "Permission denied")

    def _bind(self, address: str, driver: str) -> None:
        folder = self.sys / "bus/pci/drivers" / driver
        place = os.path.realpath(self.devices / address)
        # What a device says counts. A process of a test that is killed in here leaves half of it.
        if not (folder / address).is_symlink():
            (folder / address).symlink_to(place)
        (self.devices / address / "driver").symlink_to(os.path.relpath(folder, place))

    def _native_driver(self, address: str) -> str | None:
        # The captured drivers are the kernel's own choice.
        return captured_drivers().get(address)

    def load_pciback(self, hide: tuple[str, ...] = ()) -> None:
        """Load xen-pciback; it takes what is in its list and has no driver."""
        folder = self.sys / "loading"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in ("bind", "unbind", "new_slot", "remove_slot"):
            (folder / file).touch()
        (folder / "slots").write_text("".join(f"{slot}\n" for slot in hide))
        folder.rename(self.sys / "bus/pci/drivers/pciback")
        (self.sys / "module/xen_pciback").mkdir(parents=True)
        (self.sys / "module/xen_pciback/initstate").write_text("live\n")
        for address in hide:
            if self.driver(address) is None:
                self._bind(address, "pciback")

    def unload_pciback(self) -> None:
        """Unload it; no driver gets what it held."""
        pciback = self.sys / "bus/pci/drivers/pciback"
        for file in pciback.iterdir():
            if file.is_symlink():
                (self.devices / file.name / "driver").unlink()
        shutil.rmtree(pciback)
        shutil.rmtree(self.sys / "module/xen_pciback")

    # --- commands

    def run(self, argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        """A command of the host."""
        name, words = os.path.basename(argv[0]), argv[1:]
        if name == "xl":
            return self.xl.answer(words)
        if name == "env":
            self.language = next(word.partition("=")[2] for word in words if word.startswith("LANG="))
            return self.run(argv[argv.index(f"LANG={self.language}") + 1 :])
        method = getattr(self, "_" + name.replace("-", "_"), None)
        if method is None:
            return 127, "", f"{argv[0]}: No such file or directory"
        answer: tuple[int, str, str] = method(words)
        return answer

    def _modprobe(self, words: list[str]) -> tuple[int, str, str]:
        if words[-1] == "xen-pciback" and (words[0] == "-r") == (self.sys / "bus/pci/drivers/pciback").is_dir():
            self.calls.append(" ".join(["modprobe", *words]))
            (self.unload_pciback if words[0] == "-r" else self.load_pciback)()
        return 0, "", ""

    def mkconfig(self) -> str:
        """What grub-mkconfig prints."""
        files = [self.path("/etc/default/grub"), *sorted(self.path("/etc/default/grub.d").glob("*.cfg"))]
        script = "".join(f". {shlex.quote(str(file))};" for file in files)
        script += (
            'printf "%s %s\\n%s" "${GRUB_CMDLINE_LINUX_XEN_REPLACE:-$GRUB_CMDLINE_LINUX}" '
            '"${GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT:-$GRUB_CMDLINE_LINUX_DEFAULT}" "$GRUB_DEFAULT"'
        )
        said = subprocess.run(["/bin/sh", "-ec", script], check=True, capture_output=True, text=True).stdout
        arguments, _newline, default = said.partition("\n")
        menu = XEN_LINE.sub(lambda match: match.group(1) + arguments, MENU.read_text())
        menu = menu.replace('set default="Debian GNU/Linux, with Xen hypervisor"', f'set default="{default}"')
        for file in sorted(self.path("/etc/grub.d").glob("*")):
            if os.access(file, os.X_OK):
                menu += subprocess.run([str(file)], check=True, capture_output=True, text=True).stdout
        return menu

    def _grub_mkconfig(self, words: list[str]) -> tuple[int, str, str]:
        assert words == []
        self.calls.append("grub-mkconfig")
        return 0, self.mkconfig(), "Generating grub configuration file ...\ndone\n"

    def _pciback_trial(self, words: list[str]) -> tuple[int, str, str]:
        """The program itself; this host's kernel has no Xen that would set a watchdog, or tell whether it has one."""
        if words == ["probe"]:
            without = (
                "pciback-trial: Xen gives dom0 no watchdog (Function not implemented), so nothing would undo a trial\n"
            )
            return (0, "Xen has a watchdog for a trial\n", "") if self.xen_has_watchdog else (1, "", without)
        argv = [str(NATIVE / "build/pciback-trial"), words[0], "--root", str(self.root), *words[1:]]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def _grub_probe(self, words: list[str]) -> tuple[int, str, str]:
        assert words[1] == "/boot/grub"
        return 0, {"--target=fs": self.file_system, "--target=abstraction": self.abstractions}[words[0]] + "\n", ""

    def _grub_script_check(self, words: list[str]) -> tuple[int, str, str]:
        depth = 0
        for number, line in enumerate(Path(words[0]).read_text().splitlines(), 1):
            depth += line.rstrip().endswith("{") - (line.strip() == "}")
            if depth < 0:
                return (
                    1,
                    "",
                    f"error: out of memory.\nSyntax error at line {number}\nScript `{words[0]}' has a syntax error.\n",
                )
        return int(depth > 0), "", "Syntax error at the end\n" if depth else ""

    def make_initramfs(self) -> dict[str, bytes]:
        """What is in the initramfs: what is copied into it, and what it loads by force."""
        found = {str(file.relative_to(self.root)): file.read_bytes() for file in self.path("/etc/modprobe.d").glob("*")}
        for hook in sorted(self.path("/etc/initramfs-tools/hooks").glob("*")):
            assert os.access(hook, os.X_OK)
            shell = "force_load() { echo $1; };" + hook.read_text().replace(". /usr/share", ": /usr/share")
            found["conf/modules"] = subprocess.run(["/bin/sh", "-ec", shell], check=True, capture_output=True).stdout
        return found

    def _update_initramfs(self, words: list[str]) -> tuple[int, str, str]:
        assert words == ["-u", "-k", "all"]
        self.calls.append("update-initramfs")
        self.initramfs = self.make_initramfs()
        return 0, "", ""

    def _xenstore_read(self, words: list[str]) -> tuple[int, str, str]:
        match = re.match(r"/local/domain/0/backend/pci/(\d+)/0/state", words[0])
        if match:
            guest = next((each for each in self.xl.guests if each["domid"] == int(match.group(1))), None)
            if guest is None or not guest["pci"]:
                return 1, "", "xenstore-read: couldn't read path\n"
            return 0, "7\n" if guest.get("waits") else "4\n", ""
        match = re.match(r"/libxl/pci/(.{4})-(..)-(..)-(.)/driver_path", words[0])
        path = self.libxl.get("{}:{}:{}.{}".format(*match.groups())) if match else None
        return (0, f"{path}\n", "") if path else (1, "", "xenstore-read: couldn't read path\n")

    def _xenstore_ls(self, words: list[str]) -> tuple[int, str, str]:
        lists = {guest["domid"]: guest["pci"] for guest in self.xl.guests if guest["pci"]}
        lists.update(self.xl.stale)
        lines = [f'{words[1]}/{domid}/0/dev-{n} = "{a}"' for domid, pci in lists.items() for n, a in enumerate(pci)]
        return (0, "\n".join(lines), "") if lines else (1, "", "xenstore-ls: xs_directory: No such file or directory\n")

    def _xenstore_rm(self, words: list[str]) -> tuple[int, str, str]:
        match = re.fullmatch(r"/local/domain/0/backend/pci/(\d+)", words[0])
        assert match, "nothing else is ours"
        self.calls.append("xenstore-rm")
        gone = self.xl.stale.pop(int(match.group(1)), None)
        return (0, "", "") if gone else (1, "", "xenstore-rm: could not remove path\n")

    def reboot(self) -> None:
        """What the next boot does: the list of the entry that GRUB boots, if the initramfs has xen-pciback.

        udev(7) loads the other drivers in the initramfs before that, unless they are told to wait.
        """
        entry = self._start_grub()
        self.libxl = {}
        self.xl.guests, self.xl.quarantined, self.xl.stale = [], set(), {}
        if (self.sys / "bus/pci/drivers/pciback").is_dir():
            self.unload_pciback()
        for device in list(self.drivers()):
            if self.driver(device) is not None:
                (self.devices / device / "driver").unlink()
        for folder in (self.sys / "bus/pci/drivers").iterdir():
            for link in [file for file in folder.iterdir() if file.is_symlink()]:
                link.unlink()
        told = b"".join(data for name, data in self.initramfs.items() if name.startswith("etc/modprobe.d"))
        waiting = re.findall(r"^softdep (\S+) pre: xen-pciback$", told.decode(), re.MULTILINE)
        for device in self.drivers():
            driver = self._native_driver(device)
            if driver and driver not in waiting:
                self._bind(device, driver)
        if self.initramfs.get("conf/modules") == b"xen-pciback\n" and entry is not None:
            hidden = re.findall(r"\(([^)]*)\)", entry.lists[-1]) if entry.lists else []
            self.load_pciback(tuple(hidden))
        for device in list(self.drivers()):
            driver = self._native_driver(device)
            if driver and self.driver(device) is None:
                self._bind(device, driver)
        record = self.path("/etc/xen-pciback/trial")
        if record.exists():
            # The program asks the kernel of this machine, which has not started again, for the name of the boot.
            text = re.sub(r"^boot\t[0-9a-f].*$", "boot\tbefore", record.read_text().rstrip("\n"), flags=re.MULTILINE)
            record.write_text(text.ljust(512, "\n"))
        self._pciback_trial(["begin"])

    def _start_grub(self) -> grub.Entry | None:
        """What GRUB boots, and writes into its environment block before."""
        block = self.path("/boot/grub/grubenv")
        data = block.read_bytes()
        before = grub_environment.read(data)
        started = start(self.path("/boot/grub/grub.cfg").read_bytes(), before, writable=self.grub_writes)
        for name in started.variables:
            if started.variables[name] != before.get(name):
                data = grub_environment.with_variable(data, name, started.variables[name])
        block.write_bytes(data)
        self.write_file("/proc/cmdline", f"{started.entry.command_line if started.entry else ''}\n")
        return started.entry
