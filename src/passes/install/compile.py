# Compiles the files that are named on standard input, one a line, from the first folder into the second. Nothing of them
# runs. The bytecode is taken without a look at its source, which never changes.
import os
import py_compile
import sys

source, target = sys.argv[1:3]
names = sys.stdin.read().splitlines()
workers = min(os.cpu_count() or 1, 4, len(names))


def compile_some(names):
    for name in names:
        out = os.path.join(target, name + "c")
        os.makedirs(os.path.dirname(out), exist_ok=True)
        try:
            py_compile.compile(
                os.path.join(source, name),
                cfile=out,
                dfile=os.path.join(source, name),
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, RecursionError, OSError):
            # It is compiled, or refused, when it is imported.
            pass


children = []
for at in range(workers):
    child = os.fork()
    if child == 0:
        compile_some(names[at::workers])
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
