# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xl(1), as far as a dom0 that passes devices through needs it."""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import time
from typing import Any, Callable

from .. import domains, hypervisor, kernel_backend, xen_process
from ..kernel import KERNEL_RELEASE, kernel_version
from ..state import Machine
from ..xl_config import Config, ConfigError, Crash, PciSpec, SpecError, parse, parse_pci_spec

# Parameters of xl.cfg(5) that xl reads as lists.
_LISTS = ("pci", "disk", "vif", "usbdev", "dtdev", "ioports", "irqs", "iomem", "cpus_soft")


class _Exit(Exception):
    def __init__(self, status: int, *lines: str) -> None:
        super().__init__(status)
        self.status = status
        self.lines = lines


def _usage(command: str, words: str) -> _Exit:
    return _Exit(2, f"Usage: xl [-vf] {command} {words}")


def _domain(machine: Machine, name: str) -> dict[str, Any]:
    domain = domains.find(machine, name)
    if domain is None:
        raise _Exit(1, f"{name} is an invalid domain identifier (rc=-6)")
    return domain


def _refused(refusal: domains.Refusal, status: int, *more: str) -> _Exit:
    return _Exit(status, *("libxl: error: " + line for line in (*refusal.lines, *more)))


# -- create ----------------------------------------------------------------------------------------


def _create(machine: Machine, arguments: list[str]) -> int:
    path: str | None = None
    extra: list[str] = []
    flags: set[str] = set()
    while arguments:
        word = arguments.pop(0)
        if word in ("-f", "--defconfig"):
            if not arguments:
                raise _usage("create", "<ConfigFile> [options] [vars]")
            path = arguments.pop(0)
        elif word.startswith("-"):
            if not re.fullmatch(r"-[FcdepqVA]+|-n|--(?:dryrun|quiet|debug|paused)", word):
                raise _usage("create", "<ConfigFile> [options] [vars]")
            flags.update(word.lstrip("-") if not word.startswith("--") else {word[2]} if word != "--dryrun" else {"n"})
        elif "=" in word:
            extra.append(word)
        elif path is None:
            path = word
        else:
            raise _usage("create", "<ConfigFile> [options] [vars]")
    if path is None:
        raise _usage("create", "<ConfigFile> [options] [vars]")
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            text = stream.read()
    except OSError as error:
        raise _Exit(3, f"Failed to read config file: {path}: {error.strerror}") from error
    if "q" not in flags:
        _say(f"Parsing config from {path}")
    config, specs = _read(text + "".join("\n" + line for line in extra), path)
    if "n" in flags:
        return 0
    with machine.changing():
        domains.settle(machine)
        said: list[str] = []
        try:
            domains.create(machine, config, specs, said, "p" in flags)
        except domains.Refusal as refusal:
            # The number of the domain that failed stays used.
            machine.save()
            raise _refused(refusal, -refusal.code) from None
    _complain(said)
    return 0


def _read(text: str, path: str) -> tuple[Config, list[PciSpec]]:
    try:
        config = parse(text, path)
    except ConfigError as error:
        raise _Exit(1, str(error), "Failed to parse config: Invalid argument") from None
    for warning in config.warnings(_LISTS):
        _say(warning)
    defaults = {flag: int(config.flag("pci_" + flag)) for flag in ("permissive", "msitranslate", "seize", "power_mgmt")}
    specs = []
    for word in config.strings("pci"):
        try:
            specs.append(parse_pci_spec(word, defaults))
        except SpecError as error:
            raise _Exit(6, f"{error.note}unable to parse PCI_SPEC_STRING `{word}' for passthrough") from None
    return config, specs


# -- looking -------------------------------------------------------------------------------------


def _list(machine: Machine, arguments: list[str]) -> int:
    long = False
    names = []
    for word in arguments:
        if word in ("-l", "--long"):
            long = True
        elif re.fullmatch(r"-[vZcn]+|--(?:verbose|context|cpupool|numa)", word):
            continue
        elif word.startswith("-"):
            raise _usage("list", "[options] [Domain]")
        else:
            names.append(word)
    if len(names) > 1:
        raise _usage("list", "[options] [Domain]")
    wanted: list[dict[str, Any] | None] = [None, *machine.state["domains"]]
    if names:
        wanted = [None] if names[0] in ("0", "Domain-0") else [_domain(machine, names[0])]
    if long:
        found = [domains.dom0_json(machine) if each is None else domains.domain_json(each) for each in wanted]
        sys.stdout.write(domains.render(found) + "\n\n")
        return 0
    lines = ["Name                                        ID   Mem VCPUs\tState\tTime(s)"]
    for each in wanted:
        if each is None:
            boot = machine.state["boot"]
            row = ("Domain-0", 0, boot["memory_mib"], 1, "r-----", boot["boottime"])
        else:
            state = {"running": "-b----", "paused": "--p---", "shutdown": "---s--"}[each["state"]]
            row = (each["name"], each["domid"], each["memory"], each["vcpus"], state, each["started_at"])
        used = max(0.0, time.time() - row[-1]) / 10 if each is None or each["has_run"] else 0.0
        lines.append("{:<40} {:5} {:5} {:5}     {}  {:8.1f}".format(*row[:-1], used))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _pci_list(machine: Machine, arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise _usage("pci-list", "<Domain>")
    entries = domains.devices(machine, _domain(machine, arguments[0]))
    if entries:
        sys.stdout.write("Vdev Device\n")
    for entry in entries:
        sys.stdout.write("{:02x}.0 {}\n".format(entry["slot"] or 0, entry["address"]))
    return 0


def _pci_assignable_list(machine: Machine, arguments: list[str]) -> int:
    if machine.state["boot"]["outcome"] != "registered":
        _say("libxl: error: libxl_pci.c:444:libxl_device_pci_assignable_list: Looks like pciback driver not loaded")
    for address in domains.assignable(machine):
        sys.stdout.write(address + " \n")
    return 0


def _domid(machine: Machine, arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise _usage("domid", "<DomainName>")
    domain = next((each for each in machine.state["domains"] if each["name"] == arguments[0]), None)
    if domain is None and arguments[0] != "Domain-0":
        raise _Exit(1, f"Can't get domid of domain name '{arguments[0]}', maybe this domain does not exist.")
    sys.stdout.write(f"{domain['domid'] if domain else 0}\n")
    return 0


def _domname(machine: Machine, arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise _usage("domname", "<DomainId>")
    domain = next((each for each in machine.state["domains"] if str(each["domid"]) == arguments[0]), None)
    if domain is None and arguments[0] != "0":
        raise _Exit(1, f"Can't get domain name of domain id '{arguments[0]}', maybe this domain does not exist.")
    sys.stdout.write(f"{domain['name'] if domain else 'Domain-0'}\n")
    return 0


def _info(machine: Machine, arguments: list[str]) -> int:
    total = machine.bus.facts.get("memory_mib", 1024) - 1
    used = machine.state["boot"]["memory_mib"] + sum(each["memory"] for each in machine.state["domains"])
    # Words of the captures of Xen 4.17, with an IOMMU and without.
    caps = "pv pv_directio iommu_hap_pt_share" if machine.state["boot"]["iommu"] else "pv"
    rows = (
        ("host", machine.state["name"]), ("release", KERNEL_RELEASE),
        ("version", kernel_version(machine.state["boot"]["configname"])), ("machine", "amd64"), ("nr_cpus", "1"),
        ("max_cpu_id", "0"), ("nr_nodes", "1"), ("cores_per_socket", "1"), ("threads_per_core", "1"),
        ("cpu_mhz", "2596.136"), ("virt_caps", caps + " gnttab-v1 gnttab-v2"), ("total_memory", str(total)),
        ("free_memory", str(max(0, total - used - 34))), ("sharing_freed_memory", "0"), ("sharing_used_memory", "0"),
        ("outstanding_claims", "0"), ("free_cpus", "0"), ("xen_major", "4"), ("xen_minor", "17"), ("xen_extra", ".7"),
        ("xen_version", "4.17.7"), ("xen_caps", "xen-3.0-x86_64 "), ("xen_scheduler", "credit2"),
        ("xen_pagesize", "4096"), ("platform_params", "virt_start=0xffff800000000000"), ("xen_changeset", ""),
        ("xend_config_format", "4"),
    )  # fmt: skip
    sys.stdout.write("".join(f"{name:<23}: {value}\n" for name, value in rows))
    return 0


# -- changing --------------------------------------------------------------------------------------


def _end(command: str, end: str) -> Callable[[Machine, list[str]], int]:
    doing = "Shutting down" if end == "poweroff" else "Rebooting"

    def run(machine: Machine, arguments: list[str]) -> int:
        flags = "".join(word.lstrip("-") for word in arguments if re.fullmatch(r"-[awF]+", word))
        flags += "".join({"--all": "a", "--wait": "w"}.get(word, "") for word in arguments)
        names = [word for word in arguments if not word.startswith("-")]
        if ("a" in flags) == bool(names) or len(names) > 1:
            raise _usage(command, "[options] <-a|Domain>")
        with machine.changing():
            domains.settle(machine)
            asked = list(machine.state["domains"]) if "a" in flags else [_domain(machine, names[0])]
            for domain in asked:
                _say(f"{doing} domain {domain['domid']}")
                domains.ask_to_end(machine, domain, end)
        if "w" in flags and asked:
            _wait(machine, [domain["domid"] for domain in asked], end)
        return 0

    return run


def _wait(machine: Machine, domids: list[int], end: str) -> None:
    """Wait until these are gone; as with the real one, for ever if one never goes."""
    _say(f"Waiting for {len(domids)} domains")
    done = "shut down, reason code 0" if end == "poweroff" else "rebooted, reason code 1"
    while domids:
        with machine.changing():
            domains.settle(machine)
            running = {each["domid"] for each in machine.state["domains"] if each["state"] != "shutdown"}
        kernel_backend.go_down(machine)
        for domid in [each for each in domids if each not in running]:
            _say(f"Domain {domid} has been {done}")
            domids.remove(domid)
        if domids:
            time.sleep(0.05)


def _destroy(machine: Machine, arguments: list[str]) -> int:
    names = [word for word in arguments if word != "-f"]
    if len(names) != 1:
        raise _usage("destroy", "<Domain>")
    if names[0] in ("0", "Domain-0"):
        raise _Exit(1, "Not destroying domain 0; use -f to force.")
    with machine.changing():
        domains.settle(machine)
        domain = _domain(machine, names[0])
        panics = kernel_backend.takes_dom0_down(machine, domain)
        _complain(domains.destroy(machine, domain))
        if panics:
            kernel_backend.panic(machine)
    return kernel_backend.come_back(machine) if panics else 0


def _pause(state: str, command: str) -> Callable[[Machine, list[str]], int]:
    def run(machine: Machine, arguments: list[str]) -> int:
        if len(arguments) != 1:
            raise _usage(command, "<Domain>")
        with machine.changing():
            domains.settle(machine)
            domain = _domain(machine, arguments[0])
            if domain["state"] != "shutdown":
                domain["state"] = state
            if domain["state"] == "running":
                domain["has_run"] = True
                kernel_backend.connect(machine, domain)
        return 0

    return run


def _hot_plug(command: str) -> Callable[[Machine, list[str]], int]:
    def run(machine: Machine, arguments: list[str]) -> int:
        words = [word for word in arguments if word != "-f"]
        if len(words) < 2:
            raise _usage(command, "<Domain> <PCI_SPEC_STRING>")
        # The virtual slot may stand behind the device as a word of its own.
        text = words[1] + ("@" + words[2] if len(words) > 2 and "@" not in words[1] else "")
        with machine.changing():
            domains.settle(machine)
            domain = _domain(machine, words[0])
            try:
                spec = parse_pci_spec(text)
            except SpecError as error:
                raise _Exit(2, f'{error.note}{command}: malformed PCI_SPEC_STRING "{text}"') from None
            try:
                if command == "pci-attach":
                    domains.attach(machine, domain, spec, [])
                else:
                    domains.detach(machine, domain, spec)
            except domains.Refusal as refusal:
                deed = "add" if command == "pci-attach" else "remove"
                last = f"libxl_device.c:1486:device_addrm_aocomplete: unable to {deed} device"
                raise _refused(refusal, 1, last) from None
        return 0

    return run


def _assignable_change(command: str) -> Callable[[Machine, list[str]], int]:
    def run(machine: Machine, arguments: list[str]) -> int:
        words = [word for word in arguments if word != "-r"]
        if len(words) != 1:
            raise _usage(command, "<BDF>")
        try:
            spec = parse_pci_spec(words[0])
        except (SpecError, Crash):
            raise _Exit(2, f'{command}: malformed BDF "{words[0]}"') from None
        # NetBSD claims devices at boot only, and has no /sys that libxl could move them in.
        if command == "pci-assignable-add":
            where = (
                f"libxl_pci.c:792:libxl__device_pci_assignable_add: Couldn't lstat /sys/bus/pci/devices/{spec.address}"
            )
            raise _Exit(1, f"libxl: error: {where}: No such file or directory")
        with machine.changing():
            was_there = hypervisor.deassign(machine, hypervisor.QUARANTINE, spec.address)
        if not was_there:
            where = "libxl_pci.c:906:libxl__device_pci_assignable_remove"
            raise _Exit(1, f"libxl: error: {where}: failed to de-quarantine {spec.address}")
        where = "libxl_pci.c:667:pciback_dev_has_slot: Couldn't open /kern/xen/pci/slots"
        raise _Exit(0, f"libxl: error: {where}: No such file or directory")

    return run


_COMMANDS: dict[str, Callable[[Machine, list[str]], int]] = {
    "create": _create,
    "destroy": _destroy,
    "domid": _domid,
    "domname": _domname,
    "info": _info,
    "list": _list,
    "pause": _pause("paused", "pause"),
    "pci-assignable-add": _assignable_change("pci-assignable-add"),
    "pci-assignable-list": _pci_assignable_list,
    "pci-assignable-remove": _assignable_change("pci-assignable-remove"),
    "pci-attach": _hot_plug("pci-attach"),
    "pci-detach": _hot_plug("pci-detach"),
    "pci-list": _pci_list,
    "reboot": _end("reboot", "reboot"),
    "shutdown": _end("shutdown", "poweroff"),
    "unpause": _pause("running", "unpause"),
}


def _say(line: str) -> None:
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)


def _complain(lines: list[str]) -> None:
    for line in lines:
        _say("libxl: error: " + line)


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    while arguments and re.fullmatch(r"-[vftNT]+", arguments[0]):
        arguments = arguments[1:]
    if not arguments or arguments[0] not in _COMMANDS:
        if not arguments or arguments[0] in ("help", "-h", "--help"):
            sys.stdout.write(
                "Usage xl [-vfNtT] <subcommand> [args]\n\n{}\n".format("\n".join(" " + name for name in _COMMANDS))
            )
            return 0 if arguments else 1
        _say(f'xl: unknown command "{arguments[0]}"')
        return 1
    machine.load()
    if not machine.state["boot"]["under_xen"]:
        _say("xencall: error: Could not obtain handle on privileged command interface: No such file or directory")
        _say("libxl: error: libxl.c:102:libxl_ctx_alloc: cannot open libxc handle: No such file or directory")
        _say("cannot init xl context")
        return 1
    kernel_backend.go_down(machine)
    domains.settle(machine)
    try:
        status = _COMMANDS[arguments[0]](machine, list(arguments[1:]))
        xen_process.wake(machine)
        return status
    except _Exit as end:
        for line in end.lines:
            _say(line)
        return end.status
    except Crash:
        # xl 4.17 really does this, so whoever runs it must bear it.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
        return 139
