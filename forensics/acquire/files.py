"""Reading files that others are using, without disturbing them.

Closing any descriptor of a file drops every POSIX lock that the process holds on it. A notebook whose application has
the database open would lose its locks that way, and two writers could then destroy it. So a file that this process
itself holds open is read by a short-lived child instead.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

# What the child is told: the source, what to do with it, and how many bytes or where to.
_CHILD = (
    "import hashlib,shutil,sys\n"
    "with open(sys.argv[1],'rb') as source:\n"
    "    if sys.argv[2]=='read': sys.stdout.buffer.write(source.read(int(sys.argv[3])))\n"
    "    elif sys.argv[2]=='hash': print(hashlib.file_digest(source,'sha256').hexdigest())\n"
    "    else:\n"
    "        with open(sys.argv[3],'wb') as target: shutil.copyfileobj(source,target,1<<20)\n"
)

Stamp = tuple[int, int, int, int]


def stamp(path: Path) -> Stamp | None:
    """Return device, inode, size and modification time (ns) of a regular file, None where there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def head(path: Path, count: int) -> bytes:
    """Return the first ``count`` bytes of a file, fewer where it is shorter. Raises `OSError`."""
    if _held(path):
        return _child(path, "read", str(count))
    with open(path, "rb") as source:
        return source.read(count)


def copy(source: Path, target: Path) -> None:
    """Copy the bytes of a file, and nothing else of it. Raises `OSError`."""
    if _held(source):
        _child(source, "copy", str(target))
    else:
        shutil.copyfile(source, target)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file. Raises `OSError`."""
    if _held(path):
        return _child(path, "hash").decode().strip()
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _held(path: Path) -> bool:
    """Tell whether this process has the file open; where the system cannot say, assume that it has not."""
    try:
        wanted = os.stat(path)
        names = os.listdir("/proc/self/fd")
    except OSError:
        return False
    for name in names:
        try:
            found = os.stat(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


def _child(path: Path, *what: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _CHILD, os.fspath(path), *what], capture_output=True, check=False
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OSError(lines[-1] if lines else "the copying process failed")
    return done.stdout
