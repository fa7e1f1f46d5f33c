# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests, as libxl keeps them: who runs, with which devices, and what list -l tells of them.

Nothing runs in the background: a guest that was asked to shut down is gone from the moment its
time has come, and every command first brings the list up to now.
"""

from __future__ import annotations

import time
from typing import Any, Dict

from . import hypervisor, kernel_backend
from .bus import Slot
from .state import Machine
from .xl_config import Config, PciSpec

Json = Dict[str, Any]


class Refusal(Exception):
    """libxl refuses; its error lines without ``libxl: error: ``, and its error code (negative)."""

    def __init__(self, code: int, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.code = code
        self.lines = lines


ERROR_FAIL = -3
ERROR_INVAL = -6


def settle(machine: Machine, now: float | None = None) -> None:
    """Bring the guests up to now: those whose shutdown is through leave or start anew."""
    moment = time.time() if now is None else now
    kept = []
    for domain in machine.state["domains"]:
        # Of one that takes dom0 down the rest is seen when somebody looks: kernel_backend.go_down().
        if domain["ends_at"] is None or domain["ends_at"] > moment or kernel_backend.takes_dom0_down(machine, domain):
            kept.append(domain)
            continue
        action = domain["on_" + domain["end"]]
        if action == "preserve":
            kept.append(dict(domain, state="shutdown", ends_at=None))
            continue
        hypervisor.forget(machine, domain)
        if action in ("restart", "rename-restart"):
            # What a backend beside the toolstack has given it is not in the configuration that xl starts it by.
            kept.append(dict(domain, domid=_next_domid(machine), ends_at=None, end=None, sees=[], served=[]))
            hypervisor.announce(machine, kept[-1])
            for entry in domain["pci"]:
                hypervisor.assign(machine, kept[-1]["domid"], entry["address"])
    machine.state["domains"] = kept


def _next_domid(machine: Machine) -> int:
    number: int = machine.state["next_domid"]
    machine.state["next_domid"] = number + 1
    return number


def _new_uuid() -> str:
    # Only here: all of xl loads this module, and what uuid brings is a third of what xl list takes.
    import uuid

    return str(uuid.uuid4())


def find(machine: Machine, name: str) -> Json | None:
    """A guest by name or number; dom0 is Domain-0."""
    for domain in machine.state["domains"]:
        if domain["name"] == name or str(domain["domid"]) == name:
            found: Json = domain
            return found
    return None


def assignable(machine: Machine) -> list[str]:
    """What pci-assignable-list prints: the devices of the backend's folder, less those that a
    guest got after its first one (the real list goes on naming the first)."""
    taken = {entry["address"] for domain in machine.state["domains"] for entry in domain["pci"][1:]}
    return [address for address in backend_devices(machine) if address not in taken]


def backend_devices(machine: Machine) -> list[str]:
    """The devices that the kernel's backend holds; none unless it registered."""
    if machine.state["boot"]["outcome"] != "registered":
        return []
    return sorted(device["slot"] for device in machine.tree.devices if device["driver"] == "pciback")


def _holder(machine: Machine, address: str) -> Json | None:
    for domain in machine.state["domains"]:
        if any(entry["address"] == address for entry in domain["pci"]):
            found: Json = domain
            return found
    return None


def attach(machine: Machine, domain: Json, spec: PciSpec, said: list[str]) -> None:
    """Give a claimed device to a guest, or refuse as libxl does (no other error is known of it:
    a device is assignable or it is not). ``said`` gets what it complains of without refusing."""
    domid = domain["domid"]
    words = f"libxl__device_pci_add failed for PCI device {spec.words} (rc -3)"
    failed = f"libxl_pci.c:1809:device_pci_add_done: Domain {domid}:{words}"
    lines = []
    if machine.state["boot"]["outcome"] != "registered":
        lines.append("libxl_pci.c:444:libxl_device_pci_assignable_list: Looks like pciback driver not loaded")
    taken = spec.address not in backend_devices(machine) or _holder(machine, spec.address) is not None
    if taken or any(entry["address"] == spec.address for entry in domain["pci"]):
        lines.append(
            f"libxl_pci.c:1677:libxl__device_pci_add: Domain {domid}:PCI device {spec.words} is not assignable"
        )
        raise Refusal(ERROR_FAIL, [*lines, failed])
    can, complaints = kernel_backend.add(machine, domid, spec.address)
    if not can:
        raise Refusal(ERROR_FAIL, [*said, *complaints, failed])
    said += complaints
    if not machine.state["boot"]["iommu"]:
        words = "xc_assign_device failed: Operation not supported"
        lines.append(f"libxl_pci.c:1512:pci_add_dm_done: Domain {domid}:{words}")
        raise Refusal(ERROR_FAIL, [*lines, failed])
    hypervisor.assign(machine, domid, spec.address)
    domain["pci"].append({"address": spec.address, "slot": spec.slot, "options": spec.options, "strict": spec.strict})


def detach(machine: Machine, domain: Json, spec: PciSpec) -> None:
    """Take a device back from a guest."""
    for entry in domain["pci"]:
        if entry["address"] == spec.address:
            domain["pci"].remove(entry)
            hypervisor.deassign(machine, domain["domid"], spec.address)
            return
    raise Refusal(
        ERROR_FAIL,
        [f"libxl_pci.c:1969:do_pci_remove: Domain {domain['domid']}:PCI device not attached to this domain"],
    )


def create(machine: Machine, config: Config, specs: list[PciSpec], said: list[str], paused: bool = False) -> Json:
    """Start a guest from its configuration. A failed start uses up a domain's number, too. ``said`` as for attach."""
    name = config.text("name") or ""
    if find(machine, name) is not None or name == "Domain-0":
        raise Refusal(
            ERROR_INVAL,
            [
                f'libxl_domain.c:67:libxl__domain_rename: Domain with name "{name}" already exists.',
                "libxl_create.c:1252:initiate_domain_create: cannot make domain: -6",
            ],
        )
    if config.text("passthrough") == "disabled" and specs:
        words = "libxl_create.c:1167:libxl__domain_config_setdefault: passthrough disabled but devices are specified"
        raise Refusal(ERROR_INVAL, [words])
    if (specs or config.text("passthrough") == "enabled") and not machine.state["boot"]["iommu"]:
        words = "libxl_create.c:1160:libxl__domain_config_setdefault: passthrough not supported on this platform"
        # The real one leaves an empty line behind these words.
        raise Refusal(ERROR_INVAL, [words + "\n"])
    domain: Json = {
        "domid": _next_domid(machine),
        "name": name,
        "uuid": config.text("uuid") or _new_uuid(),
        "memory": config.number("memory", 128),
        "maxmem": config.number("maxmem", config.number("memory", 128)),
        "vcpus": config.number("vcpus", 1),
        "kernel": config.text("kernel"),
        "ramdisk": config.text("ramdisk"),
        "cmdline": config.text("cmdline") or _command_line(config),
        "passthrough": config.text("passthrough"),
        "e820_host": bool(specs) or config.flag("e820_host"),
        "on_poweroff": config.text("on_poweroff") or "destroy",
        "on_reboot": config.text("on_reboot") or "restart",
        "on_crash": config.text("on_crash") or "destroy",
        "type": config.text("type") or "pv",
        "state": "paused" if paused else "running",
        "has_run": not paused,
        "started_at": time.time(),
        "ends_at": None,
        "end": None,
        "pci": [],
        "sees": [],
        # What the kernel's backend has read in xenstore, where pcibackctl has written it.
        "served": [],
        "connected": False,
    }
    domid = domain["domid"]
    for key, code in (("kernel", 637), ("ramdisk", 649)):
        path = domain[key]
        if path is not None and not _is_file(machine, path):
            raise Refusal(
                ERROR_FAIL,
                [
                    f"libxl_dom.c:{code}:libxl__build_pv: xc_dom_{key}_file failed: No such file or directory",
                    f"libxl_create.c:1652:domcreate_rebuild_done: Domain {domid}:cannot (re-)build domain: -3",
                    *_destroyed(domid),
                ],
            )
    if domain["kernel"] is None:
        words = f"libxl_bootloader.c:422:libxl__bootloader_run: Domain {domid}:no bootloader or kernel configured"
        raise Refusal(ERROR_INVAL, [words, *_destroyed(domid)])
    for spec in specs:
        try:
            attach(machine, domain, spec, said)
        except Refusal as refusal:
            for entry in domain["pci"]:
                hypervisor.deassign(machine, domid, entry["address"])
            words = f"libxl_create.c:1921:domcreate_attach_devices: Domain {domid}:unable to add pci devices"
            # With a device already given, libxl finds the domain and then fails to take it apart.
            leftover = _destroyed(domid)[1 if domain["pci"] else 0 :]
            raise Refusal(ERROR_FAIL, [*refusal.lines, words, *leftover]) from None
    machine.state["domains"].append(domain)
    hypervisor.announce(machine, domain)
    if not paused:
        kernel_backend.connect(machine, domain)
    return domain


def destroy(machine: Machine, domain: Json) -> list[str]:
    """End a guest at once; what libxl complains of meanwhile."""
    lines = kernel_backend.remove(machine, domain)
    machine.state["domains"].remove(domain)
    hypervisor.forget(machine, domain)
    return lines


def devices(machine: Machine, domain: Json) -> list[Json]:
    """What a guest has, of the kernel's backend and of one that is a process: ``xl pci-list`` reads it in xenstore."""
    found: list[Json] = domain["pci"] + hypervisor.served(machine, domain["domid"])
    return found


def _destroyed(domid: int) -> list[str]:
    return [
        f"libxl_domain.c:1183:libxl__destroy_domid: Domain {domid}:Non-existant domain",
        f"libxl_domain.c:1137:domain_destroy_callback: Domain {domid}:Unable to destroy guest",
        f"libxl_domain.c:1064:domain_destroy_cb: Domain {domid}:Destruction of domain failed",
    ]


def _command_line(config: Config) -> str | None:
    words = ["root={}".format(config.text("root"))] if config.text("root") else []
    words += [config.text("extra") or ""] if config.text("extra") else []
    return " ".join(words) or None


def _is_file(machine: Machine, path: str) -> bool:
    try:
        with open(machine.file(path), "rb"):
            return True
    except OSError:
        return False


def ask_to_end(machine: Machine, domain: Json, end: str) -> None:
    """A shutdown or reboot request; the guest needs a while, and some never comply."""
    settings = machine.state["settings"]
    if domain["name"] in settings["ignores_shutdown"] or domain["state"] != "running" or domain["ends_at"] is not None:
        return
    domain["ends_at"] = time.time() + settings["guest_shutdown_seconds"]
    domain["end"] = end


# -- list -l ---------------------------------------------------------------------------------------


def dom0_json(machine: Machine) -> Json:
    """Domain-0 as ``xl list -l`` describes it."""
    return {
        "domid": 0,
        "config": {
            "c_info": {"type": "pv", "name": "Domain-0"},
            "b_info": {
                "max_memkb": 17179869180,
                "target_memkb": machine.state["boot"]["memory_mib"] * 1024 - 1,
                "sched_params": {"sched": "credit2", "weight": 256, "cap": 0},
                "type.pv": {},
                "arch_arm": {},
                "arch_x86": {},
            },
        },
    }


def domain_json(domain: Json) -> Json:
    """A guest as ``xl list -l`` describes it; settings at their default are left out."""
    c_info = {
        "type": domain["type"],
        "name": domain["name"],
        "domid": 4294967295,
        "uuid": domain["uuid"],
        "run_hotplug_scripts": "True",
    }
    if domain["passthrough"]:
        c_info["passthrough"] = domain["passthrough"]
    b_info: Json = {
        "max_vcpus": domain["vcpus"],
        "avail_vcpus": list(range(domain["vcpus"])),
        "max_memkb": domain["maxmem"] * 1024,
        "target_memkb": domain["memory"] * 1024,
        "video_memkb": 0,
        "sched_params": {"sched": "credit2", "weight": 256, "cap": 0},
        "claim_mode": "True",
        "kernel": domain["kernel"],
    }
    for key in ("cmdline", "ramdisk"):
        if domain[key]:
            b_info[key] = domain[key]
    b_info["type.pv"] = {"e820_host": "True"} if domain["e820_host"] else {}
    b_info["arch_arm"] = {}
    b_info["arch_x86"] = {"msr_relaxed": "False"}
    config: Json = {"c_info": c_info, "b_info": b_info}
    # libxl leaves out what is in xenstore and not in the configuration that it has kept.
    if domain["pci"]:
        config["pcidevs"] = [_pci_json(entry) for entry in domain["pci"]]
    for event in ("on_poweroff", "on_reboot", "on_crash"):
        if domain[event] != "destroy":
            config[event] = domain[event]
    config["on_soft_reset"] = "soft_reset"
    return {"domid": domain["domid"], "config": config}


def _pci_json(entry: Json) -> Json:
    slot = Slot.parse(entry["address"])
    found: Json = {"func": slot.function, "dev": slot.device, "bus": slot.bus}
    if entry["slot"] is not None:
        found["vdevfn"] = entry["slot"] << 3
    found = {key: value for key, value in found.items() if value}
    found["vfunc_mask"] = 1
    for flag in ("msitranslate", "power_mgmt", "permissive", "seize"):
        if entry["options"].get(flag):
            found[flag] = True
    found["rdm_policy"] = "strict" if entry["strict"] else "relaxed"
    return found


def render(value: Any, depth: int = 0) -> str:
    """JSON as libxl's generator lays it out: four blanks a level, an empty map over three lines."""
    pad, inner = "    " * depth, "    " * (depth + 1)
    if isinstance(value, dict):
        body = ",\n".join(f'{inner}"{key}": {render(item, depth + 1)}' for key, item in value.items())
        return f"{{\n{body}\n{pad}}}"
    if isinstance(value, list):
        return "[\n{}\n{}]".format(",\n".join(inner + render(item, depth + 1) for item in value), pad)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"{}"'.format(str(value).replace("\\", "\\\\").replace('"', '\\"'))
