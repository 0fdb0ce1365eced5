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


SPEC_BYTES_MAX = 16 << 20


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


def read_order(sock):
    """What is to be done, a letter, and with which program.

    A  start it ahead: an interpreter that waits for the words of a command line
    S  run it: a script, which that interpreter may become where it was started for the like
    P  run it: a program of its own
    """
    order, size = receive(sock, 1), int.from_bytes(receive(sock, 4), "big")
    if size > SPEC_BYTES_MAX:
        raise ValueError("the specification is too long")
    return order, fields_of(receive(sock, size))


def started(cwd, argv, env, lent=None):
    """A child that is this program, and what failed, or nothing. `lent` is a descriptor that it gets."""
    report_read, report_write = os.pipe()
    child = os.fork()
    if child == 0:
        if lent is not None:
            os.set_inheritable(lent, True)
        become(cwd, argv, env, report_write)
    os.close(report_write)
    failure = os.read(report_read, 4096)
    os.close(report_read)
    return child, failure


class Ahead:
    """An interpreter that was started before there was a script for it."""

    def __init__(self, cwd, argv, env):
        self.is_for = (cwd, argv[0], env)
        self.words, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.child, failure = started(cwd, argv + [b"%d" % theirs.fileno()], env, theirs.fileno())
        theirs.close()
        if failure:
            self.end()

    def end(self):
        if self.child is not None:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            self.child = None

    def becomes(self, cwd, argv, env):
        """The child that is this script from now on; none where another would have to be started for it."""
        if self.child is None or self.is_for != (cwd, argv[0], env):
            return None
        if os.waitpid(self.child, os.WNOHANG)[0]:
            self.child = None
            return None
        try:
            self.words.send(b"\0".join(argv[1:]))
        except OSError:
            return None
        child, self.child = self.child, None
        return child


def main():
    path, port, out, home = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    set_dumpable(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except OSError as error:
        # The kernels of vetrun and of this container share no sockets; vetrun knows another way.
        raise RuntimeError("the socket cannot be shared: %s" % error)
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

    ahead = None
    order, program = read_order(sock)
    while order == b"A":
        if ahead is not None:
            ahead.end()
        ahead = Ahead(*program)
        order, program = read_order(sock)
    wake = wake_on_children()
    began = time.monotonic_ns()
    child = ahead.becomes(*program) if ahead is not None and order == b"S" else None
    if child is None:
        if ahead is not None:
            ahead.end()
        child, failure = started(*program)
        if failure:
            say(sock, ["failed " + failure.decode("utf-8", "replace").replace("\n", " ")])
            os._exit(0)

    status = None
    while status is None:
        ready, _, _ = select.select([wake, sock], [], [])
        if sock in ready:
            # vetrun is gone, or has seen enough: with this process every other one of the container ends.
            os._exit(1)
        woken(wake)
        status = reap(child)
    wall = time.monotonic_ns() - began
    kill_all()
    say(sock, ["ended %d" % status, "wall_ns %d" % wall])
    # The container's counters are read from outside while it lives; vetrun closes the socket when that is done.
    select.select([sock], [], [], 30)
    os._exit(0)


begin(main)
