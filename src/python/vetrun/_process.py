"""Runs the `vetrun` program, and leaves none of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO, Iterator, List, Optional, Sequence

from ._binary import find_binary
from .errors import NotVetted

#: Seconds that vetrun has for cleaning up once it is told to end.
GRACE = 10.0

#: Bytes of what vetrun says beside its report.
NOTES_BYTES_MAX = 64 << 10


@dataclass(frozen=True)
class Ended:
    """How vetrun ended, and what it said."""

    exit_code: int
    stdout: bytes
    notes: List[str]


def run(arguments: Sequence[str], stdin: bytes = b"", deadline: Optional[float] = None) -> Ended:
    """Runs vetrun to its end, or to `deadline`, in seconds."""
    with tempfile.TemporaryFile() as stderr:
        process = _start(arguments, stderr)
        try:
            stdout, _ = process.communicate(stdin, timeout=deadline)
        except subprocess.TimeoutExpired:
            _end(process)
            raise NotVetted(f"vetrun did not end within {deadline} s") from None
        except BaseException:
            _end(process)
            raise
        return Ended(process.returncode, stdout, _notes(stderr))


class Lines:
    """The lines of standard output as vetrun writes them; to be closed, or read to its end."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._stderr = tempfile.TemporaryFile()
        self._process = _start(arguments, self._stderr)
        assert self._process.stdin is not None
        self._process.stdin.close()

    def __iter__(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        yield from self._process.stdout

    def end(self) -> Ended:
        """Waits for the end that follows the last line."""
        return Ended(self._process.wait(), b"", _notes(self._stderr))

    def close(self) -> None:
        """Ends vetrun, if it has not ended."""
        if self._process.poll() is None:
            _end(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()


def _start(arguments: Sequence[str], stderr: IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [find_binary(), *arguments]
    try:
        # In a session of its own, it is not interrupted along with us but ended by us, and all that belongs to it.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise NotVetted(f"could not start {command[0]}: {error}") from error


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Asks vetrun to end, which cleans up, and kills what has not ended after a while."""
    for number, patience in [(signal.SIGTERM, GRACE), (signal.SIGKILL, None)]:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            # What it still writes must be read, or it would wait for us.
            process.communicate(timeout=patience)
            return
        except subprocess.TimeoutExpired:
            continue
        except ValueError:
            # A stream was closed by the reader of its lines.
            process.wait()
            return


def _notes(stderr: IO[bytes]) -> List[str]:
    stderr.seek(0)
    text = stderr.read(NOTES_BYTES_MAX).decode("utf-8", "replace")
    prefix = "vetrun: "
    return [line[len(prefix) :] if line.startswith(prefix) else line for line in text.splitlines() if line.strip()]
