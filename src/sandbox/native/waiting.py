# What an interpreter that was started ahead does: it waits for the words of a command line, and becomes the script that
# the first of them names. Nothing stays imported that the interpreter has not loaded by itself.
def prepare():
    import sys

    is_loaded = "gc" in sys.modules
    import gc

    # The first compilation makes a hundred types. They and all that the interpreter has made by itself live as long as it does:
    # nobody has to look through them for garbage, which is half of what an interpreter's end takes.
    compile("", "", "exec")
    if hasattr(gc, "freeze"):
        gc.freeze()
    if not is_loaded:
        del sys.modules["gc"]


# With `codes`, a list, how the interpreter is going to end is put there, where it can be told.
def wait(socket, codes=None):
    import posix, sys

    told = posix.read(socket, 1 << 20)
    posix.close(socket)
    if not told:
        posix._exit(0)
    encoding = sys.getfilesystemencoding()
    argv = [word.decode(encoding, "surrogateescape") for word in told.split(b"\0")]
    # What is mounted on this folder was not there before.
    folder = posix.getcwd()
    posix.chdir(folder)
    path = folder + "/" + argv[0]
    sys.argv[:] = argv
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [sys.orig_argv[0], *argv]
    sys.path[0] = path.rpartition("/")[0]
    # Before Python 3.9 a script is called as it was named.
    path = path if sys.version_info >= (3, 9) else argv[0]
    # Not the one that this function is in, which is never looked through for garbage any more.
    main, before = type(sys)("__main__"), sys.modules["__main__"]
    for name in before.__dict__:
        if name not in ("prepare", "wait", "serve"):
            main.__dict__[name] = {} if name == "__annotations__" else before.__dict__[name]
    sys.modules["__main__"] = main
    del before
    main.__file__ = path
    main.__cached__ = None
    main.__spec__ = None
    main.__loader__ = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", path)
    try:
        with open(path, "rb") as script:
            text = script.read()
    except OSError as error:
        sys.stderr.write(f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n")
        raise SystemExit(2) from None
    codes = [] if codes is None else codes
    main = main.__dict__
    try:
        exec(compile(text, path, "exec", dont_inherit=True), main)
        codes.append(0)
    except SystemExit as error:
        code = 0 if error.code is None else error.code
        codes.append(1 if type(code) is not int else code if 0 <= code < 256 else None)
        raise
    except BaseException as error:
        # Told without the frame of this function; how to end is the interpreter's own affair.
        error.with_traceback(error.__traceback__.tb_next)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook = lambda *told: None
        # Who is interrupted ends by a signal.
        codes.append(None if isinstance(error, KeyboardInterrupt) else 1)
        raise


