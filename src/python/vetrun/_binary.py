"""Where the `vetrun` program is."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Iterator

from .errors import NotVetted

#: Names another program than the one of this package, for whoever works on vetrun.
OVERRIDE = "VETRUN_BINARY"

_NAME = "vetrun" + (".exe" if sys.platform == "win32" else "")


def find_binary() -> str:
    """The absolute path of `vetrun`: of the environment that this package is in, else from the PATH."""
    override = os.environ.get(OVERRIDE)
    if override:
        return os.path.abspath(override)
    for folder in _folders():
        candidate = os.path.join(folder, _NAME)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    found = shutil.which(_NAME)
    # A relative folder on the PATH may be one that generated code writes to.
    if found is None or not os.path.isabs(found):
        raise NotVetted(f"there is no `{_NAME}` beside this Python and none on the PATH (pip install vetrun)")
    return found


def _folders() -> Iterator[str]:
    package = Path(__file__).resolve().parent
    yield sysconfig.get_path("scripts")
    # `pip install --target DIR` and `--prefix DIR`.
    yield str(package.parent / "bin")
    if len(package.parents) > 3:
        yield str(package.parents[3] / "bin")
    # `pip install --user`.
    yield sysconfig.get_path("scripts", f"{os.name}_user")
