"""What users get for PostgreSQL servers that are not as they should be: a clear word, the rest reported, never a hang."""

from __future__ import annotations

import gzip
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cases import Document, Scene, check_schema, executed, one, said
from pooler import pooler

import forensics.acquire.postgresql as opening
from forensics import cli
from forensics.catalogs import postgresql as catalogue
from forensics.replay.cluster import Cluster
from forensics.replay.inside import postmaster

FILES = {
    "001_users.sql": "CREATE TABLE users (id int PRIMARY KEY, name text);\n",
    "002_posts.sql": "CREATE TABLE posts (id int PRIMARY KEY, body text);\n",
}
TRACKER = (
    "CREATE TABLE schema_versions (id serial PRIMARY KEY, version text NOT NULL, applied_at timestamp DEFAULT now(), description text)"
)
ROWS = "INSERT INTO schema_versions (version) VALUES ('001'), ('002')"


def fill(url: str, *more: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for text in (*FILES.values(), TRACKER, ROWS, *more):
            connection.execute(text.encode())


@pytest.fixture
def live(postgres: Cluster) -> Iterator[Cluster]:
    postgres.create("bad")
    fill(postgres.url("bad"))
    yield postgres
    postgres.drop("bad")


Report = Callable[..., tuple[int, dict[str, Document], str]]


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Report:
    """Diagnose a case of a SQLite database in order and these others; return the exit code, the documents, and all that was said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "_ATTEMPTS", 1)
    scene = Scene(tmp_path, {name: text.replace(" int ", " INTEGER ") for name, text in FILES.items()}, name="fine")
    scene.run(*FILES)
    scene.record("001", "002")

    def diagnosed(logs: tuple[str, ...] = (), **urls: str) -> tuple[int, dict[str, Document], str]:
        file = scene.write()
        with file.open("a") as out:
            for name, url in urls.items():
                out.write(f'\n[environments.{name}]\nurl = "{url}"\n' + (f"logs = {json.dumps(logs)}\n" if logs else ""))
        begin = time.monotonic()
        code = cli.main(["diagnose", "--format", "json"])
        assert time.monotonic() - begin < 60
        text = capsys.readouterr()
        document = json.loads(text.out)
        check_schema(document)
        assert "Traceback" not in text.err
        documents = {item["environment"]["name"]: item for item in document["environments"]}
        assert documents["fine"]["environment"]["state"] in ("ok", "pending")
        return code, documents, text.out + text.err

    return diagnosed


def unread(document: Document) -> tuple[str, str]:
    assert document["environment"]["state"] == "unreadable"
    finding = one(document, "unreadable")
    return finding["summary"], finding["remedy"]


def test_a_wrong_password_and_the_others_are_reported(report: Report) -> None:
    with Cluster() as cluster:
        fill(cluster.url())
        with psycopg.connect(cluster.url(), autocommit=True) as admin:
            admin.execute("SET password_encryption = 'scram-sha-256'")
            admin.execute("CREATE ROLE guest LOGIN PASSWORD 'r1ght-one'")
            Path(cluster.data, "pg_hba.conf").write_text("local all guest scram-sha-256\nlocal all all trust\n")
            admin.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        url = cluster.url().replace("//postgres@", "//guest:wr0ng-one@")
        code, documents, text = report(wrong=url, right=cluster.url())
    assert code == 3
    summary, remedy = unread(documents["wrong"])
    assert "refuses the user or the password" in summary
    assert remedy
    assert "wr0ng-one" not in text
    assert executed(documents["right"]) == {"001_users": "yes", "002_posts": "yes"}


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_server_that_goes_away_in_the_middle(live: Cluster, report: Report, at: int) -> None:
    with pooler(live.socket, dies_at=at) as line:
        code, documents, _ = report(gone=f"postgresql://postgres@127.0.0.1:{line.port}/bad", right=live.url("bad"))
    assert code == 3
    summary, remedy = unread(documents["gone"])
    assert "lost in the middle" in summary or "closed the connection" in summary
    assert remedy
    assert documents["right"]["environment"]["state"] == "ok"


def test_a_server_that_is_killed_while_it_is_read(report: Report) -> None:
    with Cluster() as cluster:
        fill(cluster.url(), *(f"CREATE TABLE t{number} (a int)" for number in range(50)))
        with open(f"{cluster.data}/postmaster.pid", encoding="ascii") as file:
            pid = int(file.readline())
        real = catalogue.PostgresReader.columns

        def killed(self: Any) -> Any:
            for signalled in (signal.SIGQUIT, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.kill(pid, signalled)
                time.sleep(0.3)
            return real(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(catalogue.PostgresReader, "columns", killed)
            code, documents, _ = report(killed=cluster.url())
    assert code == 3
    assert "in the middle" in unread(documents["killed"])[0]


def test_a_server_that_falls_silent_in_the_middle(live: Cluster, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "READ_LIMIT", 1)
    with pooler(live.socket, mute_at=3) as line:
        code, documents, _ = report(mute=f"postgresql://postgres@127.0.0.1:{line.port}/bad")
    assert code == 3
    assert "120 seconds" in unread(documents["mute"])[0]


def test_through_a_pooler_in_transaction_mode(live: Cluster, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c search_path=elsewhere")
    monkeypatch.setenv("PGDATESTYLE", "German")
    with pooler(live.socket) as line:
        address = f"postgresql+asyncpg://postgres@127.0.0.1:{line.port}/bad?prepared_statement_cache_size=0&options=-csearch_path%3Dx"
        code, documents, _ = report(pooled=address, direct=live.url("bad"))
        assert (code, line.refused) == (0, [])
        # One transaction for all, so that nothing of it is read by another session.
        assert line.transactions <= 2
        assert line.queries > 4
    assert documents["pooled"]["environment"]["fingerprint"] == documents["direct"]["environment"]["fingerprint"]
    assert executed(documents["pooled"]) == {"001_users": "yes", "002_posts": "yes"}


def test_a_schema_and_a_tracker_without_permission(live: Cluster, report: Report) -> None:
    with psycopg.connect(live.url("bad"), autocommit=True) as admin:
        admin.execute("CREATE SCHEMA closed; CREATE TABLE closed.inner_table (a int)")
        admin.execute("DROP ROLE IF EXISTS reader")
        admin.execute("CREATE ROLE reader LOGIN")
        try:
            code, documents, _ = report(reader=live.url("bad").replace("//postgres@", "//reader@"))
        finally:
            admin.execute("DROP ROLE reader")
    assert code == 3
    document = documents["reader"]
    finding = one(document, "unreadable")
    assert "schema_versions" in finding["summary"]
    assert "permission denied" in finding["summary"]
    assert "GRANT SELECT ON schema_versions" in said(finding), finding
    assert {item["id"]: item["executed"] for item in document["migrations"]} == {"001_users": "yes", "002_posts": "yes"}
    assert "inner_table" in said(one(document, "manual-change"))


def test_a_locked_tracker_names_the_limit(live: Cluster, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_SETTINGS", catalogue._SETTINGS.replace("lock_timeout = 5000", "lock_timeout = 100"))
    with psycopg.connect(live.url("bad")) as holder:
        holder.execute("LOCK TABLE schema_versions IN ACCESS EXCLUSIVE MODE")
        code, documents, _ = report(held=live.url("bad"))
    assert code == 3
    finding = one(documents["held"], "unreadable")
    assert "lock" in finding["summary"]
    assert "5 seconds" in finding["summary"], finding["summary"]


@contextmanager
def standby(primary: Cluster, root: Path) -> Iterator[str]:
    """A real standby of a running server, made by pg_basebackup."""
    bin = postmaster.choose(int(primary.server_version.split(".")[0]))[0]
    program = shutil.which("pg_basebackup", path=f"{bin}:{bin.replace('/usr/local/bin', '/usr/lib/postgresql/15/bin')}")
    assert program is not None
    data = root / "standby"
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        root.chmod(0o755)
        for parent in root.parents:
            if parent != Path("/") and parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                parent.chmod(parent.stat().st_mode | 0o055)
        data.mkdir()
        os.chown(data, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    subprocess.run(
        [program, "-h", primary.socket, "-U", "postgres", "-D", data, "-X", "fetch", "-R", "-c", "fast"], check=True, cwd="/", **user
    )
    settings = data / "postgresql.conf"
    own = f"\nunix_socket_directories = '{data}'\nhot_standby = on\nlisten_addresses = ''\nwal_level = replica\n"
    settings.write_text(settings.read_text() + own)
    data.chmod(0o700)
    pg_ctl = str(Path(program).with_name("pg_ctl"))
    subprocess.run(
        [pg_ctl, "start", "-D", data, "-w", "-t", "30", "-l", data / "log"], check=True, cwd="/", stdout=subprocess.DEVNULL, **user
    )
    try:
        yield f"postgresql://postgres@/postgres?host={data}"
    finally:
        subprocess.run([pg_ctl, "stop", "-D", data, "-m", "immediate"], check=True, cwd="/", stdout=subprocess.DEVNULL, **user)


def test_a_standby_is_read_like_any_other(
    report: Report, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        postmaster,
        "_SETTINGS",
        postmaster._SETTINGS.replace("wal_level = minimal", "wal_level = replica").replace("max_wal_senders = 0", "max_wal_senders = 4"),
    )
    with Cluster(15) as primary:
        fill(primary.url())
        with standby(primary, tmp_path_factory.mktemp("standby")) as url:
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            code, documents, _ = report(standby=url, primary=primary.url())
    assert code == 0
    for document in documents.values():
        assert executed(document) == {"001_users": "yes", "002_posts": "yes"}
    assert documents["standby"]["environment"]["fingerprint"] == documents["primary"]["environment"]["fingerprint"]


ESCAPES = {
    "a connection": "import psycopg\n\ndef upgrade(conn):\n    psycopg.connect('postgresql://app:s3cret@db.example/shop')\n",
    "a program": "import subprocess\n\ndef upgrade(conn):\n    subprocess.run(['psql', '-c', 'DROP TABLE users', 'shop'])\n",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_a_migration_that_reaches_out_is_refused_and_the_rest_is_told(live: Cluster, report: Report, tmp_path: Path, name: str) -> None:
    code, documents, text = report(before=live.url("bad"))
    assert code == 0
    (tmp_path / "migrations" / "003_escape.py").write_text(ESCAPES[name])
    code, documents, text = report(after=live.url("bad"))
    document = documents["after"]
    finding = one(document, "replay-escape")
    assert finding["migrations"] == ["003"]
    assert "003_escape.py:4" in said(finding)
    assert "s3cret" not in text
    assert {item["id"]: item["executed"] for item in document["migrations"] if item["id"] != "003_escape"} == {
        "001_users": "yes",
        "002_posts": "yes",
    }
    assert "chain-cannot-build" not in {item["cause"] for item in document["findings"]}
    assert "pending-will-fail" not in {item["cause"] for item in document["findings"]}


def test_logs_that_are_cut_or_of_no_known_kind(live: Cluster, report: Report, tmp_path: Path) -> None:
    whole = gzip.compress(b'2026-02-10 12:00:00.000 UTC [7] ERROR:  relation "users" does not exist\n' * 5000)
    (tmp_path / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "strange.log").write_text("".join(f"~~{number}~~ <<what>> is this\n" for number in range(40)))
    (tmp_path / "mixed.log").write_text("2026-02-10 12:00:00.000 UTC [7] LOG:  hello\n" + "~~ what is this\n" * 3)
    code, documents, _ = report(logs=("cut.log.gz", "strange.log", "mixed.log", "none.log", "none-*.log"), logged=live.url("bad"))
    assert code == 3
    finding = one(documents["logged"], "unreadable")
    assert finding["severity"] == "warning"
    for words in ("cut.log.gz could not be read to its end", "strange.log nothing is understood: 40 lines are", "none.log is not there"):
        assert words in finding["summary"], finding["summary"]
    assert "mixed" not in said(finding)
    assert "none-" not in said(finding)
    assert executed(documents["logged"]) == {"001_users": "yes", "002_posts": "yes"}


def test_the_help_says_what_trust_means() -> None:
    done = subprocess.run([sys.executable, "-m", "forensics", "diagnose", "--help"], capture_output=True, text=True, check=True)
    assert "isolation" in done.stdout
    assert "reach another database" in " ".join(done.stdout.split())
