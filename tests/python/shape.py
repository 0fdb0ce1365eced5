"""Writes `src/python/vetrun/_shape.py` from `vetrun schema report`, so that the two cannot drift apart."""

from __future__ import annotations

import keyword
import re
import textwrap
from pathlib import Path
from typing import Any, Iterator, Mapping

MODULE = Path(__file__).parents[2] / "src/python/vetrun/_shape.py"

UPDATE = "VETRUN_UPDATE_PYTHON"

_PROSE = f'''"""The shape of a JSON report, version 1.

Made from `vetrun schema report` by `{UPDATE}=1 pytest tests/python/test_shape.py`, not by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Literal, Optional, Tuple

from ._record import Record
'''

_RENAMED = {"ReportFinding": "Finding"}
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_COLUMNS = 120


def module(schema: Mapping[str, Any]) -> str:
    """The text of the module."""
    definitions = {_RENAMED.get(name, name): value for name, value in schema["$defs"].items()}
    parts = [_PROSE]
    for name, definition in definitions.items():
        if definition["type" if "type" in definition else "oneOf"] != "object":
            parts.append(_alias(name, definition))
    for name, definition in {**definitions, "ReportShape": schema}.items():
        if definition.get("type") == "object":
            parts.append(_record(name, definition))
    return "\n".join(parts)


def _alias(name: str, definition: Mapping[str, Any]) -> str:
    if "oneOf" in definition:
        words = ", ".join(f'"{word}"' for word in _words(definition))
        return f"{name} = Literal[{words}]\n{_docstring(definition, '')}"
    return f"{name} = {_SCALARS[definition['type']]}\n{_docstring(definition, '')}"


def _words(definition: Mapping[str, Any]) -> Iterator[str]:
    for choice in definition["oneOf"]:
        yield from [choice["const"]] if "const" in choice else choice["enum"]


def _record(name: str, definition: Mapping[str, Any]) -> str:
    columns = {_snake_case(key): value for key, value in definition["properties"].items()}
    slots = "".join(f'        "{column}",\n' for column in columns)
    lines = [f"\n@dataclass(frozen=True)\nclass {name}(Record):\n{_docstring(definition, '    ')}"]
    lines.append(f"    __slots__ = (\n{slots}    )\n")
    lines += [f"    {column}: {_hint(value)}\n{_docstring(value, '    ')}"[:-1] for column, value in columns.items()]
    return "\n".join(lines) + "\n"


def _hint(value: Mapping[str, Any]) -> str:
    if "anyOf" in value:
        (inner,) = [choice for choice in value["anyOf"] if choice != {"type": "null"}]
        return f"Optional[{_hint(inner)}]"
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return _RENAMED.get(name, name)
    kind = value.get("type")
    if isinstance(kind, list):
        (inner_kind,) = [one for one in kind if one != "null"]
        return f"Optional[{_hint({**value, 'type': inner_kind})}]"
    if kind == "array":
        return f"Tuple[{_hint(value['items'])}, ...]"
    if kind == "object":
        inner = value["additionalProperties"]
        return f"Dict[str, {'Any' if inner is True else _hint(inner)}]"
    return _SCALARS[kind] if kind else "Any"


def _docstring(value: Mapping[str, Any], indent: str) -> str:
    text = " ".join(value["description"].split())
    text = re.sub(r"\[`(\w+)`\]", r"`\1`", text)
    if len(indent) + len(text) + 6 <= _COLUMNS:
        return f'{indent}"""{text}"""\n'
    lines = textwrap.wrap(text, _COLUMNS - len(indent) - 3)
    lines[0] = f'"""{lines[0]}'
    return "".join(f"{indent}{line}\n" for line in [*lines, '"""'])


def _snake_case(key: str) -> str:
    name = re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), key)
    return f"{name}_" if keyword.iskeyword(name) else name
