"""The package is typed, all of it."""

from __future__ import annotations

import subprocess
import sys

USE = """\
import vetrun
from vetrun.executor import CodeBlock, CodeExecutor, CodeResult

report: vetrun.Report = vetrun.run("print(1)", timeout=2.5, memory="64MiB", env={"A": "b"}, policy=False)
text: str = report.execution.stdout.text if report.execution else ""
names: list[str] = [finding.rule_id for finding in report.findings]
result: CodeResult = CodeExecutor(network="none").execute_code_blocks([CodeBlock("print(1)")])
vetrun.vet("print(1)", timeout=3)
report.status = "passed"
"""


def mypy(*args):
    """What mypy says, without a cache."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir=/dev/null", *args]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout.splitlines()


def test_the_package_is_typed_and_says_so(tmp_path):
    assert mypy("--package", "vetrun") == []
    use = tmp_path / "use.py"
    use.write_text(USE)
    wrong = mypy(str(use))
    wrong = [line for line in wrong if ": error: " in line]
    assert len(wrong) == 2, wrong
    assert 'use.py:8: error: Unexpected keyword argument "timeout" for "vet"' in wrong[0]
    assert 'use.py:9: error: Property "status"' in wrong[1] and "is read-only" in wrong[1]
