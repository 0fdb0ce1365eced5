"""The hook in the real framework: what is staged is vetted, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

GOOD = "def double(number):\n    return 2 * number\n\n\nprint(double(21))\n"
BAD = "import os\n\n\ndef double(number):\n    return os.system('echo ' + number)\n\n\nprint(double(21))\n"


@pytest.fixture(scope="module")
def hooks(tmp_path_factory, root):
    """A repository of hooks, which the framework has fetched once."""
    folder = tmp_path_factory.mktemp("shared")
    hooks = Repository(folder / "hooks")
    shutil.copy(root / ".pre-commit-hooks.yaml", hooks.folder)
    hooks.commit("hooks")
    return hooks


@pytest.fixture
def repository(tmp_path, hooks, monkeypatch):
    """A git repository in which the hook is installed as users install it."""
    for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PRE_COMMIT_HOME", str(hooks.folder.parent / "pre-commit"))
    monkeypatch.setenv("PRE_COMMIT_COLOR", "never")
    here = Repository(tmp_path / "here")
    here.write(
        ".pre-commit-config.yaml",
        f"repos:\n- repo: {hooks.folder}\n  rev: {hooks.git('rev-parse', 'HEAD').stdout.strip()}\n"
        "  hooks:\n  - id: vetrun-system\n",
    )
    here.git("add", "--all")
    subprocess.run([sys.executable, "-m", "pre_commit", "install"], cwd=here.folder, check=True, capture_output=True)
    return here


class Repository:
    """A git repository in a new folder."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *args, check=True):
        """Runs git, with an author."""
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false", *args]
        return subprocess.run(command, cwd=self.folder, check=check, capture_output=True, text=True)

    def write(self, name, text):
        """Writes a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message):
        """Commits all files."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def try_commit(self):
        """Commits what is staged; whether that went well, and what was said."""
        done = self.git("commit", "--message", "change", check=False)
        return done.returncode == 0, done.stdout + done.stderr


def test_a_good_commit_passes(repository):
    repository.write("double.py", GOOD)
    repository.write("page/index.html", '<!doctype html>\n<html><head><script src="a.js"></script></head></html>\n')
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert is_committed and "vetrun" in said and "Passed" in said, said


def test_a_bad_commit_is_refused_with_the_reason(repository):
    repository.write("double.py", BAD)
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert not is_committed
    assert "double.py:5:12: high python-os-system command run through a shell by `os.system`" in said, said
    assert "failed: double.py" in said, said


def test_what_is_not_staged_is_not_judged(repository):
    repository.write("double.py", GOOD)
    repository.git("add", "double.py")
    repository.write("double.py", BAD)
    is_committed, said = repository.try_commit()
    assert is_committed, said
    assert (repository.folder / "double.py").read_text() == BAD


def test_what_is_staged_is_judged_though_the_file_was_mended_since(repository):
    repository.write("double.py", BAD)
    repository.git("add", "double.py")
    repository.write("double.py", GOOD)
    is_committed, said = repository.try_commit()
    assert not is_committed and "python-os-system" in said, said
    assert (repository.folder / "double.py").read_text() == GOOD


def test_files_are_judged_whatever_their_names(repository):
    names = ["two words.py", "-x.py", "--fail-on.py", "ünïcode.py", "$(true).py"]
    for name in names:
        repository.write(name, GOOD)
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert is_committed, said
    for name in names:
        repository.write(name, BAD)
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert not is_committed
    for name in names:
        assert f"{name}:5:12: high python-os-system" in said, said


def test_a_name_that_steers_terminals_is_refused_in_one_line(repository):
    repository.write("two\nlines.py", GOOD)
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert not is_committed and "two\\u{a}lines.py: high file-name-not-text" in said, said


def test_the_policy_of_the_repository_counts(repository):
    repository.write("vetrun.toml", '[gate]\nignore = ["python-os-system"]\n')
    repository.write("double.py", BAD)
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert is_committed, said


def test_a_policy_that_is_wrong_lets_nothing_pass(repository):
    repository.write("vetrun.toml", "[gate]\nfail_on = 'never'\n")
    repository.write("double.py", GOOD)
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert not is_committed and "not vetted" in said and "vetrun.toml" in said, said


def test_other_files_are_not_looked_at(repository):
    repository.write("notes.md", "```python\neval(input())\n```\n")
    repository.git("add", "--all")
    is_committed, said = repository.try_commit()
    assert is_committed and "no files to check" in said, said


def test_the_hooks_are_well_formed(root):
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(root / ".pre-commit-hooks.yaml")]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
