"""`python -m vetrun` is `vetrun`."""

from __future__ import annotations

import os
import sys

from . import NotVetted, find_binary


def main() -> None:
    """Becomes the program."""
    try:
        binary = find_binary()
    except NotVetted as error:
        sys.stderr.write(f"vetrun: not vetted: {error}\n")
        sys.exit(2)
    os.execv(binary, ["vetrun", *sys.argv[1:]])


main()
