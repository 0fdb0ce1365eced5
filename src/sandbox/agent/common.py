# What the two first processes of a container have in common: `keeper.py`, which speaks over a socket that it shares with
# vetrun, and `agent.py`, which speaks over a stream. Their text is this and theirs.
#
# A start is as long as its imports take, so the modules in C are used, which the usual ones are made of.
import _signal as signal
import _socket as socket
import os
import select
import sys
import time

PR_SET_DUMPABLE = 4
KILL_ROUNDS_MAX = 100


def prctl():
    """The C library's own; `ctypes`, which does the same, takes as long as the rest of a start."""
    try:
        import _ctypes

        address = _ctypes.dlsym(_ctypes.dlopen(None, os.RTLD_NOW), "prctl")
        return lambda *args: _ctypes.call_function(address, args)
    except (ImportError, AttributeError):
        import ctypes

        return ctypes.CDLL(None).prctl


PRCTL = prctl()


def set_dumpable(value):
    if PRCTL(PR_SET_DUMPABLE, value, 0, 0, 0) != 0:
        raise OSError(0, "prctl(PR_SET_DUMPABLE)")


def facts():
    """What holds for this process, as the kernel tells it; vetrun reports these instead of what it asked for."""
    lines = []
    wanted = ("Uid", "NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "CapBnd")
    with open("/proc/self/status") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name in wanted:
                lines.append("%s %s" % (name, value.strip()))
    for name in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
        try:
            lines.append("ns.%s %s" % (name, os.readlink("/proc/self/ns/" + name)))
        except OSError:
            pass
    lines.append("root.ro %d" % bool(os.statvfs("/").f_flag & os.ST_RDONLY))
    return lines


def listener(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock


def become(cwd, argv, env, report, streams=()):
    """Runs in the child: turns into the program, with these streams, or tells on `report` what failed."""
    step = "prepare"
    try:
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):
                    pass
        signal.set_wakeup_fd(-1)
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        # When memory ends, the kernel shall choose the program and not the keeper, which then tells of it.
        set_dumpable(1)
        try:
            with open("/proc/self/oom_score_adj", "w") as score:
                score.write("1000")
        except OSError:
            pass
        step = "cwd"
        os.chdir(cwd)
        step = "exec"
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        os.write(report, ("%s %d" % (step, error.errno or 0)).encode())
    except BaseException as error:
        os.write(report, ("%s 0 %s" % (step, error)).encode())
    os._exit(127)


def fields_of(spec):
    """A program: working directory, count of arguments, arguments, environment; each ended by a zero byte."""
    fields = spec.split(b"\0")[:-1]
    cwd, count = fields[0], int(fields[1])
    argv, pairs = fields[2 : 2 + count], fields[2 + count :]
    return cwd, argv, dict(pair.split(b"=", 1) for pair in pairs)


def wake_on_children():
    """A descriptor that can be read when a child has ended."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    return wake_read


def woken(wake):
    try:
        os.read(wake, 4096)
    except BlockingIOError:
        pass


def reap(child):
    """Collects dead children; the child's wait status when it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = status


def kill_all():
    for _ in range(KILL_ROUNDS_MAX):
        try:
            os.kill(-1, signal.SIGKILL)
        except OSError:
            return
        reap(0)
        time.sleep(0.0005)


def begin(main):
    """Runs `main`; a complaint goes to standard error, which vetrun reads."""
    try:
        main()
    except BaseException as error:
        sys.stderr.write("vetrun keeper: %s: %s\n" % (type(error).__name__, error))
        os._exit(125)
