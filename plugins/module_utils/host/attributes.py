# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes and access control lists of a file, which the one that takes its place has to have too.

An ACL that is dropped widens the mode: what stat(2) shows as the group's bits is the ACL's mask then.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.refusals import NOT_REPLACEABLE

# These tell of the bytes of the old file, and of its right to do more than its user; the kernel makes them anew.
_OF_THE_BYTES = frozenset({"security.ima", "security.evm", "security.capability"})
_NONE_HERE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
# extattr(9): user's and system's.
_NAMESPACES = (1, 2)


def read(path: str) -> Mapping[str, bytes]:
    """The attributes of a file that have to be copied, by their names; ACLs are among them.

    :raises PcibackError: ``not-replaceable``: it has some, and Python can't read them here
    :raises OSError: they can't be read
    """
    if hasattr(os, "listxattr"):
        try:
            names = os.listxattr(path, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NONE_HERE:
                return {}
            raise
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names if name not in _OF_THE_BYTES}
    if _has_some(path):
        raise _refusal(path, "extended attributes or an access control list")
    return {}


def copy(attributes: Mapping[str, bytes], descriptor: int, path: str) -> None:
    """Give an open file these attributes, after its owner and mode.

    :param path: the file that has them, for messages
    :raises PcibackError: ``not-replaceable``: one can't be given
    """
    for name, value in attributes.items():
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            # A label may be what the system gives each file there.
            if not _has(descriptor, name, value):
                raise _refusal(path, f"the extended attribute '{name}'") from error


def _has(descriptor: int, name: str, value: bytes) -> bool:
    try:
        return os.getxattr(descriptor, name) == value
    except OSError:
        return False


def _has_some(path: str) -> bool:
    """Whether a BSD's file has attributes; its ACLs are some of the system's."""
    try:
        import ctypes

        list_link = ctypes.CDLL(None).extattr_list_link
    except (ImportError, OSError, AttributeError):
        # A system without the call has no attributes.
        return False
    list_link.restype = ctypes.c_ssize_t
    name = ctypes.c_char_p(os.fsencode(path))
    return any(list_link(name, space, None, ctypes.c_size_t(0)) > 0 for space in _NAMESPACES)


def _refusal(path: str, what: str) -> PcibackError:
    return PcibackError(
        f"it has {what}, which the file that would take its place can't get",
        code=NOT_REPLACEABLE,
        file=path,
        remedy="take them away and give the file an owner and a mode that do ('setfacl -b', 'setfattr -x', 'rmextattr')",
    )
