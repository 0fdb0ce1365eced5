"""Tests that are programs of their own: each ends with 0 where everything is as promised."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["test_mcp.py"])
def test_a_program_finds_everything_as_promised(root, name):
    command = [sys.executable, str(root / "tests/python" / name)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == 0, ended.stdout
