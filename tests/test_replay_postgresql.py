"""Chains in the laboratory on PostgreSQL: numbered and Alembic, every driver, both transaction modes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from laboratory import OPS, chain, migration, outside, run

from forensics.errors import ReplayError
from forensics.replay.inside.pg_script import is_read, split_script, stands_alone
from forensics.replay.lab import Lab, RunMigration

TRICKY = """-- a ; in a comment
CREATE TABLE log (x text DEFAULT 'a;b', "semi;colon" text); /* /* ; */ ; */
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN INSERT INTO log (x) VALUES ('$$ ; $$'); RETURN NEW; END $body$;
CREATE FUNCTION one(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a = 1 THEN 2 ELSE 3 END; END;
CREATE RULE quiet AS ON DELETE TO log DO INSTEAD (SELECT 1; SELECT 2);
;;
SELECT E'it\\'s ;';
INSERT INTO log (x) VALUES (';')"""
FILES = {
    "001.sql": "CREATE TABLE t (id serial PRIMARY KEY, n varchar(20) UNIQUE);\nCREATE INDEX ix ON t (n);",
    "002.sql": "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\nCREATE TABLE t (id int);\nCREATE TABLE never (x int);",
    "003.sql": TRICKY,
    "004.sql": "DROP INDEX ix;\nALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 3;",
    "005.sql": "CREATE TYPE mood AS ENUM ('sad');\nCREATE TABLE m (f mood);",
    "006.sql": "ALTER TYPE mood ADD VALUE 'glad';",
    "007.sql": "ALTER TABLE m ALTER f SET DEFAULT 'glad';\nALTER TYPE mood RENAME TO feeling;",
    "008.sql": "BEGIN;\nCREATE TABLE kept (x int);\nCOMMIT;\nCREATE TABLE gone (x int);\nSELECT 1 / 0;",
    "009.sql": "CREATE ROLE reader;\nGRANT SELECT ON t TO reader;",
    "010.sql": "GRANT SELECT ON t TO nobody_made;",
    "011.sql": "CREATE EXTENSION nobody_has;",
    "012.sql": "CREATE SCHEMA s;\nCREATE TABLE s.t (x int);\nCREATE VIEW v AS SELECT x FROM s.t;\nCOMMENT ON TABLE s.t IS 'it''s';",
    "013.sql": "ALTER TABLE s.t RENAME TO u;\nDROP TABLE t CASCADE;",
    "014.sql": "CREATE TABLE child (t int REFERENCES t (id));\nDROP TABLE t CASCADE;",
    "015.sql": "CREATE UNLOGGED TABLE IF NOT EXISTS t (x int);",
    "016.py": """
def upgrade(conn):
    with conn.cursor() as cursor:
        cursor.execute("CREATE TABLE p (x int); CREATE TABLE q (x int)")
        cursor.executemany("INSERT INTO p VALUES (%s)", [(1,), (2,)])
        cursor.execute("SELECT x FROM p WHERE x = %s", (2,))
        assert cursor.fetchone()[0] == 2
    conn.commit()
    conn.execute("CREATE TABLE r (x int)")
    conn.rollback()
""",
    "017.py": "import psycopg\ndef upgrade(url):\n    with psycopg.connect(url) as c:\n        c.execute('CREATE TABLE own (x int)')\n",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(chain(FILES), dialect="postgresql") as made:
        yield made


def groups(lab: Lab, state: str) -> list[str]:
    return [group.name for group in lab.schema(state).groups]


def story(lab: Lab, *names: str) -> str:
    """The state after these migrations, each of which succeeds."""
    state = lab.empty
    for name in names:
        outcome = run(lab, name, state)
        assert outcome.error is None, (name, outcome)
        state = outcome.state
    return state


def test_the_empty_state_knows_its_server(lab: Lab) -> None:
    assert lab.schema(lab.empty).groups == ()
    assert lab.schema(lab.empty).dialect == "postgresql"
    assert int(lab.server_version.split(".")[0]) >= 13
    assert lab.isolation in ("namespaces", "guard")


def test_a_migration_leads_to_the_schema_that_it_makes(lab: Lab) -> None:
    outcome = run(lab, "001")
    assert outcome.complete
    assert [(item.sql, item.ddl) for item in outcome.statements][1] == ("CREATE INDEX ix ON t (n)", True)
    (group,) = lab.schema(outcome.state).groups
    assert [item.kind for item in group.objects] == ["table", "column", "column", "primary_key", "unique", "index"]


def test_statements_are_split_as_the_server_would(lab: Lab) -> None:
    outcome = run(lab, "003")
    assert outcome.error is None
    assert [" ".join(item.sql.split()[:2]) for item in outcome.statements] == [
        "CREATE TABLE", "CREATE FUNCTION", "CREATE FUNCTION", "CREATE RULE", "INSERT INTO",
    ]  # fmt: skip
    assert len(lab.statements(lab.chain.by_id["003"])) == outcome.total == 5
    assert groups(lab, outcome.state) == ["keep()", "log", "one(a integer)"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("SELECT 1;SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("", []),
        (" ; -- x", []),
        ("SELECT $1; SELECT $a$;$a$ ", ["SELECT $1", "SELECT $a$;$a$"]),
        ("SELECT 'a''; b'; SELECT \"c;\"\"\"", ["SELECT 'a''; b'", 'SELECT "c;"""']),
        ("SELECT 'open ; ", ["SELECT 'open ; "]),
        ("SELECT (1;", ["SELECT (1;"]),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    assert list(split_script(text)) == pieces


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("select 1", True),
        ("SELECT * INTO x FROM t", False),
        ("SELECT setval('s', 3)", False),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", False),
        ("/* x */ SET search_path = s", True),
        ("SAVEPOINT a", True),
        ("DO $$ BEGIN END $$", False),
        ("UPDATE t SET x = 1", False),
    ],
)
def test_reads(sql: str, read: bool) -> None:
    assert is_read(sql) is read


def test_what_needs_a_real_transaction_is_known_by_its_text() -> None:
    assert stands_alone("op.create_index('i', 't', ['x'], postgresql_concurrently=True)\nCREATE INDEX CONCURRENTLY")
    assert stands_alone("with op.get_context().autocommit_block():")
    assert stands_alone('op.execute("COMMIT")')
    assert not stands_alone("CREATE TABLE committed (x int) -- on commit")


def test_a_file_is_one_transaction_and_a_failure_takes_all_of_it_back(lab: Lab) -> None:
    before = story(lab, "001")
    outcome = run(lab, "002", before)
    assert outcome.error == 'relation "t" already exists'
    assert (outcome.failed, outcome.failure, outcome.place) == ("CREATE TABLE t (id int)", "sql", "002.sql:3")
    assert (len(outcome.statements), outcome.total, outcome.state) == (2, 4, before)
    with Lab(chain(FILES, runner="statements"), dialect="postgresql") as made:
        outcome = run(made, "002", story(made, "001"))
        assert groups(made, outcome.state) == ["a", "t"]


def test_a_file_that_commits_by_itself_keeps_what_it_committed(lab: Lab) -> None:
    outcome = run(lab, "008")
    assert outcome.error == "division by zero"
    assert groups(lab, outcome.state) == ["kept"]


@pytest.mark.parametrize("upto", range(3))
def test_what_is_not_committed_is_gone_where_a_step_stops(lab: Lab, upto: int) -> None:
    outcome = run(lab, "001", upto=upto)
    assert len(outcome.statements) == upto
    assert outcome.stopped == (upto < 2)
    assert (outcome.state == lab.empty) == (upto < 2)


def test_only_what_was_touched_is_read_again_and_nothing_is_missed(lab: Lab) -> None:
    """Renames, drops and cascades reach other objects than the one that is named: the whole reading is the judge."""
    stories = [
        ("001", "004", "005", "006", "007"), ("001", "009", "012", "013"), ("001", "014"), ("003", "001", "004"),
        ("005", "012", "001", "014"),
    ]  # fmt: skip
    for names in stories:
        state = story(lab, *names)
        bench = lab._bench
        if state not in bench._held:
            bench._lead(state)
        bench.child().ask({"op": "run", "from": bench._held[state], "step": {"kind": "ddl", "sql": []}}, 30)
        whole = bench._reading.whole()  # type: ignore[attr-defined]
        seen = {group.name: group.trace for group in lab.schema(state).groups}
        assert seen == {group.name: group.trace for group in whole.groups.values()}, names


def test_a_new_enum_value_is_usable_after_its_migration_as_it_is_for_the_tool(lab: Lab) -> None:
    state = story(lab, "005", "006", "007")
    assert groups(lab, state) == ["feeling", "m"]
    assert "glad" in str(lab.schema(state).by_name["feeling"].objects)
    assert "glad" in str(lab.schema(state).by_name["m"].objects)


def test_what_no_schema_shows_is_part_of_a_state(lab: Lab) -> None:
    before = story(lab, "001")
    granted = story(lab, "001", "009")
    assert granted != before
    assert lab.schema(granted).groups == lab.schema(before).groups
    # Roles are the server's: another story begins without them, and makes them again.
    assert story(lab, "003", "001", "009") != granted


def test_what_the_scratch_server_does_not_have_is_named(lab: Lab) -> None:
    outcome = run(lab, "011")
    assert outcome.failure == "sql"
    assert "no extension 'nobody_has'" in outcome.hint
    assert "`bin`" in outcome.hint
    outcome = run(lab, "010", story(lab, "001"))
    assert "role 'nobody_made' in `setup`" in outcome.hint


def test_python_functions_get_the_recorded_connection(lab: Lab) -> None:
    outcome = run(lab, "016")
    assert outcome.error is None
    assert [(item.sql, item.parameters) for item in outcome.statements] == [
        ("CREATE TABLE p (x int)", None), ("CREATE TABLE q (x int)", None),
        ("INSERT INTO p VALUES (%s)", [[1], [2]]), ("CREATE TABLE r (x int)", None),
    ]  # fmt: skip
    assert groups(lab, outcome.state) == ["p", "q"]


def test_a_function_that_connects_by_itself_finds_the_scratch_database(lab: Lab) -> None:
    outcome = run(lab, "017", story(lab, "001"))
    assert (outcome.error, outcome.attempts) == (None, ())
    assert groups(lab, outcome.state) == ["own", "t"]


def test_nothing_to_do_is_no_new_state(lab: Lab) -> None:
    before = story(lab, "001")
    assert run(lab, "015", before).state == before


def test_outside_statements_are_committed_one_by_one(lab: Lab) -> None:
    outcome = outside(lab, "CREATE TABLE o1 (x int)", "CREATE TABLE o1 (x int)", "CREATE TABLE o2 (x int)")
    assert (outcome.error, outcome.failed) == ('relation "o1" already exists', "CREATE TABLE o1 (x int)")
    assert groups(lab, outcome.state) == ["o1"]
    outcome = outside(lab, "CREATE TABLE o3 (x int)", "CREATE INDEX CONCURRENTLY o3i ON o3 (x)", "VACUUM o3")
    assert outcome.error is None
    assert [item.kind for item in lab.schema(outcome.state).by_name["o3"].objects] == ["table", "column", "index"]


def test_a_seed_is_the_schema_that_its_groups_make(lab: Lab) -> None:
    state = story(lab, "003", "001", "005")
    texts = [text for group in lab.schema(state).groups for text in group.source]
    seed = lab.seed(texts)
    assert {group.name: group.meaning for group in lab.schema(seed).groups} == {
        group.name: group.meaning for group in lab.schema(state).groups
    }
    assert lab.seed(texts[::-1]) == seed
    assert lab.seed([]) == lab.empty
    assert groups(lab, run(lab, "015", lab.seed(["CREATE TABLE y (x int)"])).state) == ["t", "y"]
    with pytest.raises(ReplayError, match='type "nowhere" does not exist'):
        lab.seed(["CREATE TABLE y (x nowhere)"])


def test_states_are_reached_again_from_anywhere(lab: Lab) -> None:
    states = [story(lab, "001")]
    for number in range(12):
        states.append(outside(lab, f"CREATE TABLE d{number} (x int)", state=states[-1]).state)
    for number in (11, 0, 6, 3, 12):
        outcome = outside(lab, f"CREATE TABLE again{number} (x int)", state=states[number])
        assert groups(lab, outcome.state) == sorted(
            [f"again{number}", "t", *(f"d{item}" for item in range(number))], key=str.casefold
        )
    lab.close()
    assert len(groups(lab, outside(lab, "CREATE TABLE last (x int)", state=states[5]).state)) == 7


def test_a_step_that_hangs_or_ends_its_process_is_one_failed_step() -> None:
    files = {
        "1.sql": "SELECT pg_sleep(60);",
        "2.py": "import os\ndef upgrade(conn):\n    os._exit(0)\n",
        "3.sql": "CREATE TABLE t (x int);",
        "4.sql": "SELECT pg_terminate_backend(pg_backend_pid());",
    }
    with Lab(chain(files), dialect="postgresql", time_limit=2) as made:
        _ = made.empty
        assert run(made, "1").failure == "timeout"
        assert run(made, "2").failure == "died"
        assert run(made, "4").error is not None
        assert groups(made, run(made, "3").state) == ["t"]


def test_outcomes_are_kept_for_the_next_laboratory(tmp_path: Path) -> None:
    def told(made: Lab) -> tuple[object, ...]:
        state = story(made, "001", "004")
        return state, made.server_version, [group.trace for group in made.schema(state).groups]

    with Lab(chain(FILES), dialect="postgresql", cache=tmp_path) as made:
        first = told(made)
    with Lab(chain(FILES), dialect="postgresql", cache=tmp_path) as made:
        assert told(made) == first
        assert made._bench._child is None
        assert groups(made, run(made, "005", str(first[0])).state) == ["m", "mood", "t"]


def test_the_major_version_of_the_live_server_is_preferred() -> None:
    from forensics.replay.inside import postmaster

    major = int(list(map(postmaster.version, postmaster.folders()))[-1].split(".")[0])
    with Lab(chain(FILES), dialect="postgresql", version=major) as made:
        assert made.server_version.split(".")[0] == str(major)
        assert groups(made, run(made, "001").state) == ["t"]


def test_a_migration_given_as_a_record_runs(lab: Lab) -> None:
    step = RunMigration(migration=migration("x.sql", "CREATE TABLE x (y int);"))
    assert groups(lab, lab.run(lab.empty, step).state) == ["x"]


REVISIONS = {
    "a.py": OPS
    + """
def upgrade():
    op.create_table(
        "t", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.String(20)),
        sa.Column("m", sa.Enum("a", "b", name="mood")), sa.UniqueConstraint("n"), sa.CheckConstraint("id > 0", name="named"),
    )
    op.create_index(op.f("ix_t_n"), "t", ["n"])
    op.bulk_insert(sa.table("t", sa.column("id"), sa.column("n")), [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}])
""",
    "b.py": OPS
    + """
def upgrade():
    with op.batch_alter_table("t") as batch:
        batch.add_column(sa.Column("z", sa.Integer, server_default="3", nullable=False))
        batch.alter_column("n", nullable=False)
    assert not context.is_offline_mode()
    assert not op.get_context().opts["render_as_batch"]
    assert {"alembic_version", "t"} <= set(sa.inspect(op.get_bind()).get_table_names())
    if "z" not in {item["name"] for item in sa.inspect(op.get_bind()).get_columns("t")}:
        raise AssertionError
""",
    "c.py": OPS
    + """
def upgrade():
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE mood ADD VALUE 'zz'")
        op.create_index("later", "t", ["z"], postgresql_concurrently=True)
    cursor = op.get_bind().connection.cursor()
    cursor.execute("CREATE TABLE raw (x mood DEFAULT 'zz')")
""",
    "d.py": OPS
    + """
def upgrade():
    with op.get_bind().engine.connect() as second:
        seen = "t" in sa.inspect(second).get_table_names()
    op.create_table("seen" if seen else "unseen", sa.Column("x", sa.Integer))
""",
    "e.py": OPS
    + """
def upgrade():
    op.create_table("half", sa.Column("x", sa.Integer))
    try:
        with op.get_bind().begin_nested():
            op.execute("SELECT nonsense")
    except sa.exc.DBAPIError:
        op.execute("COMMENT ON TABLE half IS 'rescued'")
    op.execute("COMMIT")
    op.create_table("other", sa.Column("x", sa.Integer))
    raise RuntimeError("half way")
""",
    "f.py": OPS
    + """
def upgrade():
    op.get_bind().exec_driver_sql("SELECT nonsense")
""",
}


@pytest.fixture(scope="module", params=["psycopg", "psycopg2", "asyncpg"])
def alembic(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(chain(REVISIONS, tool="alembic", driver=request.param), dialect="postgresql") as made:
        yield made


def test_revisions_run_through_the_driver_that_is_named(alembic: Lab) -> None:
    state = story(alembic, "a", "b", "c")
    assert alembic._hello["driver"] == alembic.chain.hints.driver
    assert groups(alembic, state) == ["mood", "raw", "t"]
    kinds = [f"{item.kind} {item.ident}" for item in alembic.schema(state).by_name["t"].objects]
    assert {"column z", "unique n", "index ix_t_n", "index later"} <= set(kinds)
    assert run(alembic, "a").total == 4
    assert [item.ddl for item in run(alembic, "a").statements] == [True, True, True, False]


@pytest.mark.parametrize("upto", range(4))
def test_a_revision_that_stops_is_rolled_back(alembic: Lab, upto: int) -> None:
    outcome = run(alembic, "a", upto=upto)
    assert (outcome.stopped, outcome.error, outcome.state) == (True, None, alembic.empty)


def test_errors_are_the_servers_words_and_where_they_come_from(alembic: Lab) -> None:
    outcome = run(alembic, "f")
    assert outcome.error == 'column "nonsense" does not exist'
    assert (outcome.failed, outcome.failure) == ("SELECT nonsense", "sql")
    assert outcome.place == "f.py:9"
    assert outcome.state == alembic.empty


def test_a_revision_that_commits_keeps_what_it_committed(alembic: Lab) -> None:
    outcome = run(alembic, "e")
    assert outcome.error == "RuntimeError: half way"
    (group,) = alembic.schema(outcome.state).groups
    assert (group.name, "rescued" in str(group.objects)) == ("half", True)


def test_a_second_connection_sees_what_is_committed(alembic: Lab) -> None:
    assert "seen" in groups(alembic, story(alembic, "a", "d"))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_in_one_transaction_a_second_connection_sees_nothing(driver: str) -> None:
    made = chain(REVISIONS, tool="alembic", driver=driver, transaction="single")
    with Lab(made, dialect="postgresql") as lab:
        assert "unseen" in groups(lab, story(lab, "a", "d"))
        assert groups(lab, story(lab, "a", "b", "c")) == ["mood", "raw", "t"]


def test_a_version_table_elsewhere_is_in_no_schema() -> None:
    text = OPS + "\ndef upgrade():\n    assert op.get_context().version_table_schema == 'meta'\n"
    text += "    op.execute('SELECT version_num FROM meta.\"my versions\"')\n    op.create_table('t', sa.Column('x', sa.Integer))\n"
    made = chain({"1.py": text}, tool="alembic", version_table="meta.my versions")
    with Lab(made, dialect="postgresql") as lab:
        assert groups(lab, story(lab, "1")) == ["t"]


def test_a_driver_that_is_not_installed_is_named() -> None:
    with Lab(chain(FILES, driver="pg8000"), dialect="postgresql") as made, pytest.raises(ReplayError, match="pg8000"):
        _ = made.empty


def test_a_set_up_script_makes_what_is_there_before_the_first_revision(tmp_path: Path) -> None:
    script = tmp_path / "setup.py"
    script.write_text(
        "import sqlalchemy as sa\nwith engine.begin() as c:\n    c.execute(sa.text('CREATE ROLE app'))\n"
        "    c.execute(sa.text('CREATE TABLE first (x int)'))\n"
    )
    with Lab(chain({"1.sql": "GRANT SELECT ON first TO app;"}, setup=str(script)), dialect="postgresql") as made:
        assert groups(made, made.empty) == ["first"]
        assert run(made, "1").error is None


ENV = """
import asyncio
from alembic import context
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_name)s"})

def migrate(connection):
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine("postgresql+asyncpg://app:secret@live/app")
    async with engine.connect() as connection:
        await connection.run_sync(migrate)

asyncio.run(main())
"""


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_an_asynchronous_env_py_is_harvested_and_run(tmp_path: Path, driver: str) -> None:
    (tmp_path / "env.py").write_text(ENV)
    text = OPS + "\ndef upgrade():\n    op.create_table('t', sa.Column('x', sa.Integer), sa.UniqueConstraint('x'))\n"
    made = chain(
        {"1.py": text}, tmp_path, tool="alembic", driver=driver, env_file=str(tmp_path / "env.py"), env_py="run"
    )
    with Lab(made, dialect="postgresql") as lab:
        if lab.isolation == "namespaces":
            harvest = lab.harvest()
            assert harvest.error == ""
            assert dict(harvest.arguments)["naming_convention"] == {"uq": "uq_%(table_name)s_%(column_0_name)s"}
        outcome = run(lab, "1")
        assert outcome.error is None
        assert "uq_t_x" in str(lab.schema(outcome.state).groups)
