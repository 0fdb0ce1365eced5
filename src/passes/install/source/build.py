# Runs one hook of a build backend (PEP 517) over a copy of the source. The nonce tells our line from what backends print.
import importlib
import json
import os
import shutil
import sys

ask = json.load(sys.stdin)
source, into = sys.argv[1:]
here = os.path.join(os.environ["TMPDIR"], "source")
shutil.copytree(source, here)
os.chdir(here)
# Nothing of the source is imported but what it names as its backend's place.
sys.path[:] = [os.path.join(here, folder) for folder in ask["backend_path"]] + [one for one in sys.path if one]
sys.argv[:] = ["build"]

module, _, attributes = ask["backend"].partition(":")
backend = importlib.import_module(module)
for name in filter(None, attributes.split(".")):
    backend = getattr(backend, name)
if ask["hook"] == "build_wheel":
    answer = backend.build_wheel(into)
else:
    hook = getattr(backend, "get_requires_for_build_wheel", None)
    answer = list(hook()) if hook else []
os.write(1, ("\n" + ask["nonce"] + json.dumps(answer) + "\n").encode())
