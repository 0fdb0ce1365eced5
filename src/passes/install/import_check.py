# Imports each module in a child of its own and says which failed, and which files of the packages were imported. The nonce
# tells our line from what packages print.
import json
import os
import select
import signal
import sys
import time

ask = json.load(sys.stdin)
SAID_BYTES_MAX = 1 << 20


def child(name, pipe):
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    try:
        import importlib

        importlib.import_module(name)
        error = None
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"[:500] or "?"
    said = json.dumps({"error": error, "files": files()}).encode()
    said = b"%d\n" % len(said) + said
    while said:
        said = said[os.write(pipe, said) :]
    os._exit(0)


def files():
    """The files of packages that were imported, relative to their folder."""
    root = os.environ.get("PYTHONPATH", "") + "/"
    names = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return sorted(name[len(root) :] for name in names if isinstance(name, str) and name.startswith(root))


def start(name):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            child(name, write)
        finally:
            os._exit(1)
    os.close(write)
    return {"name": name, "pid": pid, "read": read, "start": time.monotonic(), "said": b""}


def finish(one, timed_out):
    if timed_out:
        os.kill(one["pid"], signal.SIGKILL)
    os.close(one["read"])
    status = os.waitpid(one["pid"], 0)[1]
    length, _, text = one["said"].partition(b"\n")
    if timed_out:
        error = "the import took more than %d s" % ask["seconds"]
    elif not length.isdigit() or int(length) != len(text):
        error = f"the interpreter ended during the import, wait status {status}"
    else:
        said = json.loads(text)
        error = said["error"]
        imported.update(said["files"])
    return {"module": one["name"], "error": error, "ms": int((time.monotonic() - one["start"]) * 1000)}


def attempts(names):
    waiting, running, done = list(reversed(names)), {}, {}
    while waiting or running:
        while waiting and len(running) < ask["at_once"]:
            one = start(waiting.pop())
            running[one["read"]] = one
        oldest = min(one["start"] for one in running.values())
        left = max(0, oldest + ask["seconds"] - time.monotonic())
        for fd in select.select(list(running), [], [], left)[0]:
            piece = os.read(fd, 65536)
            running[fd]["said"] += piece
            if not piece or len(running[fd]["said"]) > SAID_BYTES_MAX:
                one = running.pop(fd)
                done[one["name"]] = finish(one, False)
        late = [fd for fd, one in running.items() if one["start"] + ask["seconds"] <= time.monotonic()]
        for fd in late:
            one = running.pop(fd)
            done[one["name"]] = finish(one, True)
    return [done[name] for name in names]


imported = set()
imports = attempts(ask["modules"])
answer = {
    "imports": imports,
    "files": sorted(imported),
    "environment": {
        "home": os.environ.get("HOME", ""),
        "pythonpath": os.environ.get("PYTHONPATH", ""),
        "path": sys.path,
        "version": "%d.%d.%d" % sys.version_info[:3],
    },
}
os.write(1, ("\n" + ask["nonce"] + json.dumps(answer) + "\n").encode())
