# The agent: vetrun's hands in a container to which it is tied by one stream alone, standard input and output.
#
# It does what the keeper does, for engines and runtimes that share no sockets and folders with vetrun: it is the parent
# of the programs, knows their real wait statuses, and tells what holds. Beyond that it carries, in frames, what they
# write and read, files in and out, and connections to and from the container's loopback. `wire.rs` is the other end.
#
# Usage: python3 -I -S -B -c AGENT HOME
#
# A frame is a letter, the number of what it is about, the length of its data (4 bytes each, big-endian), the data.
#
#   from vetrun: P start a program   I its input    K kill it (0: everything)
#                W write a file      w its bytes    L send a folder
#                C connect           B listen       D bytes of a connection   X end it   A bytes were taken
#                H are you there     Q end
#   to vetrun:   H what holds        O E output     S how it ended or why not started
#                e an entry          d its bytes    m there is more           R how an order ended
#                N a connection came D X A as above
#
# Programs have the agent's user id. What keeps them apart: it is not dumpable (no mem, no fd, no ptrace), its streams are
# its own, since programs get pipes, and where it is the first process, the kernel drops their signals.
import errno

FRAME_BYTES_MAX = 16 << 20
CHUNK_BYTES = 1 << 16
# What may be on its way, unread, of one input or one direction of a connection.
WINDOW_BYTES = 1 << 18
CONNECTIONS_MAX = 64
# What is read of a program that has ended while others may still write to the same pipe.
REST_BYTES_MAX = 1 << 20
# The numbers of connections that come, as against those that vetrun gives out.
CAME = 1 << 31

IN, OUT = select.POLLIN, select.POLLOUT
GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def send(kind, number, data=b""):
    write_all(1, kind + number.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data)


def is_apart():
    """Whether a program cannot get at this process's streams, as the kernel of the container really has it: a kernel that
    does not know of processes that are not dumpable lets a program speak in the agent's place."""
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            set_dumpable(1)
            os.listdir("/proc/%d/fd" % parent)
        except BaseException:
            os._exit(0)
        os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def said(error):
    return ("%s" % (error.strerror or error)).encode("utf-8", "replace")


class Program:
    """A program that runs, and the pipes to it."""

    def __init__(self, agent, number, flags, cwd, argv, env):
        self.number, self.is_alone, self.is_muted = number, b"alone" in flags, False
        self.pending, self.is_fed = bytearray(), False
        if b"input" in flags:
            stdin, self.stdin = os.pipe()
            os.set_blocking(self.stdin, False)
        else:
            stdin, self.stdin = os.open("/dev/null", os.O_RDONLY), None
        out, stdout = os.pipe()
        err, stderr = os.pipe()
        self.outputs = {out: b"O", err: b"E"}
        report_read, report_write = os.pipe()
        self.began = time.monotonic_ns()
        self.pid = os.fork()
        if self.pid == 0:
            become(cwd, argv, env, report_write, (stdin, stdout, stderr))
        for fd in (stdin, stdout, stderr, report_write):
            os.close(fd)
        failure = os.read(report_read, 4096)
        os.close(report_read)
        if failure:
            os.waitpid(self.pid, 0)
            self.close()
            send(b"S", number, b"failed " + failure.replace(b"\n", b" "))
            return
        for fd in self.outputs:
            os.set_blocking(fd, False)
        agent.programs[number] = self

    def interests(self):
        for fd in self.outputs:
            yield fd, IN, self.relay
        if self.stdin is not None and (self.pending or self.is_fed):
            yield self.stdin, OUT, self.write

    def relay(self, fd, _what=IN):
        """Passes on what can be read; whether there may be more."""
        try:
            data = os.read(fd, CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not data:
            del self.outputs[fd]
            os.close(fd)
            return False
        if not self.is_muted:
            send(self.outputs[fd], self.number, data)
        return True

    def take(self, data):
        if self.stdin is None or self.is_fed:
            return
        if not data:
            self.is_fed = True
        elif len(self.pending) + len(data) <= WINDOW_BYTES:
            self.pending += data

    def write(self, fd, what):
        if what & GONE or not self.pending:
            # What the program does not want to read is no error.
            os.close(fd)
            self.stdin = None
            return
        try:
            count = os.write(fd, self.pending[:CHUNK_BYTES])
        except BlockingIOError:
            return
        except OSError:
            os.close(fd)
            self.stdin = None
            return
        del self.pending[:count]
        send(b"A", self.number, count.to_bytes(4, "big"))

    def end(self, agent, status, usage):
        wall = time.monotonic_ns() - self.began
        if self.is_alone:
            kill_all()
        for fd in list(self.outputs):
            # Nobody else has these any more, where it was alone: what is in them ends.
            os.set_blocking(fd, self.is_alone)
            read = 0
            while read < REST_BYTES_MAX and self.relay(fd):
                read += CHUNK_BYTES
        self.close()
        del agent.programs[self.number]
        cpu = int((usage.ru_utime + usage.ru_stime) * 1e9)
        send(b"S", self.number, b"ended %d\nwall_ns %d\ncpu_ns %d" % (status, wall, cpu))

    def kill(self):
        """Kills it, its session, and what descends from it, as far as that can be told."""
        self.is_muted = True
        for _ in range(KILL_ROUNDS_MAX):
            family, parents = set(), {}
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open("/proc/%s/stat" % pid, "rb") as stat:
                        state, parent, _, session = stat.read().rpartition(b")")[2].split()[:4]
                except OSError:
                    continue
                if state in b"ZX":
                    continue
                parents[int(pid)] = int(parent)
                if int(session) == self.pid or int(pid) == self.pid:
                    family.add(int(pid))
            grows = True
            while grows:
                grown = {pid for pid, parent in parents.items() if parent in family and pid not in family}
                family |= grown
                grows = bool(grown)
            if not family:
                return
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            time.sleep(0.002)

    def close(self):
        for fd in list(self.outputs) + [self.stdin]:
            if fd is not None:
                os.close(fd)
        self.outputs, self.stdin = {}, None


class Connecting:
    """A connection to a port inside that is not there yet: by the old address, then by the new one."""

    def __init__(self, agent, number, port):
        self.agent, self.number, self.port = agent, number, port
        self.addresses, self.failure, self.sock = [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")], None, None

    def proceed(self, failure):
        """Tries the next address, after this failure of the one before."""
        self.agent.connecting.pop(self.number, None)
        self.failure = self.failure or failure
        if self.sock is not None:
            self.sock.close()
        if not self.addresses or len(self.agent.connections) + len(self.agent.connecting) >= CONNECTIONS_MAX:
            send(b"R", self.number, (self.failure or "too many connections").encode())
            return
        family, address = self.addresses.pop()
        try:
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.setblocking(False)
            code = self.sock.connect_ex((address, self.port))
        except OSError as error:
            code = error.errno or errno.EIO
        if code in (0, errno.EINPROGRESS):
            self.agent.connecting[self.number] = self
        else:
            self.proceed(os.strerror(code))

    def interests(self):
        yield self.sock.fileno(), OUT, self.act

    def act(self, _fd, _what):
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.proceed(os.strerror(code))
            return
        del self.agent.connecting[self.number]
        self.agent.connections[self.number] = Connection(self.number, self.sock)
        send(b"R", self.number)


class Connection:
    """A connection inside, and how much of it may be on its way."""

    def __init__(self, number, sock):
        self.number, self.sock = number, sock
        self.pending, self.credit = bytearray(), WINDOW_BYTES
        self.is_read, self.is_told, self.is_shut = False, False, False
        sock.setblocking(False)

    def interests(self):
        mask = (IN if self.credit and not self.is_read else 0) | (OUT if self.pending else 0)
        if mask:
            yield self.sock.fileno(), mask, self.act

    def act(self, _fd, what):
        try:
            if what & OUT and self.pending:
                count = self.sock.send(self.pending[:CHUNK_BYTES])
                del self.pending[:count]
                send(b"A", self.number, count.to_bytes(4, "big"))
                self.shut()
            if what & (IN | GONE) and self.credit and not self.is_read:
                data = self.sock.recv(min(CHUNK_BYTES, self.credit))
                self.credit -= len(data)
                self.is_read = not data
                send(b"D", self.number, data)
        except BlockingIOError:
            pass
        except OSError:
            send(b"X", self.number)
            self.is_read = self.is_shut = True

    def take(self, data):
        if not data:
            self.is_told = True
            self.shut()
        elif len(self.pending) + len(data) <= WINDOW_BYTES:
            self.pending += data

    def shut(self):
        if self.is_told and not self.pending and not self.is_shut:
            self.is_shut = True
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def is_over(self):
        return self.is_read and self.is_shut


def sent(number, top, depth_max, entries_max, bytes_max):
    """Sends a folder step by step: each entry as `kind links size mode path`, a file's bytes after it. No link is followed."""
    folders, entries, taken = [(b"", 0)], 0, 0
    while folders:
        folder, depth = folders.pop()
        try:
            found = sorted(os.scandir(os.path.join(top, folder)), key=lambda entry: entry.name)
        except OSError as error:
            send(b"e", number, b"! 0 0 0 " + said(error).replace(b" ", b"_") + b" " + folder)
            continue
        for entry in found:
            if entries >= entries_max:
                send(b"m", number, folder)
                break
            entries += 1
            path = os.path.join(folder, entry.name)
            try:
                stat = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            kind = {0o040000: b"d", 0o100000: b"f", 0o120000: b"l", 0o010000: b"p", 0o140000: b"s"}.get(
                stat.st_mode & 0o170000, b"c"
            )
            send(b"e", number, b"%s %d %d %o - %s" % (kind, stat.st_nlink, stat.st_size, stat.st_mode & 0o777, path))
            if kind == b"d" and depth < depth_max:
                folders.append((path, depth + 1))
            elif kind == b"f" and stat.st_nlink == 1 and stat.st_size <= bytes_max - taken:
                taken += stat.st_size
                yield from bytes_of(number, os.path.join(top, path), stat.st_size)
            yield
    send(b"R", number)


def bytes_of(number, path, size):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        # Less than was announced: the other end says so.
        send(b"d", number)
        return
    left = size
    while left > 0:
        data = os.read(fd, min(CHUNK_BYTES, left))
        if not data:
            break
        left -= len(data)
        send(b"d", number, data)
        yield
    os.close(fd)
    send(b"d", number)


class Agent:
    def __init__(self):
        self.programs, self.connecting, self.connections, self.servers, self.files = {}, {}, {}, {}, {}
        self.tasks, self.came = [], CAME
        # Before children wake anybody.
        self.facts = facts() + ["apart %d" % is_apart()]
        self.wake = wake_on_children()

    def serve(self):
        received = bytearray()
        while True:
            calls, has_ended = {}, False
            poll = select.poll()
            poll.register(0, IN)
            poll.register(self.wake, IN)
            for fd, mask, call in self.interests():
                calls[fd] = call
                poll.register(fd, mask)
            for fd, what in poll.poll(0 if self.tasks else None):
                if fd == 0:
                    data = os.read(0, CHUNK_BYTES)
                    if not data:
                        # vetrun is gone: with this process every other one of the container ends.
                        kill_all()
                        os._exit(1)
                    received += data
                elif fd == self.wake:
                    has_ended = True
                else:
                    calls[fd](fd, what)
            if has_ended:
                # After the streams, since this closes some.
                self.reap()
            self.obey(received)
            self.tasks = [task for task in self.tasks if next(task, self) is not self]
            for number in [number for number, connection in self.connections.items() if connection.is_over()]:
                self.connections.pop(number).sock.close()

    def interests(self):
        for program in self.programs.values():
            yield from program.interests()
        for connection in list(self.connecting.values()) + list(self.connections.values()):
            yield from connection.interests()
        if len(self.connections) < CONNECTIONS_MAX:
            for number, server in self.servers.items():
                yield server.fileno(), IN, lambda _fd, _what, at=(number, server): self.accept(*at)

    def accept(self, number, server):
        try:
            fd, _ = server._accept()
        except OSError:
            return
        self.came += 1
        self.connections[self.came] = Connection(self.came, socket.socket(fileno=fd))
        send(b"N", number, self.came.to_bytes(4, "big"))

    def obey(self, received):
        while len(received) >= 9:
            size = int.from_bytes(received[5:9], "big")
            if size > FRAME_BYTES_MAX:
                raise ValueError("the frame is too long")
            if len(received) < 9 + size:
                return
            kind, number = bytes(received[:1]), int.from_bytes(received[1:5], "big")
            data = bytes(received[9 : 9 + size])
            del received[: 9 + size]
            ORDERS[kind](self, number, data)

    def start(self, number, data):
        flags, _, spec = data.partition(b"\0")
        cwd, argv, env = fields_of(spec)
        Program(self, number, flags, cwd, argv, env)

    def feed(self, number, data):
        if number in self.programs:
            self.programs[number].take(data)

    def kill(self, number, _data):
        if number == 0:
            for program in self.programs.values():
                program.is_muted = True
            kill_all_but_statuses(self)
        elif number in self.programs:
            self.programs[number].kill()

    def open(self, number, data):
        mode, _, path = data.partition(b" ")
        try:
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
            self.files[number] = os.open(path, flags, int(mode, 8))
            os.fchmod(self.files[number], int(mode, 8))
        except OSError as error:
            self.files[number] = None
            send(b"R", number, said(error))

    def write(self, number, data):
        fd = self.files.get(number)
        try:
            if data and fd is not None:
                write_all(fd, data)
            elif not data:
                del self.files[number]
                if fd is not None:
                    os.close(fd)
                    send(b"R", number)
        except OSError as error:
            os.close(fd)
            self.files[number] = None
            send(b"R", number, said(error))

    def fetch(self, number, data):
        limits, _, path = data.partition(b"\0")
        self.tasks.append(sent(number, path, *map(int, limits.split())))

    def connect(self, number, data):
        Connecting(self, number, int(data)).proceed(None)

    def listen(self, number, data):
        try:
            self.servers[number] = listener(int(data))
            self.servers[number].setblocking(False)
            send(b"R", number)
        except OSError as error:
            send(b"R", number, said(error))

    def pass_on(self, number, data):
        if number in self.connections:
            self.connections[number].take(data)

    def cut(self, number, _data):
        if number in self.connecting:
            self.connecting.pop(number).sock.close()
        if number in self.connections:
            self.connections.pop(number).sock.close()

    def credit(self, number, data):
        if number in self.connections:
            self.connections[number].credit += int.from_bytes(data, "big")

    def tell(self, number, _data):
        send(b"H", number, "\n".join(["hello 1"] + self.facts).encode())

    def end(self, _number, _data):
        kill_all()
        os._exit(0)

    def reap(self):
        woken(self.wake)
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.ended(pid, status, usage)

    def ended(self, pid, status, usage):
        for program in list(self.programs.values()):
            if program.pid == pid:
                program.end(self, status, usage)


def kill_all_but_statuses(agent):
    """Kills everything, and keeps the wait statuses of the programs."""
    for _ in range(KILL_ROUNDS_MAX):
        try:
            os.kill(-1, signal.SIGKILL)
        except OSError:
            return
        agent.reap()
        time.sleep(0.0005)


ORDERS = {
    b"P": Agent.start,
    b"I": Agent.feed,
    b"K": Agent.kill,
    b"W": Agent.open,
    b"w": Agent.write,
    b"L": Agent.fetch,
    b"C": Agent.connect,
    b"B": Agent.listen,
    b"D": Agent.pass_on,
    b"X": Agent.cut,
    b"A": Agent.credit,
    b"H": Agent.tell,
    b"Q": Agent.end,
}


def main():
    set_dumpable(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.umask(0o022)
    try:
        os.mkdir(sys.argv[1], 0o700)
    except FileExistsError:
        pass
    agent = Agent()
    agent.tell(0, b"")
    agent.serve()


begin(main)
