# What a template does, beside what `waiting.py` has: whenever it is asked to, it forks an interpreter, which takes the steps
# that it was given (`steps.rs`) into the run that wants one, and gives up all its rights, before it waits for a script.
def serve():
    import posix, sys

    modules, finders = set(sys.modules), set(sys.path_importer_cache)
    import _ctypes, _socket, _thread, _weakref, atexit, gc

    steps, control = int(sys.argv.pop()), int(sys.argv.pop())
    control = _socket.socket(fileno=control)
    places = []

    class Word(_ctypes._SimpleCData):
        _type_ = "l"

    class Byte(_ctypes._SimpleCData):
        _type_ = "c"

    class Call(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
        _argtypes_ = (Word,) * 7
        _restype_ = Word

    call, exit = (_ctypes.dlsym(_ctypes.dlopen(None, 0), name) for name in ("syscall", "exit"))
    call = Call(call)

    class Leave(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_PYTHONAPI
        _argtypes_ = (Word,)
        _restype_ = None

    # Ends a fork as an interpreter ends (`Py_FinalizeEx`), up to where nobody can see what is left: to take apart what it has in
    # common with the template takes longer than most scripts. Called when threads and what the script has registered have
    # ended; where it does nothing, or fails, the interpreter goes on with its own end.
    def leave(sys, codes, known, collect, ref, count, leave, kept):
        if not codes or codes[-1] is None or count() > 0:
            return
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            for name in "path", "argv", "last_exc", "last_type", "last_value", "last_traceback", "meta_path":
                setattr(sys, name, None)
            sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
            modules, alive = sys.modules, []
            for name in list(modules):
                if name in known:
                    kept[name] = modules[name]
                elif isinstance(modules[name], type(sys)):
                    alive.append(ref(modules[name]))
                modules[name] = None
            collect()
            for module in reversed(alive):
                names = getattr(module(), "__dict__", {})
                for name in list(names):
                    if name[:1] == "_" and name[1:2] != "_":
                        names[name] = None
                for name in list(names):
                    if name != "__builtins__":
                        names[name] = None
            collect()
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            return
        leave(codes[-1])

    def place(bytes):
        class Bytes(_ctypes.Array):
            _type_ = Byte
            _length_ = len(bytes)

        places.append(Bytes.from_buffer_copy(bytes))
        return _ctypes.addressof(places[-1])

    def argument(word):
        if word[0] == "=":
            return place(bytes.fromhex(word[1:]))
        if word[0] == "*":
            # A filter: how many instructions, and where (`struct sock_fprog`).
            filter = bytes.fromhex(word[1:])
            count = (len(filter) // 8).to_bytes(2, sys.byteorder)
            return place(count + b"\0" * 6 + place(filter).to_bytes(8, sys.byteorder))
        # The place of a descriptor that comes along, or a number.
        return word if word[0] == "$" else int(word)

    def take(action, words):
        answer = call(*words)
        if answer < 0:
            raise OSError(_ctypes.get_errno(), action)
        return answer

    def whole(words):
        return (*words, *[0] * (7 - len(words)))

    # What is to be done, by when: always, with Landlock, where refused calls are told of, and where not.
    todo = {"always": [], "landlock": [], "listen": [], "told": [], "untold": []}
    text = b""
    while more := posix.read(steps, 1 << 16):
        text += more
    posix.close(steps)
    numbers, *lines = text.decode().splitlines()
    setns, process_namespace, clone3, into_group, child_signal, unlistened = map(int, numbers.split("\t"))
    for line in lines:
        when, action, *words = line.split("\t")
        todo[when].append((action, whole([argument(word) for word in words])))

    def fork(group):
        if group is None:
            return posix.fork()
        numbers = into_group, 0, 0, 0, child_signal, 0, 0, 0, 0, 0, group
        arguments = b"".join(number.to_bytes(8, sys.byteorder) for number in numbers)
        answer = take("fork", whole((clone3, place(arguments), len(arguments))))
        places.pop()
        return answer

    def settle(fds, has_landlock, groups):
        for group in groups:
            posix.write(group, b"0")
        for action, words in todo["always"] + todo["landlock"] * has_landlock:
            if isinstance(words[1], str):
                words = (words[0], fds[int(words[1][1:])], *words[2:])
            take(action, words)
        listener, untold = None, unlistened
        for action, words in todo["listen"]:
            try:
                listener = take(action, words)
                break
            except OSError as error:
                untold = error.errno
        for action, words in todo["untold" if listener is None else "told"]:
            take(action, words)
        landlock = "true" if has_landlock else "false"
        untold = untold if listener is None and untold else "null"
        created = b'{"Created":{"landlock":%s,"untraced":%s}}' % (landlock.encode(), str(untold).encode())
        if listener is None:
            posix.write(fds[1], created)
        else:
            report = _socket.socket(fileno=fds[1])
            rights = listener.to_bytes(4, sys.byteorder)
            report.sendmsg([created], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
            report.detach()
            posix.close(listener)
        for number in range(3):
            posix.dup2(fds[4 + number], number)
        for fd in fds:
            if fd != fds[2]:
                posix.close(fd)

    codes = []
    # With all that is here, which nobody has to give back.
    told = sys, codes, modules - {"__main__"}, gc.collect, _weakref.ref, _thread._count, Leave(exit), dict(locals())
    # What it could see of the script's names would keep them all.
    atexit.register(type(serve)(leave.__code__, {"__builtins__": __builtins__}, "leave", told))
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    for path in set(sys.path_importer_cache) - finders:
        del sys.path_importer_cache[path]
    prepare()
    control.send(b"null")
    while True:
        body, rights, _, _ = control.recvmsg(64, 256, _socket.MSG_CMSG_CLOEXEC)
        if not body:
            posix._exit(0)
        rights = b"".join(data for _, _, data in rights)
        fds = [int.from_bytes(rights[at : at + 4], sys.byteorder) for at in range(0, len(rights), 4)]
        has_landlock, is_folder = body[1:2] == b"1", body[3:4] == b"1"
        groups = fds[8 if has_landlock else 7 :]
        born = 0
        try:
            take("enter the process namespace", whole((setns, fds[0], process_namespace)))
            # Its parent ends at once, so that it becomes a child of the first process inside.
            child = fork(groups.pop() if is_folder else None)
            if child == 0:
                try:
                    child = posix.fork()
                except OSError:
                    posix._exit(0)
                if child:
                    posix._exit(child if child < 256 else 0)
                break
            _, status = posix.waitpid(child, 0)
            born = status >> 8
        except OSError:
            pass
        try:
            posix.write(fds[3], b"%d" % born)
        except OSError:
            pass
        for fd in fds:
            posix.close(fd)
    posix.close(control.detach())
    try:
        settle(fds, has_landlock, groups)
    except BaseException as error:
        action, errno = ("%s" % (error.strerror,), error.errno) if isinstance(error, OSError) else ("become a stranger", 5)
        posix.write(fds[1], b'{"Failed":{"action":"%s","errno":%d}}' % (action.encode(), errno))
        posix._exit(127)
    return fds[2], codes


wait(*serve())
