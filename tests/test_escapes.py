"""The ways by which a revision could reach another database than the scratch one: each is refused and reported."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from laboratory import OPS, chain, run

from forensics.replay.cluster import Cluster
from forensics.replay.lab import Lab

HARM = "DROP TABLE users"
# What a revision does after it has made a table; {host}, {port}, {socket}, {file} lead to the decoys.
BODIES = {
    "an engine on its URL": (
        "connect",
        "with sa.create_engine('postgresql+psycopg://postgres@{host}:{port}/app').begin() as c:",
        "    c.execute(sa.text('{harm}'))",
    ),
    "an engine on its socket": (
        "connect",
        "with sa.create_engine('postgresql+psycopg2://postgres@/app?host={socket}&port={port}').begin() as c:",
        "    c.execute(sa.text('{harm}'))",
    ),
    "an engine with a creator": (
        "connect",
        "make = lambda: psycopg.connect(host='{host}', port={port}, user='postgres', dbname='app')",
        "with sa.create_engine('postgresql+psycopg://', creator=make).begin() as c:",
        "    c.execute(sa.text('{harm}'))",
    ),
    "an engine made on import": ("connect", "with EARLY.begin() as c:", "    c.execute(sa.text('{harm}'))"),
    "an engine on SQLite": (
        "connect", "with sa.create_engine('sqlite:///{file}').begin() as c:", "    c.execute(sa.text('{harm}'))",
    ),
    "raw psycopg2": (
        "connect", "psycopg2.connect(host='{host}', port={port}, user='postgres', dbname='app').cursor().execute('{harm}')",
    ),
    "psycopg2's inner connect": (
        "connect", "psycopg2._psycopg._connect('host={host} port={port} user=postgres dbname=app').cursor().execute('{harm}')",
    ),
    "raw psycopg": (
        "connect", "psycopg.connect('host={host} port={port} user=postgres dbname=app', autocommit=True).execute('{harm}')",
    ),
    "connect imported before": (
        "connect", "connect('host={host} port={port} user=postgres dbname=app', autocommit=True).execute('{harm}')",
    ),
    "connect imported before, as a creator": (
        "connect",
        "make = lambda: connect('host={host} port={port} user=postgres dbname=app')",
        "with sa.create_engine('postgresql+psycopg://', creator=make).begin() as c:",
        "    c.execute(sa.text('{harm}'))",
    ),
    "raw sqlite3": ("connect", "sqlite3.connect('{file}').execute('{harm}')"),
    "raw asyncpg": (
        "connect",
        "async def go():",
        "    c = await asyncpg.connect(host='{host}', port={port}, user='postgres', database='app')",
        "    await c.execute('{harm}')",
        "asyncio.run(go())",
    ),
    "an async engine": (
        "connect",
        "async def go():",
        "    async with create_async_engine('postgresql+asyncpg://postgres@{host}:{port}/app').begin() as c:",
        "        await c.execute(sa.text('{harm}'))",
        "asyncio.run(go())",
    ),
    "psql over TCP": ("process", "subprocess.run(['psql', '-h', '{host}', '-p', '{port}', '-c', '{harm}', 'app'])"),
    "psql over a socket": ("process", "os.system('psql -h {socket} -p {port} -c \"{harm}\" app')"),
    "SQLite's ATTACH": ("attach", "sqlite3.connect(':memory:').execute('ATTACH ? AS live', ('{file}',))"),
    "dblink": (
        "network",
        "op.execute(\"SELECT dblink_exec('host={host} port={port} user=postgres dbname=app', '{harm}')\")",
    ),
    "a foreign server": (
        "network", "op.execute(\"CREATE SERVER live FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}')\")",
    ),
    "a program of the server": ("process", "op.execute(\"COPY began FROM PROGRAM 'touch {file}2'\")"),
    "a file of the server": ("file", "op.execute(\"COPY began TO '{file}'\")"),
    "a large object": ("file", "op.execute(\"SELECT lo_export(lo_create(0), '{file}')\")"),
    "a file": ("file", "open('{file}', 'ab').write(b'x')"),
    "a socket of one's own": ("network", "socket.create_connection(('{host}', {port}))"),
    "the network": ("network", "socket.getaddrinfo('db.example', 5432)"),
}  # fmt: skip
HEAD = f"""import asyncio, os, socket, sqlite3, subprocess
import asyncpg, psycopg, psycopg2
from psycopg import connect
from sqlalchemy.ext.asyncio import create_async_engine
{OPS}
EARLY = sa.create_engine('postgresql+psycopg://postgres@{{host}}:{{port}}/app')

def upgrade():
    op.create_table('began', sa.Column('x', sa.Integer))
"""
# What hides from every hook: only the isolation stands in its way.
HIDDEN = {
    "the driver's own C": "psycopg2.extensions.connection('host={host} port={port} user=postgres dbname=app')",
    "libpq": "psycopg.pq.PGconn.connect(b'host={socket} port={port} user=postgres dbname=app').exec_(b'{harm}')",
    "a hidden dblink": "op.execute(\"DO $$ BEGIN EXECUTE 'SELECT db' || 'link_exec(''host={host} port={port}"
    " user=postgres dbname=app'', ''{harm}'')'; END $$\")",
}


@pytest.fixture(scope="module")
def decoy() -> Iterator[Cluster]:
    with Cluster(tcp=True) as made:
        made.create("app")
        with psycopg.connect(made.url("app")) as connection:
            connection.execute("CREATE TABLE users (x int)")
        yield made


@pytest.fixture
def places(decoy: Cluster, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where the decoys are; nothing there may have changed or have been visited afterwards."""
    file = tmp_path / "app.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE users (x)")
    connection.commit()
    connection.close()
    before = file.read_bytes()
    yield {"host": "127.0.0.1", "port": str(decoy.port), "socket": decoy.socket, "file": str(file), "harm": HARM}
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    with psycopg.connect(decoy.url("app"), autocommit=True) as live:
        assert live.execute("SELECT count(*) FROM users").fetchone() == (0,)
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'app' AND pid <> pg_backend_pid()"
        assert live.execute(others).fetchone() == (0,)


@pytest.mark.parametrize("isolation", ["auto", "guard"])
def test_every_way_out_is_refused_and_reported(places: dict[str, str], isolation: str) -> None:
    files = {}
    for number, (_, *lines) in enumerate(BODIES.values()):
        body = HEAD.format(**places) + "".join(f"    {line.format(**places)}\n" for line in lines)
        files[f"{number}.py"] = body
    root = Path(places["file"]).parent
    with Lab(chain(files, root, tool="alembic"), dialect="postgresql", isolation=isolation, trust=True) as lab:
        for number, (name, (kind, *_)) in enumerate(BODIES.items()):
            outcome = run(lab, str(number))
            assert outcome.error, name
            assert outcome.attempts, (name, outcome)
            assert {item.kind for item in outcome.attempts} <= {kind, "network"}, (name, outcome.attempts)
            assert all(item.place.startswith(f"{number}.py") for item in outcome.attempts), (name, outcome.attempts)
            assert outcome.state == lab.empty, (name, outcome)


def test_what_no_hook_sees_meets_the_isolation(places: dict[str, str]) -> None:
    files = {
        f"{number}.py": HEAD.format(**places) + f"    {line.format(**places)}\n    op.execute('SELECT nonsense')\n"
        for number, line in enumerate(HIDDEN.values())
    }
    with Lab(chain(files, tool="alembic"), dialect="postgresql") as lab:
        if lab.isolation == "namespaces":
            for number, name in enumerate(HIDDEN):
                outcome = run(lab, str(number))
                assert outcome.error, name
                assert outcome.state == lab.empty, name


def test_by_host_and_port_the_scratch_server_is_reached_where_it_is_the_only_one() -> None:
    text = OPS + (
        "import os, psycopg\ndef upgrade():\n    with psycopg.connect(os.environ['DATABASE_URL']) as c:\n"
        "        c.execute('CREATE TABLE own (x int)')\n"
    )
    url = "postgresql://postgres@127.0.0.1:5432/shop"
    with Lab(chain({"1.py": text}, tool="alembic", environment=(("DATABASE_URL", url),)), dialect="postgresql") as lab:
        outcome = run(lab, "1")
        if lab.isolation == "namespaces":
            assert (outcome.error, outcome.attempts) == (None, ())
            assert [group.name for group in lab.schema(outcome.state).groups] == ["own"]
        else:
            assert [item.kind for item in outcome.attempts] == ["connect"]


def test_in_guard_mode_the_server_gives_a_migration_no_rights_over_the_system() -> None:
    files = {
        "1.sql": "SELECT rolsuper FROM pg_roles WHERE rolname = current_user AND rolsuper;"
        "DO $$ BEGIN IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN RAISE 'superuser'; END IF; END $$;",
        "2.sql": "DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PRO' || 'GRAM ''true'''; END $$;",
        "3.sql": "CREATE EXTENSION pgcrypto; CREATE SCHEMA own; CREATE ROLE other; CREATE TABLE t (x int);",
    }
    with Lab(chain(files), dialect="postgresql", isolation="guard") as lab:
        assert run(lab, "1").error is None
        assert "pg_execute_server_program" in str(run(lab, "2").error)
        assert run(lab, "3").failure in ("", "sql")


def test_secrets_of_a_target_are_in_no_report(places: dict[str, str]) -> None:
    text = HEAD.format(**places) + "    psycopg.connect('postgresql://app:s3cret@db.example/shop')\n"
    with Lab(chain({"1.py": text}, tool="alembic"), dialect="postgresql") as lab:
        outcome = run(lab, "1")
        assert "db.example" in outcome.attempts[0].target
        assert "s3cret" not in str(outcome)


def test_nothing_is_listening_for_a_migration_but_the_scratch_server(places: dict[str, str]) -> None:
    port = socket.create_server(("127.0.0.1", 0))
    port.setblocking(False)
    text = HEAD.format(**places) + f"    psycopg.pq.PGconn.connect(b'host=127.0.0.1 port={port.getsockname()[1]}')\n"
    with Lab(chain({"1.py": text}, tool="alembic"), dialect="postgresql") as lab:
        run(lab, "1")
        if lab.isolation == "namespaces":
            with pytest.raises(BlockingIOError):
                port.accept()
    port.close()
