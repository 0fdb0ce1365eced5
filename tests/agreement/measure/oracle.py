"""Judges cases with the CPython that runs this.

On standard input come frames: one byte that says what is wanted, four bytes (little endian) of length, the case. On
standard output goes one answer for each: a byte (0 valid, 1 refused, 2 the engine gave up for want of room, 3 a fault
of the engine itself), line, column, length (four bytes each), text. The first answer tells of the engine itself.
"""

import gc
import json
import os
import re
import struct
import sys
import sysconfig
import warnings

VALID, REFUSED, LIMIT, FAULT = range(4)

# What a text must hold to be worth asking about: a sign or a word of the language.
SOURCE = re.compile(r"[=():\[\]{}\n]|\b(?:pass|del|return|yield|raise|import|await|lambda|not|global|print)\b")
SOURCE_CHARACTERS_MAX = 1 << 16


def answer(kind, line=0, column=0, text=b""):
    text = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    out = sys.stdout.buffer
    out.write(struct.pack("<BIII", kind, max(line or 0, 0), max(column or 0, 0), len(text)) + text)
    out.flush()


COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
BLANK = re.compile(rb"[ \t\f]*(?:#.*)?\Z")


def read_as_file(data):
    """Before 3.14 compile() skips bytes in comments that are no UTF-8. Python refuses them in a file that it runs, but for
    one that names its encoding or has a byte order mark."""
    first, second = (data.splitlines() + [b"", b""])[:2]
    named = COOKIE.match(first) or (BLANK.match(first) and COOKIE.match(second)) or data.startswith(b"\xef\xbb\xbf")
    if sys.version_info < (3, 14) and not named:
        data.decode("utf-8")


def judge(data):
    try:
        compile(data, "case.py", "exec", dont_inherit=True)
        read_as_file(data)
    except SyntaxError as error:
        return REFUSED, error.lineno, error.offset, str(error.msg)
    except (MemoryError, RecursionError) as error:
        return LIMIT, 0, 0, type(error).__name__
    except (ValueError, OverflowError) as error:
        return REFUSED, 0, 0, str(error)
    except Exception as error:
        return FAULT, 0, 0, "%s: %s" % (type(error).__name__, error)
    return VALID, 0, 0, b""


def settle():
    """CPython 3.11 can return from compile() with an exception set, which the next call would raise."""
    try:
        for _ in range(2):
            int("1")
            len(repr(sys.argv))
    except Exception:
        pass


def texts_of(data):
    """The texts of a test module that look like source: literals as they are and dedented, and doctests."""
    import ast
    import doctest
    import textwrap

    found = {}

    def keep(text):
        if len(text) <= SOURCE_CHARACTERS_MAX and SOURCE.search(text):
            found.setdefault(text.encode("utf-8", "surrogatepass"))

    for node in ast.walk(ast.parse(data)):
        value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
        if isinstance(value, bytes) and SOURCE.search(value.decode("latin-1")):
            found.setdefault(value[:SOURCE_CHARACTERS_MAX])
        if not isinstance(value, str):
            continue
        keep(value)
        keep(textwrap.dedent(value).lstrip("\n"))
        if ">>>" in value:
            try:
                for example in doctest.DocTestParser().get_examples(value):
                    keep(example.source)
            except ValueError:
                pass
    return list(found)


def extract(data):
    try:
        texts = texts_of(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return FAULT, 0, 0, str(error)
    return VALID, 0, 0, b"".join(struct.pack("<I", len(text)) + text for text in texts)


def library():
    """The folders of the standard library and of what is installed, as the interpreter itself names them."""
    import site

    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return sorted({os.path.realpath(folder) for folder in folders + site.getsitepackages() if os.path.isdir(folder)})


def main():
    warnings.simplefilter("ignore")
    gc.set_threshold(100_000)
    version = "%d.%d.%d" % sys.version_info[:3]
    answer(VALID, text=json.dumps({"version": version, "folders": library()}))
    read = sys.stdin.buffer.read
    while True:
        head = read(5)
        if len(head) < 5:
            return
        wanted, length = struct.unpack("<cI", head)
        data = read(length)
        answer(*(extract(data) if wanted == b"x" else judge(data)))
        settle()


main()
