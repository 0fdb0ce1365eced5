"""Options of the command line as keyword arguments."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Literal, Mapping, Sequence, TypedDict, Union

Path = Union[str, "os.PathLike[str]"]


class VetOptions(TypedDict, total=False):
    """How code is judged; each is the option of `vetrun check` of the same name."""

    #: A policy file; `False` for the default policy. Not given, it is `vetrun.toml` in the current folder or above it.
    policy: Union[Path, Literal[False]]
    #: `info`, `low`, `medium`, `high` or `critical`.
    fail_on: str
    #: `low`, `medium` or `high`.
    min_confidence: str
    #: Rules that count, all others do not.
    select: Sequence[str]
    #: Rules and checks that do not count.
    ignore: Sequence[str]
    #: Folders with more rules.
    rules: Sequence[Path]
    #: Paths that are left out.
    exclude: Sequence[str]
    #: `python`, `web`, `node`, `any`, or one of the policy.
    profile: str
    #: An earlier report, whose findings do not count.
    baseline: Path
    #: Who wrote the code, for the report.
    agent_id: str
    #: More options, as they are typed.
    options: Sequence[str]


class RunOptions(VetOptions, total=False):
    """How code is run; each is the option of `vetrun run` of the same name."""

    #: `auto`, `native` or `docker`.
    sandbox: str
    #: The image of the docker sandbox.
    image: str
    #: Wall-clock time of the program: seconds, or text such as `2min`.
    timeout: Union[float, str]
    #: Memory of all its processes: bytes, or text such as `256MiB`.
    memory: Union[int, str]
    #: Its share of processors.
    cpus: float
    #: Processes and threads at once.
    pids: int
    #: `none`, `index` or `full`.
    network: str
    #: Variables of its environment.
    env: Mapping[str, str]
    #: What is run instead of the entry point found.
    entry: str
    #: An empty folder that takes its output files.
    out: Path
    #: Install what this file declares.
    requirements: Path
    #: `False` to install nothing.
    install: bool


def _one(flag: str) -> Callable[[Any], List[str]]:
    # In one word, so that no value is taken for an option.
    return lambda value: [f"{flag}={os.fspath(value) if isinstance(value, os.PathLike) else value}"]


def _each(flag: str) -> Callable[[Any], List[str]]:
    def words(values: Any) -> List[str]:
        if isinstance(values, (str, bytes)):
            raise TypeError(f"{flag[2:]} takes a list of texts, not one text")
        return [word for value in values for word in _one(flag)(value)]

    return words


_VET: Dict[str, Callable[[Any], List[str]]] = {
    "policy": lambda value: ["--no-policy"] if value is False else _one("--policy")(value),
    "fail_on": _one("--fail-on"),
    "min_confidence": _one("--min-confidence"),
    "select": _each("--select"),
    "ignore": _each("--ignore"),
    "rules": _each("--rules"),
    "exclude": _each("--exclude"),
    "profile": _one("--profile"),
    "baseline": _one("--baseline"),
    "agent_id": _one("--agent-id"),
    "options": list,
}

_RUN: Dict[str, Callable[[Any], List[str]]] = {
    **_VET,
    "sandbox": _one("--sandbox"),
    "image": _one("--image"),
    "timeout": lambda value: _one("--timeout")(value if isinstance(value, str) else f"{round(value * 1000)}ms"),
    "memory": lambda value: _one("--memory")(value if isinstance(value, str) else f"{int(value)}B"),
    "cpus": _one("--cpus"),
    "pids": _one("--pids"),
    "network": _one("--network"),
    "env": lambda values: [f"--env={name}={value}" for name, value in values.items()],
    "entry": _one("--entry"),
    "out": _one("--out"),
    "requirements": _one("--requirements"),
    "install": lambda value: [] if value else ["--no-install"],
}


def words(options: Mapping[str, Any], *, run: bool) -> List[str]:
    """The words that `options` are on the command line; `None` stands for an option that is not given."""
    known = _RUN if run else _VET
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(f"there is no option {', '.join(unknown)} (there are: {', '.join(known)})")
    return [word for name, value in options.items() if value is not None for word in known[name](value)]
