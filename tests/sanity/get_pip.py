# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs pip from the wheel that the interpreter carries, for ansible-test on a machine without the internet.

ansible-test fetches a script of this purpose into its cache; tests/lint.sh puts this one there instead. Its
arguments, which name a version of pip and leave out setuptools and wheel, are met by the wheel as it is.
"""

from __future__ import annotations

import ensurepip
import sys
from pathlib import Path


def main() -> None:
    """Run the bundled pip to install itself."""
    wheels = sorted(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
    wheels += sorted(Path("/usr/share/python-wheels").glob("pip-*.whl"))
    if not wheels:
        sys.exit("this interpreter carries no pip wheel; install python3-venv")
    sys.path.insert(0, str(wheels[0]))
    from pip._internal.cli.main import main as pip

    sys.exit(pip(["install", "--disable-pip-version-check", "--no-index", str(wheels[0])]))


if __name__ == "__main__":
    main()
