"""Reads JSON objects into typed records, and refuses what is not of their shape."""

from __future__ import annotations

import functools
from dataclasses import fields
from typing import Any, Dict, Literal, Mapping, Tuple, Type, TypeVar, Union, get_args, get_origin, get_type_hints

Self = TypeVar("Self", bound="Record")

_SCALARS = (str, int, float, bool)


class ShapeError(ValueError):
    """JSON is not of the shape that was expected; the message says where."""


class Record:
    """A JSON object with a fixed set of keys: camelCase there, snake_case here.

    Keys that are not known are passed over, so that a newer vetrun of the same schema version can be read.
    """

    __slots__ = ()

    @classmethod
    def read(cls: Type[Self], value: object, at: str = "report") -> Self:
        """The record that `value` holds; `at` names the place in messages."""
        if not isinstance(value, Mapping):
            raise ShapeError(f"{at} is no object")
        record: Any = cls
        columns = {name: _read(hint, value.get(key), f"{at}.{key}") for name, key, hint in _columns(record)}
        return cls(**columns)

    def __reduce__(self) -> Tuple[Any, ...]:
        # Records are frozen, so that the ordinary way of setting slots is closed to `pickle` and `copy`.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]


def camel_case(name: str) -> str:
    """`size_bytes` as `sizeBytes`, and `pass_` as `pass`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


@functools.lru_cache(maxsize=None)
def _columns(record: Any) -> Tuple[Tuple[str, str, Any], ...]:
    hints = get_type_hints(record)
    names = (field.name for field in fields(record))
    return tuple((name, camel_case(name), hints[name]) for name in names)


def _read(hint: Any, value: Any, at: str) -> Any:
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin is Union:
        return None if value is None else _read(get_args(hint)[0], value, at)
    if origin is tuple:
        if not isinstance(value, list):
            raise ShapeError(f"{at} is no array")
        return tuple(_read(get_args(hint)[0], item, f"{at}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        return _read_dict(hint, value, at)
    if origin is Literal:
        # A newer vetrun may know more words.
        hint = str
    if hint in _SCALARS:
        if type(value) is not hint:
            raise ShapeError(f"{at} is no {hint.__name__}")
        return value
    return hint.read(value, at)


def _read_dict(hint: Any, value: Any, at: str) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise ShapeError(f"{at} is no object")
    return {key: _read(get_args(hint)[1], item, f"{at}.{key}") for key, item in value.items()}
