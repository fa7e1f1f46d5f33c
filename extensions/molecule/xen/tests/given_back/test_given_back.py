# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything is as it was before the first run: files, the initramfs' content, drivers, the backend's part of xenstore."""

from __future__ import annotations

# An initramfs that is made anew differs in times, its content is listed too; and xl keeps notes in xenstore for ever.
NOT_COMPARED = ("  /boot/initrd.img", "/libxl")


def test_dom0_is_as_it_was(picture):
    before, after = (
        [line for line in picture(name) if not any(each in line for each in NOT_COMPARED)]
        for name in ("fresh", "given-back")
    )
    assert any(line.startswith("initramfs ") for line in before)
    assert after == before
