"""Executors for agents: what a model writes is vetted, run, and answered."""

from __future__ import annotations

import pytest
import vetrun
from vetrun.executor import CodeBlock, CodeExecutor, PythonExecutor, extract_code_blocks


def test_blocks_are_found_in_markdown():
    message = "Two blocks:\n\n```python\nprint(1)\n```\n\nand\n\n~~~~ JS title=x\nconsole.log('```')\n~~~~\n````\nplain\n````"
    assert extract_code_blocks(message) == [
        CodeBlock("print(1)\n", "python"),
        CodeBlock("console.log('```')\n", "js"),
        CodeBlock("plain\n", ""),
    ]
    assert extract_code_blocks("none, and ```one``` that is no block, and\n```python\none without an end\n") == []
    parts = [{"type": "text", "text": message}, {"type": "image_url"}]
    assert CodeExecutor().code_extractor.extract_code_blocks(parts) == extract_code_blocks(message)
    assert CodeExecutor().code_extractor.extract_code_blocks(None) == []


def test_blocks_run_one_after_another_to_the_first_that_fails():
    executor = CodeExecutor(timeout=10)
    blocks = [CodeBlock("print(1)"), CodeBlock("console.log(2)", "js"), CodeBlock("raise SystemExit(5)"), CodeBlock("print(3)")]
    result = executor.execute_code_blocks(blocks)
    assert (result.exit_code, result.output) == (5, "1\n2\n")
    assert [report.passed for report in executor.reports] == [True, True, False]
    assert executor.execute_code_blocks([]).exit_code == 0 and executor.reports == []


def test_a_block_that_is_refused_says_why_and_stops_the_rest():
    executor = CodeExecutor()
    result = executor.execute_code_blocks([CodeBlock("eval(input())"), CodeBlock("print(1)")])
    assert result.exit_code == 126 and len(executor.reports) == 1
    assert "python-eval" in result.output and "instead: `ast.literal_eval`" in result.output
    result = executor.execute_code_blocks([CodeBlock("ls", "sh")])
    assert result.exit_code == 126 and "use javascript, python" in result.output


def test_a_block_that_is_ended_says_why():
    result = CodeExecutor(timeout=1).execute_code_blocks([CodeBlock("print('begun', flush=True)\nwhile True: pass")])
    assert result.exit_code == 1 and "outcome timeout" in result.output and "begun" in result.output


def test_output_is_short_and_steers_no_terminal():
    result = CodeExecutor(output_chars_max=1000).execute_code_blocks([CodeBlock("print('\\x1b[2J' + 'a' * 5000 + 'end')")])
    assert result.exit_code == 0 and len(result.output) < 1100
    assert result.output.startswith("\\u{1b}[2Jaaa") and result.output.endswith("aaend\n")


def test_where_nothing_can_be_vetted_no_result_is_made_up(monkeypatch):
    monkeypatch.setenv("VETRUN_BINARY", "/nowhere/vetrun")
    with pytest.raises(vetrun.NotVetted):
        CodeExecutor().execute_code_blocks([CodeBlock("print(1)")])
    with pytest.raises(vetrun.NotVetted):
        PythonExecutor()("print(1)")


def test_steps_build_on_each_other_and_end_with_an_answer():
    executor = PythonExecutor()
    output, logs, is_final_answer = executor("import math\n\ndef area(r):\n    return math.pi * r * r\n\nprint('defined')")
    assert (output, logs, is_final_answer) == (None, "defined\n", False)
    answer = executor("x = area(2)\nprint(round(x, 3))")
    assert (answer.output, answer.logs, answer.is_final_answer) == (None, "12.566\n", False)
    answer = executor("print('last')\nfinal_answer({'area': round(x, 1), 'list': [1, None]})\nprint('never')")
    assert answer == ({"area": 12.6, "list": [1, None]}, "last\n", True)
    executor.restart()
    with pytest.raises(vetrun.RunFailed, match="name 'area' is not defined"):
        executor("area(2)")


def test_a_step_that_is_refused_or_fails_leaves_nothing():
    executor = PythonExecutor()
    executor("x = 1\nprint('first')")
    with pytest.raises(vetrun.Blocked) as blocked:
        executor("x = 2\n\nimport os\nos.system('ls')")
    assert "step.py:4:1: high python-os-system" in str(blocked.value)
    with pytest.raises(vetrun.RunFailed) as failed:
        executor("x = 3\nprint('second')\nraise KeyError(x)")
    message = str(failed.value)
    assert 'step.py", line 3, in <module>' in message and "KeyError: 3" in message
    assert "second" in message and "first" not in message
    with pytest.raises(vetrun.Blocked, match=r"step.py:1:5: high python-syntax-error"):
        executor("x = (")
    # One that ends the program early is not built upon, either.
    assert executor("import os\nx = 4\nos._exit(0)") == (None, "", False)
    assert executor("print(x)").logs == "1\n"


def test_variables_go_in_as_data():
    executor = PythonExecutor()
    values = {"text": "'''\\\n", "items": [1, 2.5, True, None, {"k": (1,)}]}
    executor.send_variables(values)
    assert executor("final_answer([text, items])").output == ["'''\\\n", [1, 2.5, True, None, {"k": [1]}]]
    for name, value in [("x y", 1), ("class", 1)]:
        with pytest.raises(ValueError, match="no name of a variable"):
            executor.send_variables({name: value})
    for value in [object(), float("nan"), {1: 2}, {"k": {3}}]:
        with pytest.raises(TypeError, match="cannot go into the sandbox"):
            executor.send_variables({"x": value})


def test_tools_of_this_process_are_out_of_reach():
    executor = PythonExecutor()
    executor.send_tools({"final_answer": object()})
    with pytest.raises(ValueError, match="web_search"):
        executor.send_tools({"final_answer": object(), "web_search": object()})


@pytest.mark.parametrize("written", ["'[' * 100000", "'{'", "'a' * 5000000", "'\\udcff'"])
def test_an_answer_that_is_forged_is_no_answer(written):
    step = f"import os\nwith open(os.environ['OUTPUT_DIR'] + '/final_answer.json', 'wb') as file:\n    file.write(({written}).encode('utf-8', 'surrogateescape'))\n"
    with pytest.raises(vetrun.NotVetted, match="final answer cannot be read"):
        PythonExecutor()(step)
