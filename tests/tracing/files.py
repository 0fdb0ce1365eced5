import hashlib
import os


def step():
    with open("/tmp/file", "wb") as file:
        file.write(b"x" * 1000)
    with open("/tmp/file", "rb") as file:
        hashlib.sha256(file.read() * 20).hexdigest()
    os.remove("/tmp/file")


timed(step, 3000)
