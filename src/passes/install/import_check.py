# Imports each module in a child of its own and says which failed. The nonce tells our line from what packages print.
import json
import os
import select
import signal
import sys
import time

ask = json.load(sys.stdin)


def child(name, pipe):
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    try:
        import importlib

        importlib.import_module(name)
        said = b""
    except BaseException as error:
        said = f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:500] or b"?"
    os.write(pipe, b"%d\n" % len(said) + said)
    os._exit(0)


def attempt(name, seconds):
    read, write = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        try:
            child(name, write)
        finally:
            os._exit(1)
    os.close(write)
    said = b""
    timed_out = False
    while True:
        left = start + seconds - time.monotonic()
        if left <= 0 or not select.select([read], [], [], left)[0]:
            timed_out = True
            break
        piece = os.read(read, 4096)
        said += piece
        if not piece or len(said) > 4096:
            break
    if timed_out:
        os.kill(pid, signal.SIGKILL)
    os.close(read)
    status = os.waitpid(pid, 0)[1]
    length, _, text = said.partition(b"\n")
    if timed_out:
        error = f"the import took more than {seconds} s"
    elif not length.isdigit() or int(length) != len(text):
        error = f"the interpreter ended during the import, wait status {status}"
    else:
        error = text.decode("utf-8", "replace") or None
    return {"module": name, "error": error, "ms": int((time.monotonic() - start) * 1000)}


imports = [attempt(name, ask["seconds"]) for name in ask["modules"]]
answer = {
    "imports": imports,
    "environment": {
        "home": os.environ.get("HOME", ""),
        "pythonpath": os.environ.get("PYTHONPATH", ""),
        "path": sys.path,
        "version": "%d.%d.%d" % sys.version_info[:3],
    },
}
os.write(1, ("\n" + ask["nonce"] + json.dumps(answer) + "\n").encode())
