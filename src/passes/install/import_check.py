# Tries imports and says which fail, and which files of the packages were imported. What has one outermost package is tried
# in one child, in order. The nonce tells our line from what packages print.
import json
import os
import select
import signal
import sys
import time

ask = json.load(sys.stdin)
SAID_BYTES_MAX = 1 << 20


def child(names, pipe):
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for name in names:
        start = time.monotonic()
        try:
            resolve(name)
            error = None
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"[:500] or "?"
        say(pipe, {"error": error, "ms": int((time.monotonic() - start) * 1000)})
    say(pipe, {"files": files()})
    os._exit(0)


def say(pipe, what):
    line = json.dumps(what).encode() + b"\n"
    while line:
        line = line[os.write(pipe, line) :]


def resolve(path):
    """Whether `from a.b import c` works, for `a.b.c`: each part is an attribute of what is before it, or a module."""
    import importlib

    outermost, *parts = path.split(".")
    found = importlib.import_module(outermost)
    reached = outermost
    for part in parts:
        inside = f"{reached}.{part}"
        try:
            found = getattr(found, part) if hasattr(found, part) else importlib.import_module(inside)
        except ModuleNotFoundError as missing:
            if missing.name not in (inside, reached):
                raise
            raise ImportError(f"cannot import name '{part}' from '{reached}'{near(part, found)}") from None
        reached = inside


def near(name, module):
    import difflib

    alike = difflib.get_close_matches(name, [one for one in dir(module) if one[:1] != "_"], 1)
    return f" (did you mean '{alike[0]}'?)" if alike else ""


def files():
    """The files of packages that were imported, relative to their folder."""
    root = os.environ.get("PYTHONPATH", "") + "/"
    names = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return sorted(name[len(root) :] for name in names if isinstance(name, str) and name.startswith(root))


def start(names):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            child(names, write)
        finally:
            os._exit(1)
    os.close(write)
    return {"names": names, "pid": pid, "read": read, "start": time.monotonic(), "said": b""}


def finish(one, timed_out):
    """The results of one child, and the files that it imported."""
    if timed_out:
        os.kill(one["pid"], signal.SIGKILL)
    os.close(one["read"])
    status = os.waitpid(one["pid"], 0)[1]
    said = [json.loads(line) for line in one["said"].split(b"\n")[:-1]]
    results, last = said[: len(one["names"])], said[len(one["names"]) :]
    if timed_out:
        error = "the import took more than %d s" % ask["seconds"]
    else:
        error = f"the interpreter ended during the import, wait status {status}"
    spent = int((time.monotonic() - one["start"]) * 1000)
    results += [{"error": error, "ms": spent}] * (len(one["names"]) - len(results))
    for name, result in zip(one["names"], results):
        done[name] = {"module": name, "error": result["error"], "ms": result["ms"]}
    imported.update(last[0]["files"] if last else ())


def attempts(groups):
    waiting, running = list(reversed(groups)), {}
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
                finish(running.pop(fd), False)
        late = [fd for fd, one in running.items() if one["start"] + ask["seconds"] <= time.monotonic()]
        for fd in late:
            finish(running.pop(fd), True)


def grouped(names):
    groups = {}
    for name in names:
        groups.setdefault(name.partition(".")[0], []).append(name)
    return list(groups.values())


done, imported = {}, set()
attempts(grouped(ask["modules"]))
answer = {
    "imports": [done[name] for name in ask["modules"]],
    "files": sorted(imported),
    "environment": {
        "home": os.environ.get("HOME", ""),
        "pythonpath": os.environ.get("PYTHONPATH", ""),
        "path": sys.path,
        "version": "%d.%d.%d" % sys.version_info[:3],
    },
}
os.write(1, ("\n" + ask["nonce"] + json.dumps(answer) + "\n").encode())
