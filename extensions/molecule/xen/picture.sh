#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: picture.sh [unpacked]
#
# What a run could change in dom0, one line each: files with mode and digest, the drivers of the devices, what xenstore
# has of them; and the initramfs' content, which differs from the file by nothing but times. Few processes: each costs a
# tenth of a second here.
set -eu
find /etc /boot /usr/local /var/lib /var/db -xdev ! -path '/boot/initrd.img-*' ! -path '/boot/grub/i386-pc/*' \
	! -path '/var/lib/dpkg/*' ! -path '/var/lib/xen/*' ! -path '/var/lib/xenstored*' -printf '%y %m %p %l\n' 2>/dev/null | sort
find /etc /boot /usr/local/sbin -xdev -type f ! -path '/boot/vmlinuz-*' ! -path '/boot/grub/i386-pc/*' -print0 |
	sort -z | xargs -0 sha256sum
if [ "${1:-}" = unpacked ]; then
	unpacked=$(mktemp -d)
	cd "$unpacked"
	zstd -dc /boot/initrd.img-* | cpio --extract --quiet
	find . -printf 'initramfs %y %m %p %l\n' | sort
	find . -type f -print0 | sort -z | xargs -0 sha256sum | sed 's/^/initramfs /'
	cd /
	rm -rf "$unpacked"
fi
for device in /sys/bus/pci/devices/*; do
	driver=$(readlink "$device/driver" || true)
	echo "driver ${device##*/} ${driver##*/}"
done
xenstore-ls -f /libxl/pci 2>/dev/null || true
xenstore-ls -f /local/domain/0/backend/pci 2>/dev/null || true
