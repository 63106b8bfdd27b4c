"""Reading PostgreSQL servers that are there, and saying clearly why others cannot be read."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from postgresql_schemas import database

import forensics.acquire.postgresql as opening
from forensics.acquire import acquire
from forensics.acquire.address import dialect_of
from forensics.acquire.patience import TooLong, within
from forensics.acquire.postgresql import OpenedServer, open_postgresql, parameters, with_postgresql
from forensics.acquire.postgresql_trouble import in_words
from forensics.case.spec import CaseFile, ChainSpec, EnvironmentSpec
from forensics.catalogs import postgresql as catalogue
from forensics.errors import DatabaseBusy, DatabaseUnreadable
from forensics.model import Evidence
from forensics.redact import redact_url
from forensics.replay.cluster import Cluster


def evidence(address: str, root: Path, *, version_table: str = "") -> Evidence:
    spec = EnvironmentSpec(name="dev", root=root, url=redact_url(address), address=address, chain="main")
    chain = ChainSpec(name="main", path="migrations", root=root)
    case = CaseFile(title="t", name="t", root=root, chains=(chain,), environments=(spec,))
    return acquire(spec, case)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://db", {"host": "db"}),
        ("postgres://u@/shop", {"user": "u", "dbname": "shop"}),
        ("postgresql+psycopg2://u:p%40s@db:5433/shop", {"user": "u", "password": "p@s", "host": "db", "port": "5433", "dbname": "shop"}),
        ("postgresql+asyncpg://u:p@s/s@db/shop?ssl=true&prepared_statement_cache_size=0",
         {"user": "u", "password": "p@s/s", "host": "db", "dbname": "shop", "sslmode": "require"}),
        ("postgresql+psycopg://u@[::1]:5433/a%20b", {"user": "u", "host": "::1", "port": "5433", "dbname": "a b"}),
        ("postgresql://u@a:1,b:2/d?target_session_attrs=any&pool_size=3",
         {"user": "u", "host": "a,b", "port": "1,2", "dbname": "d", "target_session_attrs": "any"}),
        ("postgresql:///d?host=/run/pg&user=u&password=x%26y", {"host": "/run/pg", "user": "u", "password": "x&y", "dbname": "d"}),
        ("postgresql://u@/d?host=a:1&host=b", {"user": "u", "dbname": "d", "host": "a,b", "port": "1,5432"}),
        ("postgresql://db/d?options=-csearch_path%3Dx&schema=public&connect_timeout=999", {"host": "db", "dbname": "d"}),
        ("postgresql://db/d?user=a@b", {"host": "db", "dbname": "d", "user": "a@b"}),
    ],
)  # fmt: skip
def test_any_driver_s_address_is_understood(address: str, expected: dict[str, str]) -> None:
    assert parameters(address) == expected
    assert dialect_of(address) == "postgresql"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2", "postgresql+psycopg"])
def test_a_database_is_read_whole(postgres: Cluster, tmp_path: Path, scheme: str) -> None:
    statements = (
        "CREATE SCHEMA app; CREATE TABLE app.alembic_version (version_num varchar(32) PRIMARY KEY)",
        "INSERT INTO app.alembic_version VALUES ('abc123')",
        "CREATE TABLE app.items (id serial PRIMARY KEY)",
    )
    with database(postgres, *statements) as connection:
        address = scheme + postgres.url(connection.info.dbname).removeprefix("postgresql")
        found = evidence(address, tmp_path)
    assert (found.state, found.dialect, found.problem) == ("read", "postgresql", "")
    assert found.snapshot is not None
    assert [group.name for group in found.snapshot.groups] == ["app.alembic_version", "app.items"]
    trackers = [(item.tool, item.table, item.versions) for item in found.histories if item.state == "present"]
    assert trackers == [("alembic", "app.alembic_version", ("abc123",))]
    assert [(item.ref, item.kind) for item in found.exhibits] == [("E001", "database"), ("E002", "schema"), ("E003", "tracker")]
    assert "read-only" in found.exhibits[0].how


def test_an_empty_database_is_empty(postgres: Cluster, tmp_path: Path) -> None:
    with database(postgres) as connection:
        assert evidence(postgres.url(connection.info.dbname), tmp_path).state == "empty"


def test_what_may_not_be_read_is_said_and_the_rest_is_read(postgres: Cluster, tmp_path: Path) -> None:
    with database(
        postgres,
        "CREATE SCHEMA hidden; CREATE TABLE hidden.alembic_version (version_num varchar(32) PRIMARY KEY)",
        "CREATE TABLE seen (a int); CREATE TABLE schema_migrations (version text PRIMARY KEY)",
    ) as connection:
        name = connection.info.dbname
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
        address = postgres.url(name).replace("//" + connection.info.user, "//guest")
        found = evidence(address, tmp_path)
        assert found.state == "read"
        assert found.snapshot is not None
        assert {"hidden.alembic_version", "seen"} <= {group.name for group in found.snapshot.groups}
        assert "hidden" in found.exhibits[0].how
        assert "USAGE" in found.exhibits[0].how
        states = {item.table: (item.state, item.problem) for item in found.histories}
        assert states["hidden.alembic_version"][0] == "unreadable"
        assert "permission denied" in states["hidden.alembic_version"][1]
        connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM public")
        with pytest.raises(DatabaseUnreadable, match="may not connect"), open_postgresql(address):
            pass
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("DROP ROLE guest")


def refused(address: str) -> DatabaseUnreadable:
    with pytest.raises(DatabaseUnreadable) as error:
        with_postgresql(address, lambda found: found.reader.snapshot(), name="'it'")
    assert error.value.remedy
    for secret in ("s3cret", "somebody"):
        assert secret not in str(error.value)
        assert secret not in repr(error.value.__cause__)
    return error.value


def test_addresses_that_lead_nowhere(postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_ATTEMPTS", 1)
    query = f"?host={postgres.socket}"
    owner = postgres.url().partition("//")[2].partition("@")[0]
    assert "no database of that name" in str(refused(f"postgresql://{owner}@/gone{query}"))
    assert "does not know the user" in str(refused(f"postgresql://somebody:s3cret@/postgres{query}"))
    assert "no server at the socket" in str(refused(f"postgresql://somebody:s3cret@/d?host={tmp_path}"))
    assert "no server answers" in str(refused("postgresql://somebody:s3cret@127.0.0.1:1/d"))
    assert "host of the address is not known" in str(refused("postgresql://somebody:s3cret@no-such-host.invalid/d"))
    assert "not a valid one" in str(refused("postgresql://somebody:s3cret@127.0.0.1/d?port=abc"))
    assert "not a valid one" in str(refused(f"postgresql://{owner}@/postgres{query}&sslmode=often"))


def test_a_wrong_password(tmp_path: Path) -> None:
    with Cluster() as cluster:
        Path(cluster.data, "pg_hba.conf").write_text("local all guest scram-sha-256\nlocal all all trust\n")
        with psycopg.connect(cluster.url(), autocommit=True) as admin:
            admin.execute("CREATE ROLE guest LOGIN PASSWORD 'right'; SELECT pg_reload_conf()")
            time.sleep(0.2)
        right = cluster.url().replace("//" + cluster.url().partition("//")[2].partition("@")[0], "//guest:{}")
        with open_postgresql(right.format("right")) as found:
            assert found.reader.columns() == {}
        for password in ("s3cret", ""):
            assert "refuses the user or the password" in str(refused(right.format(password)))
        found_ = evidence(right.format("s3cret"), tmp_path)
        assert found_.state == "unreadable"
        assert "s3cret" not in repr(found_)


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a port of its own that does to each connection what ``answer`` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    held.append(line)
                    answer(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for line in held:
                line.close()


def test_a_mute_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "CONNECT_LIMIT", 1)
    with server(lambda line: None) as port:
        begin = time.monotonic()
        message = str(refused(f"postgresql://somebody:s3cret@127.0.0.1:{port}/d"))
        assert time.monotonic() - begin < 5
    assert "seconds" in message


def test_what_answers_is_no_postgresql() -> None:
    def http(line: socket.socket) -> None:
        line.recv(64)
        line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        line.close()

    with server(http) as port:
        message = str(refused(f"postgresql://somebody:s3cret@127.0.0.1:{port}/d"))
    assert "does not speak the protocol" in message


def test_a_pooler_is_asked_for_nothing_unusual() -> None:
    asked: list[bytes] = []

    def pooler(line: socket.socket) -> None:
        asked.append(line.recv(4096))
        text = b"SFATAL\0C08P01\0Munsupported startup parameter: extra\0\0"
        line.sendall(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        line.close()

    with server(pooler) as port:
        message = str(refused(f"postgresql://somebody:s3cret@127.0.0.1:{port}/d?sslmode=disable&gssencmode=disable"))
    assert "pooler" in message
    words = asked[0][8:].rstrip(b"\0").split(b"\0")
    assert set(words[::2]) == {b"user", b"database", b"application_name", b"client_encoding"}


def test_a_server_that_goes_away_in_the_middle(postgres: Cluster) -> None:
    with database(postgres, "CREATE TABLE t (a int)") as connection:
        address = postgres.url(connection.info.dbname)

        def read(found: OpenedServer) -> None:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migration-forensics'"
                " AND datname = current_database()"
            )
            time.sleep(0.1)
            found.reader.snapshot()

        with pytest.raises(DatabaseUnreadable, match=r"ended the connection in the middle|lost in the middle"):
            with_postgresql(address, read)


def test_no_query_is_waited_for_without_end(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_ATTEMPTS", 1)
    statements = ("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",)
    with database(postgres, *statements) as connection:
        address = postgres.url(connection.info.dbname)
        short = catalogue._SETTINGS.replace("lock_timeout = 5000", "lock_timeout = 50")
        monkeypatch.setattr(catalogue, "_SETTINGS", short)
        with connection.transaction():
            connection.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(DatabaseBusy, match="lock on a table, also after 5 seconds"):
                with_postgresql(address, lambda found: found.reader.snapshot())
        monkeypatch.setattr(catalogue, "_SETTINGS", short.replace("statement_timeout = 30000", "statement_timeout = 50"))
        with pytest.raises(DatabaseBusy, match="longer than its limit of 30 seconds"):
            with_postgresql(address, lambda found: found.reader._ask("SELECT pg_sleep(3)"))
        monkeypatch.setattr(catalogue, "_SETTINGS", short)
        monkeypatch.setattr(opening, "READ_LIMIT", 0.3)
        begin = time.monotonic()
        with pytest.raises(DatabaseUnreadable, match="not done within 120 seconds"):
            with_postgresql(address, lambda found: found.reader._ask("SELECT pg_sleep(5)"))
        assert time.monotonic() - begin < 3


def test_a_busy_standby_is_asked_again(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.time, "sleep", lambda seconds: None)
    tried = []

    def read(found: object) -> int:
        tried.append(found)
        if len(tried) < 3:
            raise psycopg.errors.SerializationFailure("canceling statement due to conflict with recovery")
        return len(tried)

    assert with_postgresql(postgres.url(), read) == 3
    words = in_words(psycopg.errors.SerializationFailure("x"), "'it'", {})
    assert "standby" in str(words)


def test_a_wait_that_is_given_up_leaves_nothing_open() -> None:
    closed = threading.Event()
    with pytest.raises(TooLong):
        within(0.05, lambda: time.sleep(0.3), lambda found: closed.set())
    assert closed.wait(3)
    assert within(3, lambda: 7, lambda found: None) == 7
    with pytest.raises(ZeroDivisionError):
        within(3, lambda: 1 // 0, lambda found: None)


def test_names_that_are_no_utf8(postgres: Cluster) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        with psycopg.connect(postgres.url("bytes"), autocommit=True, client_encoding="SQL_ASCII") as connection:
            connection.execute(b'CREATE TABLE t ("na\xefve" text DEFAULT \'\xff\')')
            connection.execute("INSERT INTO t DEFAULT VALUES")
        with open_postgresql(postgres.url("bytes")) as found:
            assert found.reader.columns() == {"t": ("na\udcefve",)}
            assert found.reader.fetch("t", ["na\udcefve"]) == [{"na\udcefve": "\udcff"}]
    finally:
        postgres.drop("bytes")
