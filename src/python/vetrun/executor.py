"""Executors for agents: what a model wrote is vetted, run in a sandbox, and answered in words that it can act on.

`CodeExecutor` is called as AutoGen and AG2 call theirs, `PythonExecutor` as smolagents does; neither needs those packages.
Nothing of a block ever runs in this process, nor does anything run that was not cleared.
"""

from __future__ import annotations

import json
import keyword
import math
import os
import re
import secrets
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Protocol, Tuple

from . import _api
from ._feedback import feedback, printable
from .errors import Blocked, NotVetted, Refused, RunFailed
from .report import Report

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import RunOptions

#: Characters of output that are handed on, at most.
OUTPUT_CHARS_MAX = 20_000

#: Bytes of a final answer.
ANSWER_BYTES_MAX = 4 << 20

#: Exit codes of blocks that were not run, as shells have them: "cannot execute".
EXIT_NOT_RUN = 126

_LANGUAGES = {"": "python", "python": "python", "py": "python", "python3": "python"}
_LANGUAGES.update({"javascript": "javascript", "js": "javascript", "node": "javascript"})

_FENCED = re.compile(r"^(?P<fence>```+|~~~+)[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.M | re.S)


class Block(Protocol):
    """A block of code in some language, such as AutoGen's `CodeBlock`."""

    @property
    def code(self) -> str: ...
    @property
    def language(self) -> str: ...


@dataclass
class CodeBlock:
    """A block of code, and the language that its fence names."""

    code: str
    language: str = "python"


@dataclass
class CodeResult:
    """What came of some blocks: 0 where all of them ran and ended with 0, and what they wrote, or why they were refused."""

    exit_code: int
    output: str


def extract_code_blocks(message: str) -> List[CodeBlock]:
    """The fenced blocks of a Markdown text."""
    found = _FENCED.finditer(message if message.endswith("\n") else message + "\n")
    return [CodeBlock(match["code"], match["language"].lower()) for match in found]


class CodeExecutor:
    """Executes blocks of Python and JavaScript, each as a program of its own, as `vetrun.run` does with `options`.

    Nothing is kept from block to block: variables end with their program. Where nothing can be said of a block, for want of
    a sandbox or the like, `NotVetted` is raised.
    """

    def __init__(self, *, output_chars_max: int = OUTPUT_CHARS_MAX, **options: Unpack[RunOptions]) -> None:
        self._options = options
        self._output_chars_max = output_chars_max
        self.reports: List[Report] = []
        """The reports on the blocks of the last call."""

    def execute_code_blocks(self, code_blocks: Iterable[Block]) -> CodeResult:
        """Executes one block after another, to the first that is refused or fails."""
        self.reports = []
        outputs, exit_code = [], 0
        for block in code_blocks:
            exit_code, output = self._execute(block)
            outputs.append(output)
            if exit_code != 0:
                break
        return CodeResult(exit_code, "".join(outputs))

    def restart(self) -> None:
        """Nothing is kept that could be forgotten."""

    @property
    def code_extractor(self) -> CodeExecutor:
        """What finds the blocks in a message: this."""
        return self

    def extract_code_blocks(self, message: Any) -> List[CodeBlock]:
        """The fenced blocks of a message: a text, or a list of parts."""
        if isinstance(message, list):
            message = "\n".join(part.get("text") or "" for part in message if isinstance(part, dict))
        return extract_code_blocks(message or "")

    def _execute(self, block: Block) -> Tuple[int, str]:
        language = _LANGUAGES.get(block.language.strip().lower())
        if language is None:
            known = ", ".join(sorted(set(_LANGUAGES.values())))
            return EXIT_NOT_RUN, f"not run: blocks in {printable(block.language)} cannot be vetted (use {known})\n"
        report = _api.run(block.code, language=language, **self._options)
        self.reports.append(report)
        if report.execution is None:
            return (0 if report.passed else EXIT_NOT_RUN), report.feedback(self._output_chars_max) + "\n"
        output = printable(report.execution.stdout.text + report.execution.stderr.text)
        if report.passed:
            return 0, _shortened(output, self._output_chars_max)
        if report.execution.outcome == "exited" and report.execution.exit_code:
            return report.execution.exit_code, _shortened(output, self._output_chars_max)
        return 1, report.feedback(self._output_chars_max) + "\n"


class Answer(NamedTuple):
    """What came of a step: the final answer if it gave one, and what it wrote."""

    output: Any
    logs: str
    is_final_answer: bool


class PythonExecutor:
    """Executes the steps of an agent that thinks in Python, as `vetrun.run` does with `options`.

    A step is a program that begins with all earlier steps which ended well, so that what they defined is there; what they
    write is left out. A step calls `final_answer(value)` to end, with a value that JSON can hold. A step that is refused
    raises `Blocked`, one that fails `RunFailed`, with a message for the model.
    """

    def __init__(self, *, output_chars_max: int = OUTPUT_CHARS_MAX, **options: Unpack[RunOptions]) -> None:
        if "out" in options:
            raise TypeError("PythonExecutor has an output folder of its own")
        self._options = options
        self._output_chars_max = output_chars_max
        self._variables: Dict[str, str] = {}
        self._steps: List[str] = []
        self.report: Optional[Report] = None
        """The report on the last step."""

    def __call__(self, code_action: str) -> Answer:
        """Executes one step."""
        mark = secrets.token_hex(16)
        before = self._before(mark)
        # A line of its own at the end tells that the step came there.
        program = f"{before}{code_action}\n_vetrun_mark({mark!r})\n"
        with tempfile.TemporaryDirectory(prefix="vetrun-answer-") as folder:
            options: RunOptions = {**self._options, "out": folder}
            report = _api.run(program, filename=_STEP_FILE, **options)
            lines_before = before.count("\n")
            self.report, came_to_its_end = _own_part(report, mark, lines_before)
            if not report.passed:
                raise _refused(self.report, mark, lines_before, self._output_chars_max)
            has_answered, answer = _answer(os.path.join(folder, _ANSWER_FILE))
        if came_to_its_end:
            self._steps.append(code_action)
        return Answer(answer, self._logs(self.report), has_answered)

    def send_variables(self, variables: Mapping[str, Any]) -> None:
        """Gives later steps these variables; their values must be such that JSON can hold them."""
        for name, value in variables.items():
            if not name.isidentifier() or keyword.iskeyword(name):
                raise ValueError(f"{name!r} is no name of a variable")
            self._variables[name] = _literal(value, name)

    def send_tools(self, tools: Mapping[str, Any]) -> None:
        """Takes `final_answer`, which is there; other tools live in this process, where steps cannot reach."""
        others = sorted(set(tools) - {"final_answer"})
        if others:
            raise ValueError(f"steps run in a sandbox and cannot call tools of this process: {', '.join(others)}")

    def restart(self) -> None:
        """Forgets all steps and variables."""
        self._steps.clear()
        self._variables.clear()

    def _before(self, mark: str) -> str:
        variables = "".join(f"{name} = {literal}\n" for name, literal in self._variables.items())
        return _PRELUDE + variables + "".join(f"{step}\n" for step in self._steps) + f"_vetrun_mark({mark!r})\n"

    def _logs(self, report: Report) -> str:
        assert report.execution is not None
        text = printable(report.execution.stdout.text + report.execution.stderr.text)
        return _shortened(text, self._output_chars_max)


#: The name of a step in tracebacks and findings.
_STEP_FILE = "step.py"

_ANSWER_FILE = "final_answer.json"

#: Stands before every step, and is vetted with it.
_PRELUDE = f"""\
def final_answer(answer):
    import json, os
    with open(os.path.join(os.environ["OUTPUT_DIR"], {_ANSWER_FILE!r}), "w", encoding="utf-8") as file:
        json.dump(answer, file, default=str)
    raise SystemExit(0)
def _vetrun_mark(mark):
    import sys
    print(mark, flush=True)
    print(mark, file=sys.stderr, flush=True)
"""


def _own_part(report: Report, mark: str, lines_before: int) -> Tuple[Report, bool]:
    """The report without what earlier steps wrote, and whether the last one came to its end."""
    if report.execution is None:
        return report, False
    execution, parts = report.execution, {}
    for name in ("stdout", "stderr"):
        parts[name] = getattr(execution, name).text.split(mark + "\n")
    streams = {}
    for name, texts in parts.items():
        own = _shifted(texts[1] if len(texts) > 1 else texts[0], lines_before)
        streams[name] = replace(getattr(execution, name), text=own)
    is_whole = all(len(texts) == 3 for texts in parts.values())
    return replace(report, execution=replace(execution, **streams)), is_whole


def _shifted(traceback: str, lines_before: int) -> str:
    """A traceback with the line numbers that the writer of the step knows."""

    def shift(found: re.Match[str]) -> str:
        line = int(found[2]) - lines_before
        return f"{found[1]}{line}" if line > 0 else found[0]

    return re.sub(rf'(File "[^"\n]*{re.escape(_STEP_FILE)}", line )(\d{{1,9}})', shift, traceback)


def _refused(report: Report, mark: str, lines_before: int, chars_max: int) -> Refused:
    text = feedback(report, chars_max=chars_max, lines_before=lines_before)
    kind = Blocked if report.execution is None else RunFailed
    return kind(report, text.replace(f"_vetrun_mark({mark!r})", "(the end of the step)"))


def _answer(path: str) -> Tuple[bool, Any]:
    """Whether there is a final answer, and which; the file was written by generated code and may hold anything."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(ANSWER_BYTES_MAX + 1)
        if len(text) > ANSWER_BYTES_MAX:
            raise ValueError(f"more than {ANSWER_BYTES_MAX} bytes")
        return True, json.loads(text)
    except FileNotFoundError:
        return False, None
    except (OSError, ValueError, RecursionError) as error:
        raise NotVetted(f"the final answer cannot be read: {error}") from error


def _literal(value: Any, name: str) -> str:
    """`value` as Python source; only what JSON can hold has a source that is surely harmless."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return repr(value)
    if type(value) is float and math.isfinite(value):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_literal(item, name) for item in value)}]"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return "{" + ", ".join(f"{key!r}: {_literal(item, name)}" for key, item in value.items()) + "}"
    raise TypeError(f"the variable {name} holds a {type(value).__name__}, which cannot go into the sandbox")


def _shortened(text: str, chars_max: int) -> str:
    if len(text) <= chars_max:
        return text
    half = chars_max // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[len(text) - half :]}"
