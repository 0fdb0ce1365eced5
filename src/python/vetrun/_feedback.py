"""A report as text for whoever wrote the code: what is wrong, where, and what to write instead.

What generated code says is quoted, never obeyed: it is made printable, so that it cannot steer a terminal or hide in a
log, and every part has its limit.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, List

if TYPE_CHECKING:
    from ._shape import Decoded, Execution, Finding, ReportShape

FINDINGS_MAX = 10
SNIPPET_LINES_MAX = 3
LINE_CHARS_MAX = 300
STREAM_CHARS_MAX = 1500

_SEVERITIES = ("critical", "high", "medium", "low", "info")


def feedback(report: ReportShape, *, chars_max: int, lines_before: int = 0) -> str:
    """The text; `lines_before` is how many lines of each file are not the writer's own."""
    failing = [finding for finding in report.findings if finding.fails]
    failing.sort(key=lambda finding: _SEVERITIES.index(finding.severity) if finding.severity in _SEVERITIES else 0)
    parts = [_headline(report, len(failing))]
    if report.status != "passed":
        parts += [_finding(finding, lines_before) for finding in failing[:FINDINGS_MAX]]
        if len(failing) > FINDINGS_MAX:
            parts.append(f"… and {len(failing) - FINDINGS_MAX} more")
        parts += _grounds(report)
    if report.execution is not None:
        parts += _streams(report.execution)
    return _shortened("\n".join(parts), chars_max)


def printable(text: str) -> str:
    """`text` with characters that steer or hide written as escapes; line ends and tabs stay."""
    return "".join(char if char in "\n\t" or not _steers(char) else _escaped(char) for char in text)


def _steers(char: str) -> bool:
    return char not in " \u200c\u200d" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(char: str) -> str:
    return f"\\u{{{ord(char):x}}}"


def _headline(report: ReportShape, findings: int) -> str:
    name, execution = printable(report.artifact.name), report.execution
    if report.status == "error":
        return f"{name} was not vetted."
    if execution is None:
        plural = "" if findings == 1 else "s"
        if report.status == "passed":
            return f"{name} passed."
        what = f": {findings} finding{plural}" if findings else ""
        return f"{name} was refused and not run{what}."
    return f"{name} was run: {_ending(execution)}."


def _grounds(report: ReportShape) -> List[str]:
    """What stands against it beside its findings: passes that were not taken, and those that failed without one."""
    passes = report.validation_results
    results = [
        ("parse", "syntax", passes.syntax),
        ("structure", "structure", passes.structure),
        ("scan", "security", passes.security),
        ("budget", "performance", passes.performance),
        ("install", "dependencies", passes.dependencies),
        ("execute", "execution", passes.execution),
    ]
    told = {finding.pass_ for finding in report.findings if finding.fails}
    grounds = []
    for name, key, result in results:
        # How a program ended is said in the first line.
        if result.status == "failed" and name not in told and not (name == "execute" and report.execution is not None):
            grounds.append(f"- the {key} pass failed: {_line(result.message)}")
        elif result.status == "error":
            grounds.append(f"- the {key} pass could not be run: {_line(result.message)}")
    return grounds


def _ending(execution: Execution) -> str:
    if execution.outcome == "exited":
        return f"it ended with exit code {execution.exit_code}"
    signal = f" ({execution.signal})" if execution.signal else ""
    return f"it was ended, outcome {execution.outcome}{signal}"


def _finding(finding: Finding, lines_before: int) -> str:
    lines = [f"- {_place(finding, lines_before)}: {finding.severity} {finding.rule_id}: {_line(finding.message)}"]
    if finding.snippet:
        lines += [f"    | {_line(line)}" for line in finding.snippet.splitlines()[:SNIPPET_LINES_MAX]]
    if finding.decoded is not None:
        lines.append(f"    decoded from {_line(', '.join(finding.decoded.layers))}: {_line(_meant(finding.decoded))}")
    if finding.hint:
        lines.append(f"    instead: {_line(finding.hint)}")
    return "\n".join(lines)


def _meant(decoded: Decoded) -> str:
    """The line of a decoded text that is meant: that of the fault, or the first that says something."""
    lines = decoded.text.encode()
    if decoded.range is not None and decoded.range.start.offset >= decoded.offset:
        begin = lines.rfind(b"\n", 0, decoded.range.start.offset - decoded.offset) + 1
        lines = lines[begin:]
    said = (line.strip() for line in lines.decode(errors="replace").splitlines())
    return next((line for line in said if line), "")


def _place(finding: Finding, lines_before: int) -> str:
    path = _line(finding.path)
    if finding.range is None:
        return path
    start = finding.range.start
    if finding.cell is not None:
        return f"{path} cell {finding.cell.index}:{finding.cell.line}:{finding.cell.column}"
    line = start.line - lines_before
    return f"{path}:{line}:{start.column}" if line > 0 else path


def _streams(execution: Execution) -> List[str]:
    parts = []
    for name, stream in [("standard output", execution.stdout), ("standard error", execution.stderr)]:
        if stream.text.strip():
            cut = " (cut off)" if stream.truncated else ""
            parts.append(f"{name}{cut}:\n{_ends(printable(stream.text).rstrip(), STREAM_CHARS_MAX)}")
    return parts


def _line(text: str) -> str:
    text = printable(text.replace("\n", " "))
    return text if len(text) <= LINE_CHARS_MAX else text[: LINE_CHARS_MAX - 1] + "…"


def _ends(text: str, chars_max: int) -> str:
    """The end of a stream says most of it; its beginning says what it is."""
    if len(text) <= chars_max:
        return text
    head = chars_max // 4
    return f"{text[:head]}\n[… {len(text) - chars_max} characters left out …]\n{text[head - chars_max :]}"


def _shortened(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: max(chars_max - 1, 0)] + "…"
