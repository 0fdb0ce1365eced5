"""The typed report is that of the program's own schema."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess

import pytest
import vetrun
from shape import MODULE, UPDATE, module


def test_the_typed_report_is_that_of_the_schema():
    schema = subprocess.run([vetrun.find_binary(), "schema", "report"], stdout=subprocess.PIPE, check=True).stdout
    expected = module(json.loads(schema))
    if os.environ.get(UPDATE):
        MODULE.write_text(expected, encoding="utf-8")
    assert MODULE.read_text(encoding="utf-8") == expected, f"{UPDATE}=1 pytest tests/python/test_shape.py writes it anew"


def test_every_key_of_a_report_is_read():
    report = vetrun.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n", policy=False)
    assert _as_json(report) == {key: value for key, value in report.raw.items()}


def _as_json(value):
    if isinstance(value, tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if hasattr(value, "__slots__"):
        names = type(value).__mro__[-3].__slots__ if isinstance(value, vetrun.Report) else value.__slots__
        return {vetrun._record.camel_case(name): _as_json(getattr(value, name)) for name in names}
    return value


def test_a_report_is_a_value():
    report = vetrun.vet("eval(input())", policy=False)
    assert copy.deepcopy(report) == report == pickle.loads(pickle.dumps(report))
    assert vetrun.Report.from_json(report.raw, exit_code=1) == report
    with pytest.raises(AttributeError):
        report.status = "passed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schemaVersion": "2"}, "its schemaVersion is '2', not '1'"),
        ({"status": None}, "report.status is no str"),
        ({"durationMs": True}, "report.durationMs is no int"),
        ({"findings": [{"ruleId": "x"}]}, "report.findings[0].pass is no str"),
        ({"artifact": []}, "report.artifact is no object"),
        ({"logs": "text"}, "report.logs is no array"),
    ],
)
def test_what_is_no_report_is_not_read_as_one(change, message):
    raw = vetrun.vet("print(1)", policy=False).raw
    with pytest.raises(ValueError) as error:
        vetrun.Report.from_json({**raw, **change})
    assert str(error.value) == message


def test_what_a_newer_vetrun_adds_is_passed_over():
    raw = vetrun.vet("print(1)", policy=False).raw
    assert vetrun.Report.from_json({**raw, "added": 1}).passed
