# Says what an installer run needs to know about this interpreter, as one line of JSON.
import json
import os
import platform
import sys


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
            "pip": pip(),
        }
    )
)
