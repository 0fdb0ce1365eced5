"""What can go wrong. Whatever is raised, the code that was given is not to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .report import Report


class VetrunError(Exception):
    """The base of all errors of this package."""


class NotVetted(VetrunError):
    """Nothing is known of the code: bad usage, no sandbox, unreadable input, a deadline, a bug.

    `report` is what vetrun could still say, if anything; `exit_code` is that of the process, if it ended.
    """

    def __init__(self, message: str, *, report: Optional[Report] = None, exit_code: Optional[int] = None) -> None:
        super().__init__(message)
        self.report = report
        self.exit_code = exit_code


class NothingToVet(NotVetted):
    """There was nothing to vet."""


class Refused(VetrunError):
    """The code was vetted and is not to be used; the message is the report's feedback, fit for whoever wrote the code."""

    def __init__(self, report: Report, feedback: Optional[str] = None) -> None:
        super().__init__(report.feedback() if feedback is None else feedback)
        self.report = report


class Blocked(Refused):
    """Findings stand against the code; it was not run."""


class RunFailed(Refused):
    """The code was cleared, and its install or its run failed."""
