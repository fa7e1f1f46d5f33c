# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a system's errors mean for a person: which file, and what helps."""

from __future__ import annotations

import errno

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

HELP = {
    errno.ENOSPC: "make room on its file system: see 'df' for bytes, 'df -i' for files",
    errno.EDQUOT: "raise the quota of the file's owner on its file system",
    errno.EROFS: "mount its file system for writing, or name a file elsewhere",
    errno.EPERM: "take the immutable or append-only flag from it and from its directory: chattr -i -a, or chflags noschg,nosappnd",
    errno.EACCES: "see what keeps even root from it: an NFS export, or a security policy such as SELinux or AppArmor",
    errno.EIO: "see 'dmesg' first: its disk fails",
}


def reason_of(error: Exception) -> str:
    """What went wrong, in the system's words."""
    text = error.strerror if isinstance(error, OSError) else None
    return text or str(error)


def help_for(error: Exception) -> str | None:
    """What helps against it, ``None`` where nothing is known."""
    return HELP.get(error.errno or 0) if isinstance(error, OSError) else None


def explained(error: OSError, what: str = "") -> PcibackError:
    """A system's error as a sentence that names the file, if the system has named it.

    :param what: what could not be done
    """
    file = error.filename if isinstance(error.filename, str) else None
    return PcibackError(f"{what}{reason_of(error)}", file=file, remedy=help_for(error))
