# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A menu of GRUB that tries a hide list once: all entries stay as they are, and one more has the new list.

A variable of the environment block says whether it is the default. GRUB itself takes it back and writes that to the
disk before it shows the menu; where it can't write, it does not try. So whatever happens to the boot that has the new
list, the next one is as before, unless the host has said in between that the new list stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import BLOCK, NEXT_ENTRY
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_start import start
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.refusals import PREDICTION_MISMATCH

SCRIPT = "/etc/grub.d/43_xen_pciback_trial"
ID = "xen-pciback-trial"
SUFFIX = " (pciback trial)"
MARK = "xen-pciback-trial.run"
"""On the command line of a kernel that tries a list. The dot lets the kernel take it for a parameter of some module."""

VARIABLE = "xen_pciback_trial"
# Of the same length, so that to write one over another changes a few bytes of one sector and moves nothing.
ARMED = "armed"
TRIED = "tried"
KEPT = "final"

# Where the root file system is not found, initramfs-tools and dracut wait for a person, unless they are told otherwise.
_REBOOTS = ("panic=30", "rd.shell=0", "rd.emergency=reboot")

# `default` without `set`: who reads a menu for its owner's choice looks for that.
_CODE = f"""\
# Written by xen.pciback; it goes when the trial is settled.
{VARIABLE}=
if [ -s $prefix/{BLOCK} ]; then
  load_env {VARIABLE}
fi
if [ "${{boot_once}}" ]; then
  true
elif [ "${{{VARIABLE}}}" = "{ARMED}" ]; then
  {VARIABLE}={TRIED}
  if save_env {VARIABLE}; then
    default={ID}
  fi
elif [ "${{{VARIABLE}}}" = "{KEPT}" ]; then
  default={ID}
fi
"""

NEXT_ENTRY_SET = "next-entry-set"
GRUB_CANNOT_WRITE = "grub-cannot-write"
# As grub-probe calls them: those in which a file lies where it lies, without sums over what it holds.
_WRITABLE = ("ext2", "fat", "xfs")


@dataclass(frozen=True)
class Trial:
    """What a menu tries.

    :param title: of its entry
    :param value: its hide list; ``None`` if no list is what is tried
    """

    title: str
    value: str | None


def script(entry: grub.Entry, value: str | None) -> bytes:
    """A script for /etc/grub.d that tries a list, ``None`` for no list, in a copy of an entry."""
    text = grub.entry_copy(entry, value, suffix=SUFFIX, identity=ID, words=(MARK, *_REBOOTS))
    # Else a boot of it would make it the default of a menu that remembers what was booted.
    lines = [line for line in text.splitlines(keepends=True) if line.strip() != "savedefault"]
    return grub.script(_CODE + "".join(lines))


def read(menu: grub.Menu) -> Trial | None:
    """What a menu tries; ``None`` if that is nothing."""
    entry = _entry(menu)
    return None if entry is None else Trial(entry.title, entry.lists[-1] if entry.lists else None)


def check(data: bytes, value: str | None, variables: Mapping[str, str], file: str = grub.MENU) -> None:
    """Make sure that a menu tries a list as it has to, before it takes the place of the old one.

    :param variables: what the environment block holds
    :raises PcibackError: ``prediction-mismatch``: it does not
    """
    menu = grub.read_menu(data, file)
    entry = _entry(menu)
    if entry is None:
        raise _mismatch("it has no entry for the trial", file)
    others = {name: text for name, text in variables.items() if name not in (VARIABLE, NEXT_ENTRY)}
    usual = start(data, others, file=file).entry
    first = start(data, {**others, VARIABLE: ARMED}, file=file)
    wanted = () if value is None else (value,)
    if entry.kind != grub.XEN or entry.lists != wanted or MARK not in entry.command_line.split():
        raise _mismatch(f"its entry for the trial would hide {' and '.join(entry.lists) or 'nothing'}", file)
    if len(entry.command_line) > hide_parameter.MAX_COMMAND_LINE:
        raise _mismatch(
            f"its kernel would be told {len(entry.command_line)} characters, and Linux keeps "
            f"{hide_parameter.MAX_COMMAND_LINE}",
            file,
        )
    if usual is None or usual.ids[-1] == ID:
        raise _mismatch("what it boots after the trial is not certain", file)
    if first.entry != entry:
        raise _mismatch("it would not boot the entry for the trial", file)
    if start(data, first.variables, file=file).entry != usual:
        raise _mismatch(f"after the trial it would not boot '{usual.title}' again", file)
    if start(data, {**others, VARIABLE: ARMED}, writable=False, file=file).entry != usual:
        raise _mismatch("it would try without end where GRUB can't write its environment block", file)
    if start(data, {**others, VARIABLE: KEPT}, file=file).entry != entry:
        raise _mismatch("it would not go on booting what was confirmed", file)


def hindrance(variables: Mapping[str, str], file_system: str, abstractions: str) -> NoTrial | None:
    """Why GRUB would not try a list once; ``None`` if it would.

    :param variables: what the environment block holds
    :param file_system: where the block lies, as ``grub-probe --target=fs`` calls it
    :param abstractions: what is between that and the disk, as ``grub-probe --target=abstraction`` says it
    """
    between = " ".join(abstractions.split())
    if between:
        return NoTrial(
            GRUB_CANNOT_WRITE,
            f"GRUB's environment block lies on {between}, and GRUB writes on plain disks only, so it can't note that it "
            "has tried the list",
        )
    if file_system not in _WRITABLE:
        return NoTrial(
            GRUB_CANNOT_WRITE,
            f"GRUB's environment block lies in a file system of kind {file_system or 'unknown'}, and GRUB writes only in "
            f"{', '.join(_WRITABLE)}, so it can't note that it has tried the list",
        )
    if variables.get(NEXT_ENTRY):
        return NoTrial(
            NEXT_ENTRY_SET,
            f"somebody has chosen '{variables[NEXT_ENTRY]}' for the next boot (grub-reboot), which comes first",
        )
    return None


def _entry(menu: grub.Menu) -> grub.Entry | None:
    return next((entry for entry in menu.entries if entry.ids == (ID,)), None)


def _mismatch(problem: str, file: str) -> PcibackError:
    return PcibackError(
        f"the menu that grub-mkconfig made is no trial: {problem}; nothing was changed",
        code=PREDICTION_MISMATCH,
        file=file,
        remedy=f"see where {hide_parameter.PARAMETER} or GRUB_DEFAULT are set: /etc/default/grub, "
        "/etc/default/grub.d, /etc/grub.d",
    )
