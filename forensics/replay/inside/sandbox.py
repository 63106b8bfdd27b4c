"""Isolation by the operating system: namespaces in which the rest of the machine is read-only or not there at all.

Linux only. Works for root and, where the kernel lets anybody make user namespaces, for everybody. After `enter` the
process can write to its private folder and a few empty folders in memory; it sees no network, no other process, no
socket folder and no device beyond the harmless ones. Raises `Unavailable` where any part of that is not to be had.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any

_NEW = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000  # user, mount, pid, net, ipc
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_RECURSIVE = 0x8000
_MOUNT_SETATTR = 442
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_HIDDEN = ("/tmp", "/run", "/var/run", "/var/tmp", "/var/lib/mysql", "/var/lib/postgresql", "/dev")
_KEPT_CAPABILITIES = 1 << 1 | 1 << 2  # reading what belongs to somebody else: the project may


class Unavailable(Exception):
    """This system does not offer the isolation; the text says which part is missing."""


def enter(folder: str, keep: Iterable[str], pipes: Iterable[int], before: Callable[[], None]) -> None:
    """Go on in a new process inside new namespaces, in which ``folder`` is empty and writable.

    ``keep`` are the folders and files that must stay visible (read-only). ``pipes`` are closed in the two processes
    that stay behind, wait for the inner one and end with it. They never return from here. ``before`` is called when all
    is in place except that the process still has its rights.
    """
    if not sys.platform.startswith("linux"):
        raise Unavailable("namespaces exist on Linux only")
    _unshare()
    outer = os.getppid()
    inner = os.fork()
    if inner:
        _leave(pipes)
        _wait_outside(inner, outer)
    libc = _libc()
    libc.prctl(1, signal.SIGKILL)
    _mounts(folder, keep)
    worker = os.fork()
    if worker:
        _leave(pipes)
        _wait_as_init(worker)
    libc.prctl(1, signal.SIGKILL)
    before()
    drop()


def loopback() -> None:
    """Switch the loopback of a new network namespace on: the one address that is there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14x", b"lo", 1 | 64)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(handle, 0x8914, request)  # SIOCSIFFLAGS


def limits() -> None:
    """Bound what the process can use up."""
    for name, most in (("CORE", 0), ("FSIZE", 2 << 30), ("AS", 16 << 30), ("NOFILE", 1024)):
        kind = getattr(resource, "RLIMIT_" + name)
        _, hard = resource.getrlimit(kind)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, hard if name == "NOFILE" else value))


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        raise Unavailable(f"{what}: {os.strerror(ctypes.get_errno())}")


def _leave(pipes: Iterable[int]) -> None:
    for pipe in pipes:
        os.close(pipe)


def _wait_outside(inner: int, outer: int) -> None:
    """Wait for the inner process; kill it when the program that asked for it is gone."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        done, status = os.waitpid(inner, os.WNOHANG)
        if done:
            os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)
        if os.getppid() != outer:
            os.kill(inner, signal.SIGKILL)
        signal.sigtimedwait({signal.SIGCHLD}, 1.0)


def _wait_as_init(worker: int) -> None:
    while True:
        done, status = os.wait()
        if done == worker:
            os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def _unshare() -> None:
    """Enter new namespaces. Root keeps every user that it can see, so that it can read what belongs to them."""
    maps = _identity_maps() if os.geteuid() == 0 else None
    user, group, pid = os.geteuid(), os.getegid(), os.getpid()
    go_read, go_write = os.pipe()
    done_read, done_write = os.pipe()
    helper = os.fork() if maps else 0
    if maps and not helper:
        os.close(go_write)
        _map_from_outside(pid, maps, go_read, done_write)
    os.close(done_write)
    try:
        _check(_libc().unshare(_NEW), "new namespaces")
        if maps:
            os.write(go_write, b"x")
        if not (maps and os.read(done_read, 1)):
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{user} {user} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
    except OSError as error:
        raise Unavailable(f"user mapping: {error.strerror}") from error
    finally:
        for pipe in (go_read, go_write, done_read):
            os.close(pipe)
        if helper:
            os.waitpid(helper, 0)


def _map_from_outside(pid: int, maps: dict[str, str], go: int, done: int) -> None:
    """Write the maps of a process that has left this namespace, and say so if that went well. Does not return."""
    try:
        if os.read(go, 1):
            for name, text in maps.items():
                _write(f"/proc/{pid}/{name}", text)
            os.write(done, b"x")
    except OSError:
        pass  # nothing is said, and the other side maps itself alone
    os._exit(0)


def _identity_maps() -> dict[str, str]:
    maps = {}
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/self/{name}", encoding="ascii") as file:
            parts = [line.split() for line in file]
        maps[name] = "\n".join(f"{part[0]} {part[0]} {part[2]}" for part in parts)
    return maps


def _write(path: str, text: str) -> None:
    # One write call: the kernel takes a map only in one piece.
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode("ascii"))
    finally:
        os.close(file)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> int:
    def raw(text: str | None) -> bytes | None:
        return None if text is None else os.fsencode(text)

    return int(_libc().mount(raw(source), raw(target), raw(kind), ctypes.c_ulong(flags), raw(data)))


def _mounts(folder: str, keep: Iterable[str]) -> None:
    _check(_mount(None, "/", None, _REC | _PRIVATE), "private mounts")
    hidden = [path for path in _HIDDEN if os.path.isdir(path) and not os.path.islink(path)]
    covered = [path for path in _outermost(keep) if path not in hidden and _under(path, hidden)]
    kept = [(path, os.path.isdir(path), os.open(path, os.O_PATH)) for path in covered]
    devices = [(name, os.open(f"/dev/{name}", os.O_PATH)) for name in _DEVICES if os.path.exists(f"/dev/{name}")]
    _read_only()
    for path in hidden:
        _tmpfs(path)
    for path, is_folder, handle in kept:
        _bind(handle, path, is_folder)
    for name, handle in devices:
        _bind(handle, f"/dev/{name}", False)
    os.makedirs("/dev/shm", exist_ok=True)
    os.symlink("/proc/self/fd", "/dev/fd")
    if _under(folder, hidden):
        os.makedirs(folder, mode=0o700)
    else:
        _tmpfs(folder)
    if _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC) < 0:
        # Another process's environment can be read there, so rather none at all.
        _tmpfs("/proc")


def _outermost(paths: Iterable[str]) -> list[str]:
    """Return the existing paths without those that lie in another of them."""
    found: list[str] = []
    for path in sorted({os.path.abspath(item) for item in paths if item and os.path.exists(item)}):
        if not _under(path, found):
            found.append(path)
    return found


def _under(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _read_only() -> None:
    attributes = struct.pack("QQQQ", _RDONLY, 0, 0, 0)
    libc = _libc()
    if libc.syscall(_MOUNT_SETATTR, -100, b"/", _RECURSIVE, attributes, len(attributes)) >= 0:
        return
    # Before Linux 5.12: one by one, each with the flags that it has, which an inner namespace may not take away.
    words = {"ro": _RDONLY, "nosuid": _NOSUID, "nodev": _NODEV, "noexec": _NOEXEC}
    words.update({"noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21})
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        lines = [line.split() for line in file]
    for parts in lines:
        flags = _REMOUNT | _BIND | _RDONLY
        for word in parts[5].split(","):
            flags |= words.get(word, 0)
        target = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), parts[4])
        if _mount(None, target, None, flags) < 0 and not _under(target, ("/proc", "/sys", "/dev")):
            raise Unavailable(f"{target} cannot be made read-only")


def _tmpfs(path: str) -> None:
    _check(_mount("tmpfs", path, "tmpfs", _NOSUID, "mode=1777,size=1g"), f"an empty {path}")


def _bind(handle: int, path: str, is_folder: bool) -> None:
    os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
    if not is_folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    result = _mount(f"/proc/self/fd/{handle}", path, None, _BIND | _REC)
    os.close(handle)
    _check(result, f"keeping {path} visible")


def drop() -> None:
    """Give up every right over the system, for good; inside namespaces also those to change them. Linux only."""
    if not sys.platform.startswith("linux"):
        return
    libc = _libc()
    for number in range(64):
        if libc.prctl(24, number, 0, 0, 0) < 0:
            break
    _check(libc.prctl(38, 1, 0, 0, 0), "no new privileges")
    kept = _KEPT_CAPABILITIES if os.geteuid() == 0 else 0
    header = struct.pack("Ii", 0x20080522, 0)
    data = struct.pack("IIIIII", kept, kept, 0, 0, 0, 0)
    _check(libc.capset(header, data), "giving up capabilities")
