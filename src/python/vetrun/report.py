"""The report, with what one does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ._feedback import feedback
from ._record import ShapeError
from ._shape import ReportShape
from .errors import Blocked, NotVetted, RunFailed

#: The version of the report's shape that this package reads.
SCHEMA_VERSION = "1"


@dataclass(frozen=True, repr=False)
class Report(ReportShape):
    """Everything that was seen of one artifact; the fields are those of the JSON report, in snake_case."""

    __slots__ = ("exit_code", "notes", "raw")

    exit_code: Optional[int]
    """0 passed, 1 blocked, 4 the install or the run failed; None in a batch, which has one for all."""
    notes: Tuple[str, ...]
    """What vetrun said beside the report."""
    raw: Dict[str, Any]
    """The JSON report as it came."""

    @classmethod
    def from_json(
        cls, value: Mapping[str, Any], *, exit_code: Optional[int] = None, notes: Sequence[str] = ()
    ) -> Report:
        """Reads a JSON report; raises `ValueError` where it is none."""
        if value.get("schemaVersion") != SCHEMA_VERSION:
            raise ShapeError(f"its schemaVersion is {value.get('schemaVersion')!r}, not {SCHEMA_VERSION!r}")
        shape = ReportShape.read(value)
        names = ReportShape.__slots__
        columns = {name: getattr(shape, name) for name in names}
        return cls(**columns, exit_code=exit_code, notes=tuple(notes), raw=dict(value))

    @property
    def passed(self) -> bool:
        """Whether nothing stands against it, and its run, if there was one, ended well."""
        return self.status == "passed"

    def raise_for_status(self) -> None:
        """Raises `Blocked`, `RunFailed` or `NotVetted` unless it passed."""
        if self.status == "error":
            raise NotVetted(self.feedback(), report=self, exit_code=self.exit_code)
        if not self.passed:
            raise (RunFailed if self.exit_code == 4 or self.execution is not None else Blocked)(self)

    def feedback(self, chars_max: int = 4000) -> str:
        """What whoever wrote the code should know, in at most `chars_max` characters: fit for a model's next turn."""
        return feedback(self, chars_max=chars_max)

    def __repr__(self) -> str:
        return f"<Report {self.status}: {self.artifact.name!r}, {len(self.findings)} findings>"
