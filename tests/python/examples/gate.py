"""Gates a string before it is used: the shortest loop there is.

A model writes, vetrun judges, and what vetrun says goes back to the model, until the code passes or patience ends.
"""

import vetrun

# A stand-in for a model: what it answers, turn after turn.
ANSWERS = iter(
    [
        "def area(text):\n    return eval(text)\n\n\nprint(area('3 * 4'))\n",
        "def area(width, height):\n    return width * height\n\n\nprint(area(3, 4))\n",
    ]
)


def ask_model(prompt: str) -> str:
    print(f"--- prompt\n{prompt}")
    return next(ANSWERS)


def main() -> None:
    prompt = "Write a program that prints the area of a room of 3 by 4."
    for _turn in range(5):
        report = vetrun.run(ask_model(prompt), timeout=10)
        if report.passed:
            print(f"--- passed\n{report.execution.stdout.text}", end="")
            return
        prompt = report.feedback()
    raise SystemExit("the model did not mend its code")


main()
