# Says what an installer run needs to know about this interpreter, as one line of JSON.
import glob
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig

LIBRARIES_MAX = 20000


def full_version(info):
    text = f"{info.major}.{info.minor}.{info.micro}"
    return text if info.releaselevel == "final" else text + info.releaselevel[0] + str(info.serial)


def pip():
    try:
        import pip
        from pip._internal.models.index import PyPI
    except Exception:
        return None
    return {"version": pip.__version__, "index_url": PyPI.simple_url}


def machine():
    """The machine that this interpreter was built for, which may be older than the kernel's."""
    name = platform.machine()
    narrow = {"x86_64": "i686", "aarch64": "armv7l"}
    return narrow.get(name, name) if sys.maxsize <= 2**32 else name


def libc():
    """The name and version of the C library, as wheels name it."""
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    except (AttributeError, OSError, TypeError, ValueError):
        name, version = musl()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return [name, int(numbers[1]), int(numbers[2])] if numbers else None


def musl():
    # musl's loader tells its version when it is run without a program; it is named in the interpreter's own file.
    with open(sys.executable, "rb") as file:
        loader = re.search(rb"/lib/ld-musl-[a-z0-9_]+\.so\.1", file.read())
    if not loader:
        return "", ""
    said = subprocess.run([loader[0]], stderr=subprocess.PIPE, universal_newlines=True).stderr
    version = re.search(r"Version (\S+)", said)
    return "musl", version[1] if version else ""


def libraries():
    """The names of the shared libraries that the loader finds: those in its folders, and those that are loaded."""
    names = set()
    for folder in library_folders():
        try:
            names.update(name for name in os.listdir(folder) if ".so" in name)
        except OSError:
            continue
    try:
        with open("/proc/self/maps") as maps:
            names.update(os.path.basename(line.split()[-1]) for line in maps if ".so" in line)
    except OSError:
        pass
    return sorted(names)[:LIBRARIES_MAX]


def library_folders():
    places = ["/lib", "/usr/lib", "/usr/local/lib"]
    found = {base + ending for base in places[:2] for ending in ("", "64", "32")} | set(places)
    multiarch = sysconfig.get_config_var("MULTIARCH")
    found.update(f"{base}/{multiarch}" for base in places if multiarch)
    found.update(os.environ.get("LD_LIBRARY_PATH", "").split(":") + [sys.base_prefix + "/lib"])
    # glibc's settings name one folder a line; what musl's loader searches is in a file of its own.
    for settings in ["/etc/ld.so.conf", *glob.glob("/etc/ld.so.conf.d/*.conf"), *glob.glob("/etc/ld-musl-*.path")]:
        try:
            with open(settings) as lines:
                found.update(one for line in lines for one in line.split() if one.startswith("/"))
        except (OSError, ValueError):
            continue
    return sorted(one for one in found if one)


def abi_flags():
    free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return free + ("d" if hasattr(sys, "gettotalrefcount") else "")


print(
    json.dumps(
        {
            "markers": {
                "implementation_name": sys.implementation.name,
                "implementation_version": full_version(sys.implementation.version),
                "os_name": os.name,
                "platform_machine": platform.machine(),
                "platform_python_implementation": platform.python_implementation(),
                "platform_release": platform.release(),
                "platform_system": platform.system(),
                "platform_version": platform.version(),
                "python_full_version": platform.python_version(),
                "python_version": ".".join(platform.python_version_tuple()[:2]),
                "sys_platform": sys.platform,
            },
            "stdlib": sorted(getattr(sys, "stdlib_module_names", sys.builtin_module_names)),
            "target": {
                "implementation": sys.implementation.name,
                "python": sys.version_info[:2],
                "abi_flags": abi_flags(),
                "machine": machine(),
                "libc": libc(),
            },
            "cache_tag": sys.implementation.cache_tag,
            "libraries": libraries(),
            "soabi": sysconfig.get_config_var("SOABI"),
            "pip": pip(),
        }
    )
)
