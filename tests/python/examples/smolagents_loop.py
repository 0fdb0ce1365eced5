"""An agent as smolagents has it: it thinks in Python, step by step, and ends with `final_answer`.

`PythonExecutor` has the methods that it asks of an executor: a call for a step, `send_tools` and `send_variables`.
"""

import vetrun
from vetrun.executor import PythonExecutor

# A stand-in for a model: the code of its steps.
STEPS = iter(
    [
        "rows = [line.split(',') for line in table.splitlines()]\nprint(len(rows), 'rows')",
        "total = sum(eval(price) for _name, price in rows)\nfinal_answer(total)",
        "total = sum(float(price) for _name, price in rows)\nfinal_answer(total)",
    ]
)


def main() -> None:
    executor = PythonExecutor(timeout=10)
    executor.send_variables({"table": "apple,1.20\npear,0.80"})
    for step in STEPS:
        print(f"--- step\n{step}")
        try:
            output, logs, is_final_answer = executor(step)
        except vetrun.Refused as refused:
            print(f"--- error\n{refused}")
            continue
        print(f"--- logs\n{logs}", end="")
        if is_final_answer:
            print(f"--- answer\n{output}")
            return


main()
