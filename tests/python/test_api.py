"""What `vetrun.vet`, `vetrun.run` and `vetrun.batch` promise."""

from __future__ import annotations

import base64
import copy
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest
import vetrun

BAD = "import os\nos.system('rm -rf /')\n"


def test_code_is_vetted():
    report = vetrun.vet("print(1)\n")
    assert report.passed and report.exit_code == 0 and report.execution is None
    report.raise_for_status()
    report = vetrun.vet(BAD)
    assert not report.passed and report.exit_code == 1
    assert [finding.rule_id for finding in report.findings if finding.severity == "critical"] == ["shell-recursive-delete"]
    with pytest.raises(vetrun.Blocked) as blocked:
        report.raise_for_status()
    assert blocked.value.report is report and "python-os-system" in str(blocked.value)


def test_a_path_is_vetted_whatever_its_name(tmp_path):
    for name in ["x.py", "-x.py", "-"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text("print(1)\n")
        assert vetrun.vet(path=name).artifact.files[0].path == "main.py", name
        assert vetrun.run(path=tmp_path / name).passed, name


def test_what_the_code_is_written_in_is_told_by_language_or_name():
    assert vetrun.vet("const x = 1;\n", language="javascript").artifact.files[0].language == "javascript"
    assert vetrun.vet(b"const x = 1;\n", filename="a/b.mjs").artifact.files[0].language == "javascript"
    assert not vetrun.vet("const x = 1;\n").passed


def test_options_count(tmp_path):
    assert vetrun.vet(BAD, fail_on="critical", ignore=["shell-recursive-delete"]).passed
    assert not vetrun.vet(BAD, select=["python-os-system"], agent_id="agent-7").passed
    policy = tmp_path / "p.toml"
    policy.write_text('[gate]\nfail_on = "critical"\nignore = ["shell-*"]\n')
    assert vetrun.vet(BAD, policy=policy).passed
    (tmp_path / "vetrun.toml").write_text(policy.read_text())
    assert vetrun.vet(BAD).passed
    assert not vetrun.vet(BAD, policy=False).passed
    assert vetrun.vet("print(1)", agent_id="--quiet").agent_id == "--quiet"


def test_what_is_no_option_is_refused():
    with pytest.raises(TypeError, match="no option timeout"):
        vetrun.vet("print(1)", timeout=3)
    with pytest.raises(TypeError, match="list of texts"):
        vetrun.vet("print(1)", ignore="python-eval")
    with pytest.raises(TypeError, match="either code or a path"):
        vetrun.vet()
    with pytest.raises(TypeError, match="either code or a path"):
        vetrun.run("print(1)", path="x")


def test_code_is_run_with_arguments_variables_and_an_output_folder(tmp_path):
    code = """\
        import os, sys
        print(sys.argv[1:], os.environ["WORD"])
        with open(os.path.join(os.environ["OUTPUT_DIR"], "made.txt"), "w") as file:
            file.write("made")
        """
    out = tmp_path / "out"
    report = vetrun.run(textwrap.dedent(code), args=["--n", "3"], env={"WORD": "a=b"}, out=out, memory=64 << 20, cpus=1)
    report.raise_for_status()
    assert report.execution.stdout.text == "['--n', '3'] a=b\n"
    assert [output.path for output in report.execution.outputs] == ["made.txt"]
    assert (out / "made.txt").read_text() == "made"


def test_what_is_blocked_is_not_run():
    report = vetrun.run(BAD)
    assert report.exit_code == 1 and report.execution is None


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("raise SystemExit(7)", "exited"), ("import time\ntime.sleep(60)\n", "timeout")],
)
def test_a_run_that_fails_is_told(code, outcome):
    report = vetrun.run(code, timeout=1.5)
    assert report.exit_code == 4 and report.execution.outcome == outcome
    with pytest.raises(vetrun.RunFailed):
        report.raise_for_status()


def test_what_was_not_vetted_is_never_a_report(tmp_path):
    with pytest.raises(vetrun.NotVetted, match="no file or folder") as error:
        vetrun.vet(path="nowhere")
    assert error.value.exit_code == 2 and error.value.report.status == "error"
    with pytest.raises(vetrun.NotVetted, match="no language `cobol`") as error:
        vetrun.vet("x", language="cobol")
    assert error.value.report is None
    with pytest.raises(vetrun.NothingToVet):
        (tmp_path / "empty").mkdir()
        vetrun.vet(path="empty")
    with pytest.raises(vetrun.NotVetted, match="UTF-8"):
        vetrun.vet("'\ud800'")
    with pytest.raises(vetrun.NotVetted, match="invalid value"):
        vetrun.vet("print(1)", fail_on="severe")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 0", "exit code 0"),
        ("echo 'not json'", "wrote no JSON"),
        ("echo '[]'", "no JSON object"),
        ("""echo '{"schemaVersion": "2"}'""", "schemaVersion"),
        ('"$REAL" "$@"; exit 0', "exit code 0"),
        ("kill -KILL $$", "signal 9"),
    ],
)
def test_a_program_that_is_not_believed_vets_nothing(tmp_path, monkeypatch, script, message):
    monkeypatch.setenv("REAL", vetrun.find_binary())
    fake(tmp_path, monkeypatch, script)
    with pytest.raises(vetrun.NotVetted, match=message):
        vetrun.vet(BAD)


def fake(folder, monkeypatch, script):
    """Another program in the place of vetrun."""
    program = folder / "fake"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VETRUN_BINARY", str(program))


def test_a_program_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("VETRUN_BINARY", "/nowhere/vetrun")
    with pytest.raises(vetrun.NotVetted, match="could not start /nowhere/vetrun"):
        vetrun.vet("print(1)")


def test_a_folder_of_this_moment_is_not_where_the_program_is_found(tmp_path, monkeypatch):
    monkeypatch.delenv("VETRUN_BINARY", raising=False)
    monkeypatch.setattr(vetrun._binary, "_folders", lambda: iter(()))
    (tmp_path / "vetrun").write_text("#!/bin/sh\n")
    (tmp_path / "vetrun").chmod(0o755)
    for path in ("", ".", ":/nowhere"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(vetrun.NotVetted, match="pip install vetrun"):
            vetrun.find_binary()


def test_the_deadline_ends_everything(tmp_path, monkeypatch):
    started = time.monotonic()
    with pytest.raises(vetrun.NotVetted, match="did not end within 1"):
        vetrun.run("import time\ntime.sleep(60)\n", deadline=1, timeout=60)
    assert time.monotonic() - started < 20
    # Nor does anything stay that does not listen, nor what it has started.
    monkeypatch.setattr(vetrun._process, "GRACE", 0.2)
    fake(tmp_path, monkeypatch, f"trap '' TERM\nsleep 61 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(vetrun.NotVetted):
        vetrun.vet("print(1)", deadline=0.5)
    assert not is_alive(int((tmp_path / "pid").read_text()))


def is_alive(pid):
    """Whether there is such a process, and it is no zombie."""
    for _ in range(50):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return False
        except FileNotFoundError:
            return False
        time.sleep(0.1)
    return True


def test_an_interrupt_ends_everything(tmp_path):
    script = f"""\
        import vetrun
        try:
            vetrun.run("import time\\nprint('started', flush=True)\\ntime.sleep(60)\\n", timeout=60, out={str(tmp_path)!r} + "/out")
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    while not children(process.pid):
        time.sleep(0.05)
    (child,) = children(process.pid)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)
    assert stdout == "interrupted\n" and process.returncode == 0
    assert not is_alive(child)


def children(pid):
    """The children of a process."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def test_a_batch_yields_reports_as_they_end(tmp_path):
    folder = tmp_path / "artifacts"
    for name, code in [("good", "print(1)\n"), ("bad", BAD)]:
        (folder / name).mkdir(parents=True)
        (folder / name / "main.py").write_text(code)
    (folder / "empty").mkdir()
    reports = {os.path.basename(report.artifact.name): report for report in vetrun.batch(folder, jobs=1)}
    assert {name: report.status for name, report in reports.items()} == {"good": "passed", "bad": "failed", "empty": "error"}
    with pytest.raises(vetrun.Blocked):
        reports["bad"].raise_for_status()
    with pytest.raises(vetrun.NotVetted):
        reports["empty"].raise_for_status()
    ran = {os.path.basename(report.artifact.name): report for report in vetrun.batch(folder, run=True)}
    assert ran["good"].execution.stdout.text == "1\n" and ran["bad"].execution is None


def test_a_batch_that_is_cut_short_is_told(tmp_path, monkeypatch):
    with pytest.raises(vetrun.NotVetted, match="nowhere"):
        list(vetrun.batch("nowhere"))
    with pytest.raises(TypeError):
        list(vetrun.batch())
    report = subprocess.run(
        [vetrun.find_binary(), "check", "-", "--language=python", "--format=jsonl"], input=b"print(1)\n", stdout=subprocess.PIPE
    )
    (tmp_path / "line").write_bytes(report.stdout.splitlines(keepends=True)[0])
    fake(tmp_path, monkeypatch, f"cat {tmp_path}/line")
    seen = []
    with pytest.raises(vetrun.NotVetted):
        seen.extend(vetrun.batch(tmp_path))
    fake(tmp_path, monkeypatch, f"cat {tmp_path}/line; sleep 60")
    reports = vetrun.batch(tmp_path)
    assert next(reports).passed
    started = time.monotonic()
    reports.close()
    assert time.monotonic() - started < 30


def test_feedback_says_what_to_write_instead_and_steers_nothing():
    report = vetrun.vet("eval('\x1b[2J' + input())  # \u202e\n", filename="a.py")
    text = report.feedback()
    assert "a.py:1:1: high python-eval" in text and "instead: `ast.literal_eval`" in text
    assert "\x1b" not in text and "\u202e" not in text and "\\u{1b}" in text
    assert len(report.feedback(100)) == 100
    many = vetrun.vet("eval(input())\n" * 50)
    assert "… and 40 more" in many.feedback()
    failed = vetrun.run("import sys\nprint('a' * 9000)\nsys.exit('no luck')")
    assert "characters left out" in failed.feedback() and failed.feedback().endswith("no luck")


def test_feedback_tells_what_fails_by_the_policy_in_force(tmp_path):
    code = "import os\nassert os.name\neval(input())\n"
    told = vetrun.vet(code).feedback()
    assert "python-eval" in told and "python-assert" not in told and ": 1 finding." in told
    strict = vetrun.vet(code, fail_on="info").feedback()
    assert "python-eval" in strict and "python-assert" in strict
    policy = tmp_path / "p.toml"
    policy.write_text('[gate]\nfail_on = "low"\nseverity = { "python-eval" = "info", "python-assert" = "high" }\n')
    turned = vetrun.vet(code, policy=policy).feedback()
    assert "python-assert" in turned and "python-eval" not in turned
    policy.write_text('[[overrides]]\npaths = ["*.py"]\nmin_confidence = "high"\nfail_on = "critical"\n')
    assert vetrun.vet(code, policy=policy).feedback().endswith(" passed.")


def test_feedback_tells_what_fails_without_a_finding():
    report = vetrun.vet("eval(input())\n")
    raw = copy.deepcopy(report.raw)
    raw["findings"][0]["fails"] = False
    raw["validationResults"]["structure"].update(status="failed", message="no \x1bentry", passed=False)
    raw["validationResults"]["performance"].update(status="error", message="no clock", passed=None)
    told = vetrun.Report.from_json(raw).feedback()
    assert "was refused and not run.\n" in told and "python-eval" not in told
    assert "- the structure pass failed: no \\u{1b}entry\n" in told
    assert told.endswith("- the performance pass could not be run: no clock")
    # The pass of a finding that counts, and fails nothing, has failed for another reason.
    assert "- the security pass failed: " in told
    ended = vetrun.run("import sys\nsys.exit(3)\n").feedback()
    assert "exit code 3" in ended and "the execution pass" not in ended


def test_feedback_shows_what_was_decoded():
    hidden = base64.b64encode(b"import os\nos.system(input())  # \x1b[2J\n").decode()
    told = vetrun.vet(f"import base64\nexec(base64.b64decode('{hidden}'))\n").feedback()
    assert "    decoded from base64: os.system(input())  # \\u{1b}[2J\n" in told
    assert "    decoded from base64: import os\n" in told


def test_notes_are_kept(tmp_path):
    (tmp_path / "vetrun.toml").write_text("")
    report = vetrun.vet(path=tmp_path)
    assert any("was not used" in note for note in report.notes)


def test_importing_it_is_cheap():
    code = "import sys, vetrun; print(sorted({'asyncio', 'importlib.metadata', 'typing_extensions'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout == b"[]\n"


def test_it_is_one_with_its_program(root):
    version = subprocess.run([vetrun.find_binary(), "-V"], stdout=subprocess.PIPE, text=True, check=True).stdout
    module = subprocess.run([sys.executable, "-m", "vetrun", "-V"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert version == module == f"vetrun {vetrun.__version__}\n"
    assert os.path.isabs(vetrun.find_binary())
