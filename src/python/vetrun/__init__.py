"""Vets generated code before it runs, and runs it where it can do no harm.

    import vetrun

    report = vetrun.vet("import os; os.system('ls')")
    if not report.passed:
        print(report.feedback())

    report = vetrun.run("print(6 * 7)", timeout=10, memory="256MiB")
    report.raise_for_status()
    print(report.execution.stdout.text)

It fails closed: what could not be vetted raises `NotVetted`, and is never reported as passed.
"""

from __future__ import annotations

from ._api import batch, run, vet
from ._binary import find_binary
from ._options import RunOptions, VetOptions
from ._shape import Dependencies, Execution, Finding, Package, ValidationResult, ValidationResults
from .errors import Blocked, NothingToVet, NotVetted, Refused, RunFailed, VetrunError
from .report import Report

__all__ = [
    "Blocked",
    "Dependencies",
    "Execution",
    "Finding",
    "NotVetted",
    "NothingToVet",
    "Package",
    "Refused",
    "Report",
    "RunFailed",
    "RunOptions",
    "ValidationResult",
    "ValidationResults",
    "VetOptions",
    "VetrunError",
    "batch",
    "find_binary",
    "run",
    "vet",
]


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("vetrun")
    raise AttributeError(f"module 'vetrun' has no attribute {name!r}")
