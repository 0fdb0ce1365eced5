"""Reports in other people's formats are held against those people's own packages.

Needs `vetrun` on the PATH and the packages that are imported below; renders artifacts of `fixtures/`, and one whose name
and output are hostile.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement, statement_pb2
from junitparser import JUnitXml
from packaging.pylock import Pylock
from sarif_pydantic import Sarif
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
HOSTILE_NAME = "]]><script>alert(1)</script>%0A::error::x"
HOSTILE_CODE = 'import os\nos.system("</failure>]]> & <b>")\nprint("\\x1b[31m::error::x")\n'


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """Passed, blocked, broken, hostile, and one that is not there."""
    hostile = tmp_path_factory.mktemp("hostile") / HOSTILE_NAME.replace("/", "\u2215")
    hostile.mkdir()
    (hostile / "main.py").write_text(HOSTILE_CODE, encoding="utf-8")
    blocked = sorted(path for path in (FIXTURES / "blocked").iterdir() if path.is_dir())[:8]
    clean = FIXTURES / "clean" / "cli-tool"
    # One is named twice: identities must stay apart.
    return [clean, *blocked, blocked[0], FIXTURES / "broken" / "syntax-error", hostile, FIXTURES / "not-there"]


def rendered(kind, artifacts):
    """What `vetrun check` writes in this format."""
    command = ["vetrun", "check", "--no-policy", "--format", kind, *map(str, artifacts)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert ended.returncode in (0, 1, 2), ended.stderr
    return ended.stdout.decode("utf-8")


def test_sarif(artifacts):
    log = Sarif.model_validate_json(rendered("sarif", artifacts))
    (run,) = log.runs
    assert len(run.results) > 8
    known = [rule.id for rule in run.tool.driver.rules]
    for result in run.results:
        assert known[result.rule_index] == result.rule_id
        assert result.locations[0].physical_location.region.start_line >= 1


def test_junit(artifacts, tmp_path):
    file = tmp_path / "report.xml"
    file.write_text(rendered("junit", artifacts), encoding="utf-8")
    suites = list(JUnitXml.fromfile(str(file)))
    assert len(suites) == len(artifacts)
    assert [suite.name for suite in suites][-2].startswith("]]><script>alert(1)")
    cases = [case for suite in suites for case in suite]
    assert len(cases) == 6 * len(artifacts)
    assert sum(case.is_error for case in cases) == 1
    assert not any(case.is_failure for case in suites[0])
    assert any(case.is_failure for case in suites[-2])


def test_gitlab(artifacts):
    issues = json.loads(rendered("gitlab", artifacts))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) > 8
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] >= 1


def test_github(artifacts):
    lines = rendered("github", artifacts).splitlines()
    for line in lines:
        assert line.startswith(("::error ", "::warning ", "::notice ", "vetrun: ")), line
    assert sum(line.startswith("::error ") for line in lines) == 10


def test_cyclonedx(artifacts):
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(rendered("cyclonedx", artifacts)) is None


def test_spdx(artifacts, tmp_path):
    file = tmp_path / "report.spdx.json"
    file.write_text(rendered("spdx", artifacts), encoding="utf-8")
    problems = validate_full_spdx_document(parse_file(str(file)))
    assert [problem.validation_message for problem in problems] == []


def test_pylock(artifacts):
    assert Pylock.from_dict(tomllib.loads(rendered("pylock", artifacts))).packages == []


def test_in_toto(artifacts):
    lines = rendered("intoto", artifacts).splitlines()
    # What is not there has no digest, and so no statement.
    assert len(lines) == len(artifacts) - 1
    results = []
    for line in lines:
        parsed = statement.Statement.copy_from_pb(json_format.Parse(line, statement_pb2.Statement()))
        parsed.validate()
        predicate = json_format.ParseDict(json.loads(line)["predicate"], test_result_pb2.TestResult())
        results.append(predicate.result)
    assert results[0] in ("PASSED", "WARNED")
    assert set(results[1:]) == {"FAILED"}
