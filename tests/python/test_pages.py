"""What the page about Python shows is so."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

# What other packages are needed for, or folders.
ELSEWHERE = ("autogen_core", "smolagents", "artifacts")


def blocks(page):
    """The Python on a page."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize(
    ("position", "printed"),
    [
        (0, ["high python-os-system", "instead: ", "\n42\n"]),
        (1, ["0 1\n2\n"]),
    ],
)
def test_what_is_shown_can_be_run(root, position, printed):
    shown = [block for block in blocks(root / "src/help/python.md") if not any(word in block for word in ELSEWHERE)]
    assert len(shown) == 2
    ended = subprocess.run([sys.executable, "-c", shown[position]], stdout=subprocess.PIPE, text=True, check=True)
    for part in printed:
        assert part in ended.stdout, ended.stdout


def test_what_needs_other_packages_is_python_at_least(root):
    others = [block for block in blocks(root / "src/help/python.md") if any(word in block for word in ELSEWHERE)]
    assert len(others) == 3
    for block in others:
        compile(block, "python.md", "exec")
