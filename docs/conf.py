# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes one site of docs/, the READMEs and what the modules say of themselves: `make docs`.

The source directory is the collection's own, so that links in the pages mean the same there and on a shelf of files.
"""

from __future__ import annotations

project = "xen.pciback"
project_copyright = "2026, xen.pciback contributors"
root_doc = "docs/site"
include_patterns = ["README.md", "docs/**", "lab/**", "native/README.md", "build/docs/modules/**"]
# build/ holds links to the source directory itself.
exclude_patterns = [".*", "build/[!d]*", "build/docs/html", "extensions", "native/build", "tests"]
extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
nitpicky = True
# Links to headings, as GitHub makes them.
myst_heading_anchors = 4
highlight_language = "none"
html_theme = "furo"
html_title = project
# The first page is docs/site, for the reason above; who opens the directory is sent there.
templates_path = ["templates"]
html_additional_pages = {"index": "index.html"}
