"""The shape of a JSON report, version 1.

Made from `vetrun schema report` by `VETRUN_UPDATE_PYTHON=1 pytest tests/python/test_shape.py`, not by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Literal, Optional, Tuple

from ._record import Record

Verdict = Literal["passed", "failed", "error"]
"""The verdict on an artifact."""

Status = Literal["passed", "failed", "skipped", "error"]
"""How a pass ended."""

Pass = Literal["parse", "structure", "scan", "budget", "install", "execute"]
"""The passes, in the order in which they run."""

Severity = Literal["info", "low", "medium", "high", "critical"]
"""How bad a finding is, if it is what it looks like."""

Confidence = Literal["low", "medium", "high"]
"""How sure vetrun is that a finding is what it looks like."""

Fingerprint = str
"""Identifies a finding from run to run; `vetrun/v1` fingerprints never depend on line numbers."""

Suppression = Literal["baseline", "inline"]
"""Why a finding does not count."""

Ecosystem = Literal["python", "node"]
"""Whose packages they are."""


@dataclass(frozen=True)
class Tool(Record):
    """What made a report."""

    __slots__ = (
        "name",
        "version",
        "rules_digest",
        "policy_digest",
    )

    name: str
    """`vetrun`."""
    version: str
    """Its version."""
    rules_digest: str
    """The digest over the rules that ran."""
    policy_digest: str
    """The digest of the policy's meaning."""


@dataclass(frozen=True)
class ArtifactSummary(Record):
    """What was vetted."""

    __slots__ = (
        "name",
        "root",
        "digest",
        "files",
        "total_bytes",
    )

    name: str
    """What users call it."""
    root: str
    """Where it was read from."""
    digest: str
    """One digest for the whole, `sha256:…`."""
    files: Tuple[FileSummary, ...]
    """Its files, sorted by path."""
    total_bytes: int
    """The size of all files together."""


@dataclass(frozen=True)
class FileSummary(Record):
    """One file."""

    __slots__ = (
        "path",
        "language",
        "size_bytes",
        "lines",
        "digest",
    )

    path: str
    """Relative to the artifact's root."""
    language: str
    """What it is written in."""
    size_bytes: int
    """Its size."""
    lines: Optional[int]
    """Its number of lines; null where it is not text."""
    digest: str
    """`sha256:…`."""


@dataclass(frozen=True)
class ValidationResults(Record):
    """One result for each pass."""

    __slots__ = (
        "syntax",
        "structure",
        "security",
        "performance",
        "dependencies",
        "execution",
    )

    syntax: ValidationResult
    """Of the parse pass."""
    structure: ValidationResult
    """Of the structure pass."""
    security: ValidationResult
    """Of the scan pass."""
    performance: ValidationResult
    """Of the budget pass."""
    dependencies: ValidationResult
    """Of the install pass."""
    execution: ValidationResult
    """Of the execute pass."""


@dataclass(frozen=True)
class ValidationResult(Record):
    """The result of one pass."""

    __slots__ = (
        "status",
        "passed",
        "message",
        "duration_ms",
        "details",
    )

    status: Status
    """How the pass ended."""
    passed: Optional[bool]
    """Whether it passed; null where it was skipped or ended in an error."""
    message: str
    """What was checked, or why nothing was."""
    duration_ms: int
    """How long it took."""
    details: Dict[str, Any]
    """Facts of the pass's own."""


@dataclass(frozen=True)
class Finding(Record):
    """One finding."""

    __slots__ = (
        "rule_id",
        "pass_",
        "severity",
        "confidence",
        "message",
        "hint",
        "path",
        "range",
        "cell",
        "snippet",
        "related",
        "resolved",
        "decoded",
        "cwe",
        "fingerprint",
        "suppressed",
        "fails",
    )

    rule_id: str
    """The rule or check, named after the fault."""
    pass_: Pass
    """The pass that found it."""
    severity: Severity
    """How bad it is."""
    confidence: Confidence
    """How sure that is."""
    message: str
    """What was found."""
    hint: Optional[str]
    """What to do about it, where that is known."""
    path: str
    """The file; `.` for the artifact as a whole."""
    range: Optional[Range]
    """Where in the file; null for the file as a whole."""
    cell: Optional[Cell]
    """In which cell of a notebook, and where there; null elsewhere."""
    snippet: Optional[str]
    """The source lines."""
    related: Tuple[Related, ...]
    """Other places of the file that explain it."""
    resolved: Optional[str]
    """The qualified name that was really reached."""
    decoded: Optional[Decoded]
    """The decoded text that it is about or stands in; null where nothing was decoded."""
    cwe: Tuple[str, ...]
    """Weakness numbers, `CWE-95`."""
    fingerprint: Fingerprint
    """Identifies the finding from run to run; never depends on line numbers."""
    suppressed: Optional[Suppression]
    """Why it does not count, if so."""
    fails: bool
    """Whether it fails the artifact, under the policy that it was judged by."""


@dataclass(frozen=True)
class Range(Record):
    """A stretch of a file; `end` is the first position that is not part of it."""

    __slots__ = (
        "start",
        "end",
    )

    start: Position
    """Where it begins."""
    end: Position
    """Where it ends."""


@dataclass(frozen=True)
class Position(Record):
    """A place in a file."""

    __slots__ = (
        "line",
        "column",
        "offset",
    )

    line: int
    """The line, counted from 1."""
    column: int
    """The column, counted from 1 in Unicode scalar values."""
    offset: int
    """The byte, counted from 0, in the file's text (for a file that is not UTF-8: in its decoded text)."""


@dataclass(frozen=True)
class Cell(Record):
    """A place in a cell of a notebook; lines and columns are counted as in `Position`, within the cell's source."""

    __slots__ = (
        "index",
        "line",
        "column",
        "end_line",
        "end_column",
    )

    index: int
    """Which of all the notebook's cells, counted from 1."""
    line: int
    """The line where it begins."""
    column: int
    """The column where it begins."""
    end_line: int
    """The line where it ends."""
    end_column: int
    """The first column there that is not part of it."""


@dataclass(frozen=True)
class Related(Record):
    """Another place that explains a finding: where the bracket was opened, where the name was declared first."""

    __slots__ = (
        "message",
        "range",
        "cell",
        "snippet",
    )

    message: str
    """What is there: a lower-case fragment without a full stop."""
    range: Range
    """Where, in the same file."""
    cell: Optional[Cell]
    """Where in which cell, in a notebook."""
    snippet: str
    """The source lines of the range, at most `SNIPPET_BYTES_MAX` bytes."""


@dataclass(frozen=True)
class Decoded(Record):
    """Text that code decodes or puts together and then runs or writes: what a finding is about, or stands in."""

    __slots__ = (
        "layers",
        "language",
        "text",
        "offset",
        "bytes",
        "truncated",
        "range",
    )

    layers: Tuple[str, ...]
    """What hid it, the outermost first: `base64`, `base32`, `base85`, `ascii85`, `hex`, `zlib`, `gzip`, `deflate`,
    `rot13`, `percent`, `punycode`, `utf-16`, `escapes`, and `computed` for what the code puts together in a way of
    its own.
    """
    language: str
    """What it is run as: `python`, `javascript`, `html` or `shell`."""
    text: str
    """The text, without an indentation that all of its lines share; at most 4 KiB of it, around the place of the
    finding.
    """
    offset: int
    """The byte of the whole decoded text, counted from 0, at which `text` begins."""
    bytes: int
    """How many bytes the whole decoded text has."""
    truncated: bool
    """Whether `text` is not the whole."""
    range: Optional[Range]
    """Where in the whole decoded text the fault is; null for a finding about the call that runs it."""


@dataclass(frozen=True)
class Dependencies(Record):
    """What was installed."""

    __slots__ = (
        "installer",
        "requirements",
        "packages",
        "cache_hit",
        "fallback_triggered",
        "environment",
    )

    installer: Optional[str]
    """`pip 26.3`, `uv 0.13.8`, …."""
    requirements: Tuple[str, ...]
    """What was asked for, as handed to the installer."""
    packages: Tuple[Package, ...]
    """What was installed, sorted by name."""
    cache_hit: bool
    """Whether an earlier install was used again."""
    fallback_triggered: Optional[str]
    """Why another installer than the first choice was used; null where it was not."""
    environment: Optional[Environment]
    """Where it was installed for."""


@dataclass(frozen=True)
class Package(Record):
    """One installed package."""

    __slots__ = (
        "ecosystem",
        "name",
        "version",
        "digest",
        "size_bytes",
        "file",
        "url",
        "file_bytes",
        "uploaded",
        "requested",
        "required_by",
        "is_known",
    )

    ecosystem: Ecosystem
    """Whose package it is."""
    name: str
    """The normalised name."""
    version: str
    """The installed version."""
    digest: Optional[str]
    """The digest of the file that the index served; null where it is not known."""
    size_bytes: int
    """Bytes of the installed files."""
    file: Optional[str]
    """The file that was installed; null where it is not known."""
    url: Optional[str]
    """Where the index keeps it, without credentials; null where it is not known."""
    file_bytes: Optional[int]
    """Bytes of that file; null where they are not known."""
    uploaded: Optional[str]
    """When it was uploaded; null where the index does not tell."""
    requested: Optional[str]
    """The requirement that names it; null where others need it."""
    required_by: Tuple[str, ...]
    """The packages that need it, sorted; those of Node with their versions, `name@1.0.0`, of which there may be
    several.
    """
    is_known: bool
    """Whether it is among the most used packages, or the policy's owner knows it."""


@dataclass(frozen=True)
class Environment(Record):
    """The environment that install, verify and execute share."""

    __slots__ = (
        "platform",
        "interpreter",
        "pythonpath",
        "home",
    )

    platform: str
    """`linux-x86_64`."""
    interpreter: str
    """`python 3.11.7`."""
    pythonpath: str
    """The value of `PYTHONPATH`."""
    home: str
    """The value of `HOME`."""


@dataclass(frozen=True)
class Execution(Record):
    """What was run."""

    __slots__ = (
        "backend",
        "isolation",
        "image",
        "command",
        "exit_code",
        "signal",
        "outcome",
        "stdout",
        "stderr",
        "outputs",
        "refused_outputs",
        "metrics",
        "behaviour",
        "network",
    )

    backend: str
    """`native` or `docker`."""
    isolation: IsolationReport
    """Which restrictions held."""
    image: Optional[str]
    """The image, pinned by digest."""
    command: Tuple[str, ...]
    """The command as it ran inside."""
    exit_code: Optional[int]
    """The exit code; null unless the program exited."""
    signal: Optional[str]
    """The name of the signal that ended it; null unless one did."""
    outcome: str
    """`exited`, `signaled`, `timeout`, `oom`, `outputLimit`, `diskLimit` or `interrupted`."""
    stdout: StreamReport
    """What it wrote on standard output."""
    stderr: StreamReport
    """What it wrote on standard error."""
    outputs: Tuple[OutputFile, ...]
    """The files that it left in the output folder, sorted by path."""
    refused_outputs: Tuple[RefusedOutputReport, ...]
    """What it left there that was not taken, and why."""
    metrics: MetricsReport
    """What it used."""
    behaviour: BehaviourReport
    """What it tried."""
    network: NetworkReport
    """What it could reach."""


@dataclass(frozen=True)
class IsolationReport(Record):
    """Which restrictions held."""

    __slots__ = (
        "tier",
        "layers",
        "limits",
    )

    tier: str
    """One line."""
    layers: Dict[str, bool]
    """Whether each layer was active."""
    limits: Dict[str, LimitReport]
    """What enforced each limit."""


@dataclass(frozen=True)
class LimitReport(Record):
    """Whether a limit was enforced, and by what."""

    __slots__ = (
        "enforced",
        "by",
    )

    enforced: bool
    """Whether something would have stopped the program."""
    by: str
    """What, or why nothing would."""


@dataclass(frozen=True)
class StreamReport(Record):
    """One captured stream."""

    __slots__ = (
        "text",
        "bytes",
        "truncated",
    )

    text: str
    """What was kept; bytes that are not UTF-8 are U+FFFD."""
    bytes: int
    """How many bytes were written in all, as far as they were read."""
    truncated: bool
    """Whether more was written than was kept."""


@dataclass(frozen=True)
class OutputFile(Record):
    """One output file."""

    __slots__ = (
        "path",
        "size_bytes",
        "digest",
    )

    path: str
    """Relative to the output folder."""
    size_bytes: int
    """Its size."""
    digest: str
    """`sha256:…`."""


@dataclass(frozen=True)
class RefusedOutputReport(Record):
    """Something in the output folder that was not taken."""

    __slots__ = (
        "path",
        "reason",
    )

    path: str
    """Relative to the output folder, made printable."""
    reason: str
    """Why."""


@dataclass(frozen=True)
class MetricsReport(Record):
    """What a run used."""

    __slots__ = (
        "wall_ms",
        "cpu_ms",
        "memory_peak_bytes",
        "pids_peak",
        "oom_kills",
        "sampled",
    )

    wall_ms: int
    """From the program's start to its end."""
    cpu_ms: Optional[int]
    """User and system time of all processes."""
    memory_peak_bytes: Optional[int]
    """The highest memory use of all processes together."""
    pids_peak: Optional[int]
    """The highest number of processes and threads at once."""
    oom_kills: Optional[int]
    """How many processes the kernel killed for memory."""
    sampled: bool
    """Whether peaks were sampled."""


@dataclass(frozen=True)
class BehaviourReport(Record):
    """What a run tried."""

    __slots__ = (
        "traced",
        "untraced_because",
        "attempts",
        "truncated",
    )

    traced: bool
    """Whether the run was watched. Where it was not, nothing is known, which is not "nothing was tried"."""
    untraced_because: Optional[str]
    """Why it was not watched; null where it was."""
    attempts: Tuple[AttemptReport, ...]
    """What was tried, sorted by kind, call and target; equal attempts are counted together."""
    truncated: bool
    """Whether targets are missing because there were too many; counts are complete."""


@dataclass(frozen=True)
class AttemptReport(Record):
    """One thing that was tried."""

    __slots__ = (
        "kind",
        "call",
        "target",
        "answer",
        "count",
    )

    kind: str
    """`refused` (a system call that the sandbox refuses), `network` (an address beyond the sandbox), `lookup` (the
    address of a name) or `started` (another program).
    """
    call: str
    """The system call."""
    target: Optional[str]
    """What it was for, as the program wrote it: a path, an address and port, a name, a command line; null where there
    is nothing of the kind, or where it was not read any more.
    """
    answer: Optional[str]
    """The error that the sandbox answered with, `EPERM`; null where the kernel answered."""
    count: int
    """How often."""


@dataclass(frozen=True)
class NetworkReport(Record):
    """What a run could reach."""

    __slots__ = (
        "mode",
    )

    mode: str
    """`none`, `index` or `full`."""


@dataclass(frozen=True)
class ReportShape(Record):
    """The whole report on one artifact."""

    __slots__ = (
        "schema_version",
        "tool",
        "id",
        "agent_id",
        "status",
        "started_at",
        "finished_at",
        "duration_ms",
        "artifact",
        "validation_results",
        "findings",
        "dependencies",
        "execution",
        "logs",
    )

    schema_version: str
    """Always `"1"`."""
    tool: Tool
    """What made the report."""
    id: str
    """Identifies the report: derived from the artifact, the rules and the policy, so that equal inputs have equal ids.
    """
    agent_id: Optional[str]
    """The agent that generated the artifact, where the caller named it."""
    status: Verdict
    """The verdict on the whole."""
    started_at: str
    """When vetting began, RFC 3339 in UTC."""
    finished_at: str
    """When it ended."""
    duration_ms: int
    """How long it took."""
    artifact: ArtifactSummary
    """What was vetted."""
    validation_results: ValidationResults
    """One result for each pass."""
    findings: Tuple[Finding, ...]
    """What was found, sorted by path, position and rule."""
    dependencies: Optional[Dependencies]
    """What was installed; null where the install pass did not run."""
    execution: Optional[Execution]
    """What was run; null where the execute pass did not run."""
    logs: Tuple[str, ...]
    """What happened, in order, one line each: `[RFC 3339 time] text`."""
