"""Vetting and running, as calls of the program with JSON between."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Iterator, List, Mapping, Optional, Sequence, Union

from . import _process
from ._options import Path, RunOptions, VetOptions, words
from ._record import ShapeError
from .errors import NothingToVet, NotVetted
from .report import Report

if TYPE_CHECKING:
    from typing_extensions import Unpack

Code = Union[str, bytes]

_NOTHING_TO_VET = 3
_VETTED = {0: "passed", 1: "failed", 4: "failed"}


def vet(
    code: Optional[Code] = None,
    *,
    path: Optional[Path] = None,
    language: Optional[str] = None,
    filename: Optional[str] = None,
    deadline: Optional[float] = None,
    **options: Unpack[VetOptions],
) -> Report:
    """Vets `code`, or the file or folder `path`, without running anything.

    Code is Python unless `language` or the ending of `filename` says something else. `deadline` is how many seconds
    vetrun has for everything. What stands against the code is in the report; see `Report.passed` and
    `Report.raise_for_status`.

    Raises `NotVetted` where nothing can be said of the code.
    """
    return _report("check", code, path, language, filename, deadline, words(options, run=False), ())


def run(
    code: Optional[Code] = None,
    *,
    path: Optional[Path] = None,
    args: Sequence[str] = (),
    language: Optional[str] = None,
    filename: Optional[str] = None,
    deadline: Optional[float] = None,
    **options: Unpack[RunOptions],
) -> Report:
    """Vets `code`, or the file or folder `path`, and runs what passes in a sandbox, with `args`.

    `timeout` limits the program, `deadline` everything, vetting and installing included. Else as `vet`.
    """
    return _report("run", code, path, language, filename, deadline, words(options, run=True), args)


def batch(
    *folders: Path, run: bool = False, jobs: Optional[int] = None, **options: Unpack[RunOptions]
) -> Iterator[Report]:
    """Vets every sub-folder and file of `folders` as an artifact of its own, and yields reports as they end.

    An artifact that could not be vetted has a report of status `error`. Raises `NotVetted` where artifacts were left out:
    only a batch that ends by itself is complete.
    """
    if not folders:
        raise TypeError("batch needs a folder")
    arguments = ["batch", "--format=jsonl", "--no-progress", *words(options, run=True), *(["--run"] if run else [])]
    arguments += [f"--jobs={jobs}"] if jobs is not None else []
    lines = _process.Lines([*arguments, "--", *map(_place, folders)])
    try:
        is_complete = False
        for line in lines:
            value = _json(line)
            kind = value.get("type")
            is_complete |= kind == "summary"
            if kind == "report":
                yield _read(value, None, ())
        ended = lines.end()
        if not is_complete or ended.exit_code < 0 or ended.exit_code == 130:
            raise _not_vetted(ended, None)
    finally:
        lines.close()


def _report(
    command: str,
    code: Optional[Code],
    path: Optional[Path],
    language: Optional[str],
    filename: Optional[str],
    deadline: Optional[float],
    options: List[str],
    args: Sequence[str],
) -> Report:
    if (code is None) == (path is None):
        raise TypeError("give either code or a path")
    if code is not None and language is None and filename is None:
        language = "python"
    arguments = [command, "--format=json", "--no-progress", *options]
    arguments += [f"--language={language}"] if language is not None else []
    arguments += [f"--stdin-filename={filename}"] if filename is not None else []
    arguments += ["-" if path is None else _place(path)]
    arguments += ["--", *args] if args else []
    ended = _process.run(arguments, _bytes(code), deadline)
    report = None
    if ended.stdout.strip():
        report = _read(_json(ended.stdout), ended.exit_code, ended.notes)
    # The exit code and the report must say the same, or neither is believed.
    if report is None or _VETTED.get(ended.exit_code) != report.status:
        raise _not_vetted(ended, report)
    return report


def _bytes(code: Optional[Code]) -> bytes:
    if code is None:
        return b""
    try:
        return code if isinstance(code, bytes) else code.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotVetted(f"the code cannot be written as UTF-8: {error}") from None


def _place(path: Path) -> str:
    """A path that is never taken for an option or for standard input."""
    text = os.fspath(path)
    return os.path.join(".", text) if text.startswith("-") else text


def _json(text: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotVetted(f"vetrun wrote no JSON: {error}") from error
    if not isinstance(value, dict):
        raise NotVetted("vetrun wrote no JSON object")
    return value


def _read(value: Mapping[str, object], exit_code: Optional[int], notes: Sequence[str]) -> Report:
    try:
        return Report.from_json(value, exit_code=exit_code, notes=notes)
    except ShapeError as error:
        raise NotVetted(f"vetrun wrote a report of another shape: {error}", exit_code=exit_code) from error


def _not_vetted(ended: _process.Ended, report: Optional[Report]) -> NotVetted:
    kind = NothingToVet if ended.exit_code == _NOTHING_TO_VET else NotVetted
    return kind(_reason(ended, report), report=report, exit_code=ended.exit_code)


def _reason(ended: _process.Ended, report: Optional[Report]) -> str:
    if report is not None and report.status == "error":
        results = report.validation_results
        passes = (results.syntax, results.structure, results.security, results.performance)
        for result in (*passes, results.dependencies, results.execution):
            if result.status == "error":
                return result.message
    if ended.notes:
        prefix = "not vetted: "
        last = "\n".join(ended.notes)
        return last[len(prefix) :] if last.startswith(prefix) else last
    if ended.exit_code < 0:
        return f"vetrun was ended by signal {-ended.exit_code}"
    return f"vetrun ended with exit code {ended.exit_code}"
