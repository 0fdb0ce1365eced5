"""Speaks to `vetrun mcp` with the official client of the Model Context Protocol.

Needs the package `mcp` and `vetrun` on the PATH; exits with 1 where anything is not as promised.

Usage: python tests/python/test_mcp.py
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

TOOLS = {"vet_code", "vet_path", "run_code", "explain_rule"}


def field(thing, snake, camel):
    """A field that older and newer clients spell differently."""
    return getattr(thing, snake) if hasattr(thing, snake) else getattr(thing, camel)


def check(holds, what):
    if not holds:
        raise SystemExit(f"mcp: {what}")
    print(f"ok - {str(what)[:100]}")


async def call(session, tool, **arguments):
    """Calls a tool; the client holds its answer against the tool's output schema."""
    result = await session.call_tool(tool, arguments)
    return result, field(result, "structured_content", "structuredContent"), field(result, "is_error", "isError")


async def talk(session, root):
    tools = (await session.list_tools()).tools
    check({tool.name for tool in tools} == TOOLS, "four tools are there")
    for tool in tools:
        check(field(tool, "output_schema", "outputSchema")["type"] == "object", f"{tool.name} says what it answers")

    result, data, failed = await call(session, "vet_code", code="print(1)", language="python")
    check(data["status"] == "passed" and not failed, "code that does nothing bad passes")

    result, data, failed = await call(session, "vet_code", code="eval(input())", filename="a.py")
    check(data["status"] == "failed" and not failed, "code that is blocked is a result")
    check(data["findings"][0]["ruleId"] == "python-eval" and data["findings"][0]["fails"], "the finding is named")
    check("instead: " in result.content[0].text, "the text says what to write instead")

    result, data, failed = await call(session, "vet_path", path=str(root / "app"))
    check(data["findings"][0]["path"] == "main.py", "a folder is one artifact")
    result, data, failed = await call(session, "vet_path", path="/etc/passwd")
    check(failed and "outside" in result.content[0].text, "nothing is read outside of the roots")

    result, data, failed = await call(session, "run_code", code="print(6 * 7)", language="python")
    check(data["execution"]["stdout"] == "42\n" and not failed, f"code that passes is run: {data} {result.content}")
    result, data, failed = await call(session, "run_code", code="eval(input())", language="python")
    check(data["execution"] is None and not failed, "code that is blocked is not run")
    result, data, failed = await call(
        session, "run_code", code="import time\ntime.sleep(60)", language="python", timeout_seconds=1
    )
    check(data["execution"]["outcome"] == "timeout", "a call may ask for less time")

    both = await asyncio.gather(*(call(session, "vet_code", code=f"x = {n}", language="python") for n in range(8)))
    check(all(data["status"] == "passed" for _, data, _ in both), "several calls at once are answered")

    result, data, failed = await call(session, "explain_rule", id="python-eval")
    check(data["instead"] and data["bad"], "a rule is explained")


async def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "app").mkdir()
        (root / "app" / "main.py").write_text("eval(input())\n")
        server = StdioServerParameters(command="vetrun", args=["mcp", "--no-policy", "--root", folder])
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            greeting = await session.initialize()
            info = field(greeting, "server_info", "serverInfo")
            check(info.name == "vetrun", f"the server says who it is: {json.dumps([info.name, info.version])}")
            await talk(session, root)
    print("all as promised")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(), timeout=120))
    sys.exit(0)
