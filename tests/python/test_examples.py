"""The examples do what they say."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXAMPLES = {
    "gate.py": ["high python-eval", "instead: `ast.literal_eval`", "--- passed\n12\n"],
    "autogen_loop.py": ["exit code 126\n", "python-subprocess-shell", "exit code 0\n['stdin.py']\n"],
    "smolagents_loop.py": ["--- logs\n2 rows\n", "step.py:1:", "python-eval", "--- answer\n2.0\n"],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_ends_well(root, name):
    command = [sys.executable, str(root / "tests/python/examples" / name)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == 0, ended.stdout
    # In this order.
    rest = ended.stdout
    for part in EXAMPLES[name]:
        assert part in rest, ended.stdout
        rest = rest.split(part, 1)[1]


def test_every_example_is_tried(root):
    assert {path.name for path in (root / "tests/python/examples").glob("*.py")} == set(EXAMPLES)
