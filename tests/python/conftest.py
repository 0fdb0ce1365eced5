"""Tests of the Python package, of its examples and of what is built on it; they need it installed, and only they."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import vetrun

sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path):
    """A folder above which there is no policy, and the PATH on which the tested vetrun comes first."""
    monkeypatch.chdir(tmp_path)
    binary = os.path.dirname(vetrun.find_binary())
    monkeypatch.setenv("PATH", os.pathsep.join([binary, os.environ.get("PATH", "")]))
