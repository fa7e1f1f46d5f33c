# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system's error names the file and what helps."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host.os_errors import explained, help_for, reason_of


@pytest.mark.parametrize(
    ("number", "helps"),
    [
        (errno.ENOSPC, "make room on its file system: see 'df' for bytes, 'df -i' for files"),
        (errno.EDQUOT, "raise the quota of the file's owner on its file system"),
        (errno.EROFS, "mount its file system for writing, or name a file elsewhere"),
        (
            errno.EPERM,
            "take the immutable or append-only flag from it and from its directory: chattr -i -a, or chflags noschg,nosappnd",
        ),
        (
            errno.EACCES,
            "see what keeps even root from it: an NFS export, or a security policy such as SELinux or AppArmor",
        ),
        (errno.EIO, "see 'dmesg' first: its disk fails"),
    ],
)
def test_what_helps(number: int, helps: str) -> None:
    error = explained(OSError(number, os.strerror(number), "/boot.cfg"), "it can't be replaced: ")
    assert str(error) == f"/boot.cfg: it can't be replaced: {os.strerror(number)}"
    assert error.remedy == helps


def test_what_the_system_does_not_name() -> None:
    error = explained(OSError(errno.EXDEV, "Invalid cross-device link"))
    assert (str(error), error.remedy) == ("Invalid cross-device link", None)
    assert (reason_of(ValueError("embedded null byte")), help_for(ValueError())) == ("embedded null byte", None)
