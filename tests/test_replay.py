"""Numbered chains in the laboratory: what runs, what is recorded, what a failure leaves."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laboratory import chain, migration, names, outside, run

from forensics.errors import ReplayError
from forensics.replay import inside
from forensics.replay.inside.script import is_read, moves_rows, split_script
from forensics.replay.lab import Lab, RunMigration
from forensics.sqltext import split_script as shared_split_script

MASKED = """-- masks, then fails
CREATE TABLE a (x);
INSERT INTO a VALUES (1);
CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, app_id TEXT);
CREATE INDEX t_app ON t (app_id);
CREATE TABLE never (x);
"""
TRICKY = """/* a ; in a comment */
CREATE TABLE log (x TEXT DEFAULT 'a;b', "semi;colon" TEXT); -- ; here too
CREATE TRIGGER keep AFTER INSERT ON log BEGIN
  INSERT INTO log (x) SELECT CASE WHEN new.x = ';' THEN 'END;' ELSE 'y' END WHERE 0;
  DELETE FROM log WHERE x = 'gone;';
END;
;;
SELECT 1;
INSERT INTO log (x) VALUES (';'), ('--');
CREATE VIEW seen AS SELECT x FROM log -- no semicolon at the end"""
FILES = {
    "001.sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, project_id TEXT);",
    "002.sql": MASKED,
    "003.sql": TRICKY,
    "004.py": """
def upgrade(conn):
    conn.execute("CREATE TABLE p1 (x)")
    conn.executescript("CREATE TABLE p2 (x); CREATE TABLE p3 (x);")
    cursor = conn.cursor()
    cursor.execute("INSERT INTO p1 VALUES (?)", (b"\\x00\\xff",))
    cursor.executemany("INSERT INTO p2 VALUES (:x)", [{"x": 1}, {"x": None}])
    for row in conn.execute("SELECT x AS y FROM p2 ORDER BY 1"):
        assert row[0] == row["y"] and dict(row).keys() == {"y"}
    print("x" * 5_000_000)
""",
    "005.py": "def migrate(conn):\n    pass\n\ndef rollback(conn):\n    pass\n",
    "006.py": "import package_that_nobody_has\n\ndef upgrade(conn):\n    pass\n",
    "007.py": "def upgrade(conn):\n    conn.execute('CREATE TABLE before (x)')\n    raise RuntimeError('half way')\n",
    "008.py": "def upgrade(conn):\n    conn.execute('INSERT INTO t VALUES (1, 2)')\n"
    "    conn.execute('CREATE TABLE with_data (x)')\n    conn.execute('SELECT absent FROM t')\n",
    "009.py": "def upgrade(conn):\n    try:\n        conn.execute('ALTER TABLE t ADD COLUMN project_id TEXT')\n"
    "    except Exception:\n        pass\n    conn.execute('CREATE TABLE after_all (x)')\n",
    "010.py": "def upgrade(\n",
    "011.sql": "CREATE TABLE t11 (x);\nCREATE TABLE t11 (x);",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(chain(FILES)) as made:
        yield made


def test_the_empty_state_is_empty_and_knows_its_sqlite(lab: Lab) -> None:
    assert lab.master(lab.empty) == ()
    assert lab.schema(lab.empty).groups == ()
    assert lab.server_version == sqlite3.sqlite_version
    assert lab.isolation in ("namespaces", "guard")


def test_a_migration_leads_to_the_schema_that_it_makes(lab: Lab) -> None:
    outcome = run(lab, "001")
    assert outcome.complete
    assert (outcome.before, outcome.total, outcome.failed) == (lab.empty, 1, None)
    assert lab.master(outcome.state) == (
        ("table", "t", "t", "CREATE TABLE t (id INTEGER PRIMARY KEY, project_id TEXT)"),
    )
    assert [group.name for group in lab.schema(outcome.state).groups] == ["t"]


def test_semicolons_in_bodies_strings_and_comments_do_not_split(lab: Lab) -> None:
    outcome = run(lab, "003")
    assert outcome.error is None
    assert [item.sql.split()[1] for item in outcome.statements] == ["TABLE", "TRIGGER", "INTO", "VIEW"]
    assert [item.ddl for item in outcome.statements] == [True, True, False, True]
    assert len(lab.statements(lab.chain.by_id["003"])) == outcome.total == 4


def test_the_pieces_leave_what_one_real_executescript_leaves(lab: Lab, tmp_path: Path) -> None:
    real = sqlite3.connect(tmp_path / "real.db")
    real.executescript(FILES["001.sql"])
    real.executescript(TRICKY)
    with pytest.raises(sqlite3.OperationalError, match="no such column: app_id"):
        real.executescript(MASKED)
    expected = real.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    real.close()
    state = lab.empty
    for name in ("001", "003", "002"):
        state = run(lab, name, state).state
    assert list(lab.master(state)) == expected


def test_a_masked_create_under_executescript_keeps_what_came_before_the_failure(lab: Lab) -> None:
    outcome = run(lab, "002", run(lab, "001").state)
    assert outcome.error == "no such column: app_id"
    assert outcome.failed == "CREATE INDEX t_app ON t (app_id);"
    assert (outcome.failure, outcome.place, outcome.total) == ("sql", "002.sql:5", 5)
    assert [item.ddl for item in outcome.statements] == [True, False, False]
    assert names(lab, outcome.state) == ["t", "a"]


@pytest.mark.parametrize(("runner", "kept"), [("statements", ["t", "a"]), ("transaction", ["t"])])
def test_other_runners_keep_what_their_transaction_keeps(runner: str, kept: list[str]) -> None:
    with Lab(chain(FILES, runner=runner)) as made:
        before = run(made, "001").state
        outcome = run(made, "002", before)
        assert outcome.error == "no such column: app_id"
        assert names(made, outcome.state) == kept
        assert (outcome.state == before) == (runner == "transaction")
        assert run(made, "001").error is None


def test_statements_after_a_row_was_written_go_with_it() -> None:
    # The legacy driver opens a transaction at the first row, and nothing is committed before the end.
    text = "CREATE TABLE one (x);\nINSERT INTO one VALUES (1);\nCREATE TABLE two (x);\nCREATE TABLE two (x);"
    with Lab(chain({"1.sql": text}, runner="statements")) as made:
        assert names(made, run(made, "1").state) == ["one"]
    with Lab(chain({"1.sql": text})) as made:
        assert names(made, run(made, "1").state) == ["one", "two"]


@pytest.mark.parametrize("upto", range(6))
def test_a_script_stops_where_it_is_told_to(lab: Lab, upto: int) -> None:
    outcome = run(lab, "002", upto=upto)
    assert [row[1] for row in lab.master(outcome.state)] == ["a", "t", "t_app", "never"][: max(0, upto - (upto > 1))]
    assert len(outcome.statements) == upto
    assert (outcome.stopped, outcome.error) == (upto < 5, None)


def test_python_records_each_statement_of_every_kind(lab: Lab) -> None:
    outcome = run(lab, "004")
    assert outcome.error is None
    assert [(item.sql, item.parameters, item.ddl) for item in outcome.statements] == [
        ("CREATE TABLE p1 (x)", None, True),
        ("CREATE TABLE p2 (x);", None, True),
        ("CREATE TABLE p3 (x);", None, True),
        ("INSERT INTO p1 VALUES (?)", [{"hex": "00ff"}], False),
        ("INSERT INTO p2 VALUES (:x)", [{"x": 1}, {"x": None}], False),
    ]
    assert outcome.total == 5


def test_python_stops_where_it_is_told_to(lab: Lab) -> None:
    assert names(lab, run(lab, "004", upto=0).state) == []
    assert names(lab, run(lab, "004", upto=2).state) == ["p1", "p2"]
    outcome = run(lab, "004", upto=4)
    assert (outcome.stopped, outcome.error, len(outcome.statements)) == (True, None, 4)
    assert not run(lab, "004", upto=5).stopped


def test_a_migration_that_swallows_errors_does_not_go_on_after_a_stop(lab: Lab) -> None:
    before = run(lab, "001").state
    assert names(lab, run(lab, "009", before).state) == ["t", "after_all"]
    assert names(lab, run(lab, "009", before, upto=0).state) == ["t"]


def test_ddl_before_a_python_error_stays_and_what_rows_opened_goes(lab: Lab) -> None:
    outcome = run(lab, "007")
    assert (outcome.error, outcome.failed, outcome.failure) == ("RuntimeError: half way", None, "python")
    assert outcome.place == "007.py:3"
    assert names(lab, outcome.state) == ["before"]
    outcome = run(lab, "008", run(lab, "001").state)
    assert (outcome.error, outcome.failed) == ("no such column: absent", "SELECT absent FROM t")
    assert names(lab, outcome.state) == ["t"]


def test_what_cannot_be_loaded_says_why_and_which_hint_helps(lab: Lab) -> None:
    problems = lab.load_problems()
    assert problems.keys() == {"005", "006", "010"}
    assert "'upgrade' (it defines migrate, rollback)" in problems["005"]
    assert "`entry`" in problems["005"]
    assert "package_that_nobody_has" in problems["006"]
    assert "`python`" in problems["006"]
    assert problems["010"].startswith("SyntaxError")
    outcome = run(lab, "006")
    assert (outcome.failure, outcome.state) == ("load", lab.empty)
    assert "`sys_path`" in outcome.hint


def test_the_entry_of_a_migration_or_of_the_chain_is_what_runs() -> None:
    text = "def migrate(conn):\n    conn.execute('CREATE TABLE m (x)')\n"
    with Lab(chain({"1.py": text}, entry="migrate")) as made:
        assert made.load_problems() == {}
        assert names(made, run(made, "1").state) == ["m"]
    with Lab(chain({"1.py": text})) as made:
        assert made.load_problems().keys() == {"1"}
        step = RunMigration(migration=migration("1.py", text, entry="migrate"))
        assert names(made, made.run(made.empty, step).state) == ["m"]


@pytest.mark.parametrize(
    "text",
    [
        "def upgrade(cursor):\n    cursor.execute('CREATE TABLE given (x)')\n",
        "def upgrade(conn=None, dry_run=False):\n    conn.execute('CREATE TABLE given (x)')\n",
        "import sqlite3\ndef upgrade(db_path):\n    sqlite3.connect(db_path).execute('CREATE TABLE given (x)')\n",
        "async def upgrade(conn):\n    conn.execute('CREATE TABLE given (x)')\n",
        "import os, sqlite3\ndef upgrade():\n    sqlite3.connect(os.environ['DB']).execute('CREATE TABLE given (x)')\n",
    ],
)
def test_functions_get_what_they_take(text: str) -> None:
    with Lab(chain({"1.py": text}, environment=(("DB", "{scratch}/scratch.db"),))) as made:
        outcome = run(made, "1")
        assert outcome.error is None
        assert names(made, outcome.state) == ["given"]
        assert len(outcome.statements) == 1


def test_outside_statements_run_one_by_one_up_to_the_first_that_fails(lab: Lab) -> None:
    outcome = outside(lab, "CREATE TABLE o1 (x)", "CREATE TABLE o1 (x)", "CREATE TABLE o2 (x)")
    assert (outcome.error, outcome.failed) == ("table o1 already exists", "CREATE TABLE o1 (x)")
    assert names(lab, outcome.state) == ["o1"]
    assert outside(lab).state == lab.empty


def test_equal_schema_and_equal_data_history_are_one_state(lab: Lab) -> None:
    assert (
        outside(lab, "CREATE TABLE s (x)").state == outside(lab, "CREATE TABLE s (x)", "PRAGMA foreign_keys = 1").state
    )
    with_row = outside(lab, "CREATE TABLE s (x)", "INSERT INTO s VALUES (1)").state
    assert with_row != outside(lab, "CREATE TABLE s (x)").state
    assert lab.master(with_row) == lab.master(outside(lab, "CREATE TABLE s (x)").state)
    no_row = outside(lab, "DELETE FROM s", state=outside(lab, "CREATE TABLE s (x)").state).state
    assert no_row == outside(lab, "CREATE TABLE s (x)").state
    emptied = outside(lab, "DROP TABLE s", "CREATE TABLE s (x)", state=with_row).state
    assert emptied != with_row
    assert outside(lab, "CREATE UNIQUE INDEX u ON s (x)", "INSERT INTO s VALUES (1)", state=with_row).error is not None
    assert outside(lab, "CREATE UNIQUE INDEX u ON s (x)", "INSERT INTO s VALUES (1)", state=emptied).error is None


def test_order_of_creation_is_part_of_a_state(lab: Lab) -> None:
    first = outside(lab, "CREATE TABLE a1 (x)", "CREATE TABLE a2 (x)").state
    assert first != outside(lab, "CREATE TABLE a2 (x)", "CREATE TABLE a1 (x)").state


def test_a_seed_is_the_schema_that_its_statements_make(lab: Lab) -> None:
    made = run(lab, "003").state
    assert lab.master(lab.seed(lab.master(made))) == lab.master(made)
    assert lab.seed(lab.master(lab.empty)) == lab.empty
    turned = lab.seed(["CREATE INDEX i ON later (x)", "CREATE TABLE later (x)"])
    assert names(lab, turned) == ["later", "i"]
    virtual = outside(lab, "CREATE VIRTUAL TABLE f USING fts5(body)").state
    assert lab.master(lab.seed(lab.master(virtual))) == lab.master(virtual)
    with pytest.raises(ReplayError, match="CREATE INDEX i ON nowhere"):
        lab.seed(["CREATE INDEX i ON nowhere (x)"])


def test_the_tracker_is_there_and_in_no_schema() -> None:
    files = {"1.sql": "CREATE TABLE t (x); INSERT INTO versions (version) VALUES ('1');"}
    with Lab(chain(files), tracker=["CREATE TABLE versions (id INTEGER PRIMARY KEY, version TEXT UNIQUE)"]) as made:
        outcome = run(made, "1")
        assert outcome.error is None
        assert names(made, outcome.state) == ["t"]
    with Lab(chain(files)) as made:
        assert run(made, "1").error == "no such table: versions"


def test_a_set_up_script_makes_what_is_there_before_the_first_migration(tmp_path: Path) -> None:
    script = tmp_path / "setup.py"
    script.write_text(
        "import sqlalchemy as sa\nwith engine.begin() as c:\n    c.execute(sa.text('CREATE TABLE first (x)'))\n"
    )
    with Lab(chain({"1.sql": "CREATE INDEX i ON first (x);"}, setup=str(script))) as made:
        assert names(made, run(made, "1").state) == ["first", "i"]
    script.write_text("raise LookupError('no settings')\n")
    with Lab(chain({"1.sql": "CREATE TABLE own (x);"}, setup=str(script))) as made:
        assert names(made, run(made, "1").state) == ["own"]
        assert made.troubles == (("setup", "setup.py:1: LookupError: no settings"),)


def test_a_known_run_is_only_looked_up_and_survives_a_new_child(lab: Lab) -> None:
    state = run(lab, "003", run(lab, "001").state).state
    assert run(lab, "003", run(lab, "001").state) is run(lab, "003", run(lab, "001").state)
    lab.close()
    assert names(lab, run(lab, "007", state).state) == [*names(lab, state), "before"]


def test_states_that_were_dropped_are_made_again() -> None:
    files = {f"{number}.sql": f"CREATE TABLE t{number} (x); INSERT INTO t{number} VALUES (1);" for number in range(6)}
    with Lab(chain(files)) as made:
        states = [made.empty]
        for number in range(6):
            states.append(run(made, str(number), states[-1]).state)
        made._bench._held.update(dict.fromkeys(states[1:], 10**6))
        for number in range(6):
            outcome = outside(made, "CREATE TABLE extra (x)", state=states[number])
            assert names(made, outcome.state) == [*(f"t{other}" for other in range(number)), "extra"]


def test_unknown_states_other_dialects_and_missing_interpreters_are_said(lab: Lab) -> None:
    with pytest.raises(ReplayError, match="no state"):
        outside(lab, "CREATE TABLE x (y)", state="nothing")
    with pytest.raises(ReplayError, match="mysql"):
        Lab(lab.chain, dialect="mysql")
    with Lab(chain({}, python="/nowhere/python")) as made, pytest.raises(ReplayError, match="/nowhere/python"):
        _ = made.empty


@pytest.mark.parametrize("text", ["CREATE TABLE a (x);\0CREATE TABLE b (y);", "CREATE TABLE \ud800 (x);"])
def test_texts_that_sqlite_cannot_take_are_errors_of_their_migration(lab: Lab, text: str) -> None:
    outcome = lab.run(lab.empty, RunMigration(migration=migration("odd.sql", text)))
    assert outcome.error
    assert outcome.state == lab.empty
    assert lab.statements(migration("odd.sql", text))


def test_reads_are_told_from_what_could_change_something() -> None:
    assert all(
        map(is_read, ["SELECT 1", "-- x\n select 1", "PRAGMA table_info(t)", "EXPLAIN DROP TABLE t", "VALUES (1)"])
    )
    changing = ["PRAGMA user_version = 3", "WITH x AS (SELECT 1) INSERT INTO t SELECT 1", "BEGIN", "", "selection"]
    assert not any(map(is_read, changing))
    assert moves_rows("create table x as select 1")
    assert not moves_rows("create table x (y)")


PARTS = st.lists(
    st.sampled_from(
        ["CREATE TABLE t (x)", "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1;", " END", ";", "\n", "-- c ; d\n",
         "'a;b'", "/* ; */", "INSERT INTO t VALUES (';')", '"q;"', " ", "CASE WHEN 1 THEN 2 END",
         "EXPLAIN ", "[;]", "`;`",
         "TEMP ", "\ufeff", "'", "/*", "BEGIN", "COMMIT", "\u00a0", "END;"]
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(PARTS)
def test_both_splitting_rules_are_one(parts: list[str]) -> None:
    text = "".join(parts)
    assert split_script(text) == shared_split_script(text)


def test_what_enters_another_interpreter_is_valid_for_python_3_9() -> None:
    folder = Path(inside.__file__).parent
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
        assert not [name for name in modules if name.startswith("forensics")]
