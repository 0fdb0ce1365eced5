# The keeper: first process of every vetrun container, parent of the program.
#
# An engine reports 128+n both for a death by signal n and for exit(128+n). The keeper is the program's parent, so it
# knows the real wait status, and it hands it to vetrun over a socket that the program cannot reach. It also hands over
# the output folder (so that it can be read when every process is gone) and, where asked, a listening socket.
#
# Usage: python3 -I -S -B -c KEEPER SOCKET PORT OUT HOME      (PORT 0: no listening socket)
#
# The program has the keeper's user id. Three things keep them apart: the kernel drops every signal that a process of
# the container sends to its first process, the keeper is not dumpable (no /proc/1/mem, no /proc/1/fd, no ptrace), and
# the socket's listener is closed before the program starts.
#
# A start is as long as its imports take, so the modules in C are used, which the usual ones are made of.
import _signal as signal
import _socket as socket
import os
import select
import sys
import time

PR_SET_DUMPABLE = 4
SPEC_BYTES_MAX = 16 << 20
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


def say(sock, lines, fds=()):
    """Sends one message: lines, then an empty line. File descriptors travel with its first byte."""
    data = ("\n".join(lines) + "\n\n").encode()
    if fds:
        numbers = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
        sent = sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
        data = data[sent:]
    sock.sendall(data)


def receive(sock, size):
    data = bytearray()
    while len(data) < size:
        part = sock.recv(min(size - len(data), 1 << 16))
        if not part:
            os._exit(1)
        data += part
    return bytes(data)


def read_spec(sock):
    """The program: working directory, count of arguments, arguments, environment; each ended by a zero byte."""
    size = int.from_bytes(receive(sock, 4), "big")
    if size > SPEC_BYTES_MAX:
        raise ValueError("the specification is too long")
    fields = receive(sock, size).split(b"\0")[:-1]
    cwd, count = fields[0], int(fields[1])
    argv, pairs = fields[2 : 2 + count], fields[2 + count :]
    return cwd, argv, dict(pair.split(b"=", 1) for pair in pairs)


def listener(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock


def become(cwd, argv, env, report):
    """Runs in the child: turns into the program, or tells on `report` what failed."""
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


def main():
    path, port, out, home = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    set_dumpable(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    os.umask(0o022)
    os.mkdir(home, 0o700)
    fds = [os.open(out, os.O_RDONLY | os.O_DIRECTORY)]
    server = listener(port) if port else None
    if server is not None:
        fds.append(server.fileno())
    say(sock, ["hello 1"] + facts(), fds)
    os.close(fds[0])
    if server is not None:
        server.close()

    cwd, argv, env = read_spec(sock)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    report_read, report_write = os.pipe()
    began = time.monotonic_ns()
    child = os.fork()
    if child == 0:
        become(cwd, argv, env, report_write)
    os.close(report_write)
    failure = os.read(report_read, 4096)
    if failure:
        say(sock, ["failed " + failure.decode("utf-8", "replace").replace("\n", " ")])
        os._exit(0)

    status = None
    while status is None:
        ready, _, _ = select.select([wake_read, sock], [], [])
        if sock in ready:
            # vetrun is gone, or has seen enough: with this process every other one of the container ends.
            os._exit(1)
        try:
            os.read(wake_read, 4096)
        except BlockingIOError:
            pass
        status = reap(child)
    wall = time.monotonic_ns() - began
    kill_all()
    say(sock, ["ended %d" % status, "wall_ns %d" % wall])
    # The container's counters are read from outside while it lives; vetrun closes the socket when that is done.
    select.select([sock], [], [], 30)
    os._exit(0)


try:
    main()
except BaseException as error:
    sys.stderr.write("vetrun keeper: %s: %s\n" % (type(error).__name__, error))
    os._exit(125)
