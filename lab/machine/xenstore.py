# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xenstore: a tree of nodes with values, kept as paths in the machine's memory, parents included."""

from __future__ import annotations


class Store:
    """The nodes of a machine; ``nodes`` is the part of its state that holds them."""

    def __init__(self, nodes: dict[str, str]) -> None:
        self.nodes = nodes

    def read(self, path: str) -> str | None:
        return self.nodes.get(path)

    def write(self, path: str, value: str = "") -> None:
        """Write a node; parents that are missing are made, without a value."""
        parent = path.rpartition("/")[0]
        if parent and parent not in self.nodes:
            self.write(parent)
        self.nodes[path] = value

    def remove(self, path: str) -> None:
        """Remove a node with everything below it; none is no error."""
        for node in [node for node in self.nodes if node == path or node.startswith(path + "/")]:
            del self.nodes[node]

    def clean_up(self, path: str, stay: str) -> None:
        """Remove a node, and above it, up to ``stay``, what is then empty: so does xl with what it has made."""
        self.remove(path)
        parent = path.rpartition("/")[0]
        if parent.startswith(stay + "/") and not self.children(parent):
            self.clean_up(parent, stay)

    def children(self, path: str) -> list[str]:
        """The names of a node's children, in their order in the store."""
        start = path.rstrip("/") + "/"
        names = dict.fromkeys(node[len(start) :].partition("/")[0] for node in self.nodes if node.startswith(start))
        return list(names)

    def below(self, path: str) -> list[str]:
        """All nodes below a path, a node before its children."""
        found = []
        for name in self.children(path):
            node = path.rstrip("/") + "/" + name
            found += [node, *self.below(node)]
        return found


def changed(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, bool]]:
    """What became of the nodes between two moments: each path that changed, and whether it is gone."""
    gone = [(path, True) for path in before if path not in after]
    return gone + [(path, False) for path, value in after.items() if before.get(path) != value]


def is_seen(watched: str, path: str, gone: bool) -> bool:
    """Whether a watch on one path fires for a change at another: at or below it, or when what is above it goes."""
    return path == watched or path.startswith(watched + "/") or (gone and watched.startswith(path + "/"))
