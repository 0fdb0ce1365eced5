"""A conversation as AutoGen and AG2 have it: an assistant writes Markdown, and an executor answers.

`CodeExecutor` has the methods that they ask of an executor: `execute_code_blocks`, `restart` and `code_extractor`.
"""

from vetrun.executor import CodeExecutor

# A stand-in for an assistant: what it answers, turn after turn.
ANSWERS = iter(
    [
        "Let me look.\n\n```python\nimport subprocess\nsubprocess.run('ls ' + input(), shell=True)\n```\n",
        "Without a shell, then:\n\n```python\nimport os\nprint(sorted(os.listdir('.')))\n```\n",
        "The folder holds one file. TERMINATE",
    ]
)


def main() -> None:
    executor = CodeExecutor(timeout=10, memory="128MiB")
    while True:
        message = next(ANSWERS)
        print(f"--- assistant\n{message}")
        blocks = executor.code_extractor.extract_code_blocks(message)
        if not blocks:
            return
        result = executor.execute_code_blocks(blocks)
        print(f"--- executor\nexit code {result.exit_code}\n{result.output}")


main()
