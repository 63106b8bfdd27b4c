"""Migrations that reach for what is not theirs: refused, reported, nothing touched, and never a hang."""

from __future__ import annotations

import gc
import hashlib
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from laboratory import OPS, chain, names, outside, run

from forensics.replay.lab import Lab
from forensics.replay.scope import operations_only

SAFE = "def upgrade(conn):\n    conn.execute('CREATE TABLE safe (x)')\n"


def body(*lines: str) -> str:
    """A Python migration that makes one table and then does something else."""
    return "\n".join(
        [
            "import ctypes, os, shutil, socket, sqlite3, subprocess, sys, threading, _sqlite3",
            "from sqlite3 import connect",
            "def upgrade(conn):",
            "    conn.execute('CREATE TABLE began (x)')",
            *(f"    {line}" for line in lines),
        ]
    )


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """An environment's database beside the migrations; nothing in its folder may change."""
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE users (x)")
    connection.commit()
    connection.close()
    before = listing(tmp_path)
    yield path
    assert listing(tmp_path) == before


def listing(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


CONNECTS = {
    "connect": "sqlite3.connect({path!r}).execute('DROP TABLE users')",
    "imported before": "connect({path!r}).execute('DROP TABLE users')",
    "as a class": "sqlite3.Connection({path!r}).execute('DROP TABLE users')",
    "the C module": "_sqlite3.connect({path!r}).execute('DROP TABLE users')",
    "as a URI": "sqlite3.connect('file:' + {path!r} + '?mode=rw', uri=True).execute('DROP TABLE users')",
    "as bytes": "sqlite3.connect({path!r}.encode()).execute('DROP TABLE users')",
    "backup": "conn.backup(sqlite3.connect({path!r}))",
}
ATTACHES = {
    "attach": "conn.execute('ATTACH ' + repr({path!r}) + ' AS live')",
    "bound": "conn.execute('ATTACH ? AS live', ({path!r},))",
    "an expression": "conn.executescript('ATTACH ' + repr({path!r}) + ' || substr(1, 9) AS live')",
    "a base cursor": "sqlite3.Cursor(conn).execute('ATTACH ? AS live', ({path!r},))",
    "from memory": "sqlite3.connect(':memory:').execute('ATTACH ? AS live', ({path!r},))",
    "vacuum into": "conn.execute('VACUUM INTO ?', ({path!r} + '2',))",
}
PROCESSES = {
    "system": "os.system('touch ' + {path!r} + '2')",
    "subprocess": "subprocess.run(['touch', {path!r} + '2'])",
    "exec": "os.execv('/bin/touch', ['touch', {path!r} + '2'])",
    "spawn": "os.posix_spawn('/bin/touch', ['touch', {path!r} + '2'], {{}})",
    "fork": "os.fork()",
    "kill": "os.kill(1, 9)",
}
FILES = {
    "open": "open({path!r}, 'ab').write(b'x')",
    "low open": "os.open({path!r}, os.O_WRONLY | os.O_TRUNC)",
    "remove": "os.remove({path!r})",
    "rename": "os.rename({path!r}, {path!r} + '2')",
    "folder": "os.makedirs({path!r} + '.d')",
    "copy": "shutil.copyfile({path!r}, {path!r} + '2')",
    "tree": "shutil.rmtree(os.path.dirname({path!r}))",
    "mode": "os.chmod({path!r}, 0)",
}
ATTEMPTS = [
    pytest.param(kind, line, id=f"{kind}-{name}")
    for kind, lines in [("connect", CONNECTS), ("attach", ATTACHES), ("process", PROCESSES), ("file", FILES)]
    for name, line in lines.items()
]


@pytest.mark.parametrize("isolation", ["auto", "guard"])
def test_what_a_migration_reaches_for_is_refused_and_reported(target: Path, isolation: str) -> None:
    files = {}
    kinds = {}
    for number, item in enumerate(ATTEMPTS):
        kind, line = item.values
        files[f"{number}.py"] = body(str(line).format(path=str(target)))
        kinds[f"{number}"] = kind
    # The project's folder stays visible in the isolation, so that there is something to be kept from.
    made = chain({**files, "safe.py": SAFE}, target.parent.parent)
    with Lab(made, isolation=isolation, trust=True) as lab:
        for number, kind in kinds.items():
            outcome = run(lab, number)
            text = files[f"{number}.py"]
            assert outcome.error, text
            assert [item.kind for item in outcome.attempts] == [kind], text
            assert outcome.attempts[0].place in ("", f"{number}.py:5"), text
            assert names(lab, outcome.state) == ["began"], text
            assert str(target.parent) not in f"{outcome.attempts} {outcome.error}", text
        assert names(lab, run(lab, "safe").state) == ["safe"]


def test_a_swallowed_refusal_is_still_reported(target: Path) -> None:
    text = body(
        "try:", f"    sqlite3.connect({str(target)!r})", "except (OSError, sqlite3.Error):", "    pass", "conn.commit()"
    )
    with Lab(chain({"1.py": text}, target.parent.parent / "migrations")) as lab:
        outcome = run(lab, "1")
        assert outcome.error is None
        assert [(item.kind, item.target, item.place) for item in outcome.attempts] == [
            ("connect", "../data/app.db", "1.py:6")
        ]


def test_a_migration_that_opens_its_environments_database_by_itself_leaves_it_alone(target: Path) -> None:
    text = (
        f"import os, sqlite3\n\ndef upgrade():\n    conn = sqlite3.connect(os.environ.get('APP_DB', {str(target)!r}))\n"
    )
    text += "    conn.execute('CREATE TABLE mine (x)')\n    conn.commit()\n"
    files = {"1.py": text}
    with Lab(chain(files)) as lab:
        outcome = run(lab, "1")
        assert outcome.attempts[0].kind == "connect"
        assert outcome.state == lab.empty
    with Lab(chain(files, environment=(("APP_DB", "{scratch}/scratch.db"),))) as lab:
        assert names(lab, run(lab, "1").state) == ["mine"]


def test_an_attempt_in_a_module_that_is_imported_is_reported(target: Path, tmp_path: Path) -> None:
    text = f"import sqlite3\nsqlite3.connect({str(target)!r})\n" + SAFE
    with Lab(chain({"1.py": text}, tmp_path / "migrations")) as lab:
        outcome = run(lab, "1")
        assert (outcome.failure, outcome.attempts[0].place) == ("load", "1.py:2")
        assert "1" in lab.load_problems()


def test_secrets_in_a_target_are_masked() -> None:
    text = body("sqlite3.connect('postgresql://app:s3cret@db.example/shop')")
    with Lab(chain({"1.py": text})) as lab:
        assert "s3cret" not in str(run(lab, "1"))


def test_a_listening_port_and_socket_are_out_of_reach(tmp_path: Path) -> None:
    port = socket.create_server(("127.0.0.1", 0))
    port.setblocking(False)
    number = port.getsockname()[1]
    files = {
        "1.py": body(f"socket.create_connection(('127.0.0.1', {number}))"),
        "2.py": body(f"socket.socket().connect(('127.0.0.1', {number}))"),
        "3.py": body("socket.socket(socket.AF_UNIX).connect('/run/app.sock')"),
        "4.py": body("socket.getaddrinfo('db.example', 5432)"),
    }
    with Lab(chain(files)) as lab:
        for name in ("1", "2", "3", "4"):
            assert [item.kind for item in run(lab, name).attempts] == ["network"]
    with pytest.raises(BlockingIOError):
        port.accept()
    port.close()


def test_isolation_holds_where_interception_does_not_look(target: Path) -> None:
    """What reaches the system past Python's hooks meets a read-only machine without processes, devices or sockets."""
    text = body(
        "libc = ctypes.CDLL(None, use_errno=True)",
        f"assert libc.open({os.fsencode(target)!r}, 2) < 0 and ctypes.get_errno() == 30",
        f"assert libc.open({os.fsencode(target)!r} + b'2', 0o101, 0o600) < 0",
        f"assert libc.unlink({os.fsencode(target)!r}) < 0",
        "assert libc.mount(b'x', b'/tmp', b'tmpfs', 0, None) < 0",
        "assert libc.umount2(b'/tmp', 2) < 0",
        "assert [name for name in os.listdir('/proc') if name.isdigit()] in (['1', '2'], [])",
        "assert os.listdir('/run') == []",
        "assert not os.path.exists('/dev/vda') and not os.path.exists('/dev/sda')",
        "assert os.listdir('.') == os.listdir(os.path.expanduser('~')) == []",
    )
    with Lab(chain({"1.py": text}, target.parent.parent)) as lab:
        if lab.isolation == "namespaces":
            outcome = run(lab, "1")
            assert outcome.error is None, outcome
            assert outcome.attempts == ()


def test_nothing_of_the_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///live.db")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    text = body(
        "assert 'DATABASE_URL' not in os.environ",
        "assert 'PYTHONPATH' not in os.environ",
        "assert os.environ['A'] == 'b'",
    )
    text += "\n    os.environ['LEFT'] = 'behind'\n    sys.path.insert(0, '/left')\n"
    after = body("assert 'LEFT' not in os.environ", "assert '/left' not in sys.path")
    with Lab(chain({"1.py": text, "2.py": after}, environment=(("A", "b"),))) as lab:
        assert run(lab, "1").error is None
        assert run(lab, "2").error is None


@pytest.mark.parametrize("isolation", ["auto", "guard"])
def test_what_ends_hangs_or_floods_its_process_is_one_failed_migration(isolation: str) -> None:
    files = {
        "exit.py": body("sys.exit(3)"),
        "hard.py": body("os._exit(0)"),
        "abort.py": body("os.abort()"),
        "loop.py": body("while True: pass"),
        "query.sql": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n;",
        "flood.py": body("for _ in range(200): print('x' * 100_000); os.write(2, b'y' * 100_000)"),
        "thread.py": body("threading.Thread(target=threading.Event().wait).start()"),
        "deep.py": body("def again(): again()", "again()"),
        "safe.py": SAFE,
    }
    started = time.monotonic()
    with Lab(chain(files), isolation=isolation, trust=True, time_limit=0.8) as lab:
        found = {}
        for item in lab.chain.migrations:
            outcome = run(lab, item.id)
            found[item.id] = outcome.failure
            assert names(lab, run(lab, "safe").state) == ["safe"]
            assert names(lab, outside(lab, f"CREATE TABLE {item.id} (x)", state=outcome.state).state)[-1] == item.id
    assert found == {
        "exit": "python", "hard": "died", "abort": "died", "loop": "timeout", "query": "timeout", "flood": "",
        "thread": "", "deep": "python", "safe": "",
    }  # fmt: skip
    assert time.monotonic() - started < 30


def test_a_killed_child_is_replaced_without_blaming_a_migration() -> None:
    with Lab(chain({"1.py": SAFE, "2.sql": "CREATE TABLE two (x);"})) as lab:
        state = run(lab, "1").state
        child = lab._bench.child()._process
        child.kill()
        child.wait()
        assert names(lab, run(lab, "2", state).state) == ["safe", "two"]


def test_no_process_and_no_folder_stay_behind() -> None:
    with Lab(chain({"1.py": SAFE})) as lab:
        run(lab, "1")
        child = lab._bench.child()
        folder, process = child.folder, child._process
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)
    assert process.returncode is not None


def test_a_laboratory_that_nobody_closes_leaves_nothing_behind() -> None:
    lab = Lab(chain({"1.py": SAFE}))
    run(lab, "1")
    folder = lab._bench.child().folder
    del lab
    gc.collect()
    assert not os.path.exists(folder)


def test_without_isolation_python_runs_only_when_it_is_trusted() -> None:
    operations = OPS + "def upgrade():\n    op.create_table('t', sa.Column('id', sa.Integer))\n"
    more = OPS + "def upgrade():\n    op.get_bind().execute(sa.text('CREATE TABLE t (x)'))\n"
    made = chain({"1.py": operations, "2.py": more, "3.sql": "CREATE TABLE s (x);"}, tool="alembic", trust=False)
    with Lab(made, isolation="guard") as lab:
        assert lab.isolation == "guard"
        assert names(lab, run(lab, "1").state) == ["t"]
        assert names(lab, run(lab, "3").state) == ["s"]
        outcome = run(lab, "2")
        assert (outcome.failure, outcome.state) == ("untrusted", lab.empty)
        assert "--trust-migrations" in str(outcome.error)
        assert lab.load_problems().keys() == {"2"}
    with Lab(made, isolation="guard", trust=True) as lab:
        assert names(lab, run(lab, "2").state) == ["t"]
        assert lab.load_problems() == {}


@pytest.mark.parametrize(
    "code",
    [
        "op.add_column('t', sa.Column('x', sa.String(length=20), nullable=True))",
        "with op.batch_alter_table('t') as batch:\n        batch.drop_column('x')",
        "op.execute('UPDATE t SET x = 1')",
        "op.create_index('i', 't', [sa.text('lower(x)')], postgresql_using='gin')",
        "op.alter_column('t', 'x', type_=sa.dialects.postgresql.JSONB(), server_default=sa.func.now())",
        "pass",
    ],
)
def test_straight_operations_are_only_operations(code: str) -> None:
    assert operations_only(f"'''Doc.'''\n{OPS}\ndef upgrade() -> None:\n    {code}\n")


@pytest.mark.parametrize(
    "code",
    [
        "op.get_bind()",
        "open('x')",
        "sa.create_engine('sqlite:///live.db')",
        "sa.engine.create_engine('sqlite:///live.db')",
        "import os",
        "from sqlalchemy import create_engine",
        "from .helpers import run",
        "sa.util.os.system('x')",
        "from datetime import sys",
        "from sqlalchemy.util import os",
        "op.f.__globals__",
        "for x in []:\n        op.drop_table(x)",
        "(lambda: 1)()",
        "eval('1')",
        "this is not Python",
    ],
)
def test_anything_more_is_not(code: str) -> None:
    assert not operations_only(f"{OPS}\ndef upgrade() -> None:\n    {code}\n")
