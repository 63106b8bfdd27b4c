"""Which transaction wrote what, on real servers and with the real tool: what it decides, and where it must say nothing."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import chains
import psycopg
import pytest
from cases import Document, causes, check_schema, executed, found, one

from forensics import cli
from forensics.acquire import load
from forensics.acquire.store import store
from forensics.catalogs.postgresql_writers import read_writers
from forensics.explain.physical import OLDER, RESTORED, WRAPPED, look
from forensics.model import Evidence, History, RowWritten, Writers, Written, decode, encode
from forensics.replay.cluster import Cluster
from forensics.replay.inside.postmaster import folders

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

with create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=context.config.attributes["apart"])
    with context.begin_transaction():
        context.run_migrations()
"""
HEAD = "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = {!r}\ndown_revision = {!r}\n\n\ndef upgrade():\n{}\n"
PEOPLE = 'op.create_table("people", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))'
PETS = (
    'op.create_table("pets", sa.Column("id", sa.Integer, primary_key=True), sa.Column("owner", sa.Integer, sa.ForeignKey("people.id")))',
    'op.create_index("ix_pets_owner", "pets", ["owner"])',
)
AGE = 'op.add_column("people", sa.Column("age", sa.Integer))'
NAMES = (
    "with op.get_context().autocommit_block():",
    '    op.create_index("ix_people_name", "people", ["name"], postgresql_concurrently=True)',
)
DATA = "op.execute(\"UPDATE people SET name = 'nobody' WHERE name IS NULL\")"
SCRATCH = 'op.add_column("people", sa.Column("scratch", sa.Text))'
GONE = 'op.drop_column("people", "scratch")'
TOYS = 'op.create_table("toys", sa.Column("id", sa.Integer, primary_key=True))'
MODELS = """
import sqlalchemy as sa

metadata = sa.MetaData()
people = sa.Table(
    "people", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text){more}
)
pets = sa.Table(
    "pets", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("owner", sa.Integer, sa.ForeignKey("people.id"))
)
sa.Index("ix_pets_owner", pets.c.owner)
"""
FULL = MODELS.format(more=', sa.Column("age", sa.Integer)') + 'sa.Index("ix_people_name", people.c.name)\n'
FULL_BUT_ONE = MODELS.format(more=', sa.Column("age", sa.Integer)') + """
toys = sa.Table("toys", metadata, sa.Column("id", sa.Integer, primary_key=True))
"""
PLAIN = MODELS.format(more="")
# By name: the revisions with what each does, and the models.
CHAINS: dict[str, tuple[dict[str, tuple[str, ...]], str]] = {
    "full": ({"f1": (PEOPLE,), "f2": PETS, "f3": (AGE,), "f4": NAMES, "f5": (DATA,)}, FULL),
    "plain": ({"p1": (PEOPLE,), "p2": PETS}, PLAIN),
    "grown": ({"g1": (PEOPLE,), "g2": PETS, "g3": (AGE,), "g4": (TOYS,)}, FULL_BUT_ONE),
    "slots": ({"s1": (PEOPLE,), "s2": (SCRATCH,), "s3": (GONE,), "s4": PETS}, ""),
}
Scene = Callable[["Stage"], None]


class Stage:
    """One database, and the tool at work on it."""

    def __init__(self, root: Path, chain: str, name: str, cluster: Cluster) -> None:
        self.root, self.chain, self.name, self.cluster = root, chain, name, cluster
        self.url = cluster.url(name)
        cluster.create(name)

    def alembic(self, verb: str, *revisions: str, apart: bool = False, **options: Any) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(self.root / self.chain))
        config.set_main_option("sqlalchemy.url", self.url.replace("postgresql:", "postgresql+psycopg:").replace("%", "%%"))
        config.attributes["apart"] = apart
        for revision in revisions:
            getattr(command, verb)(config, revision, **options)

    def create_all(self) -> None:
        import sqlalchemy

        space: dict[str, Any] = {}
        exec((self.root / self.chain / "lib" / f"{self.chain}_models.py").read_text(), space)
        engine = sqlalchemy.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"))
        space["metadata"].create_all(engine)
        engine.dispose()

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def upgraded(stage: Stage) -> None:
    stage.alembic("upgrade", "head")


def upgraded_apart(stage: Stage) -> None:
    stage.alembic("upgrade", "head", apart=True)


def upgraded_in_goes(stage: Stage) -> None:
    stage.alembic("upgrade", "+1", "+1", "head")


def stamped(stage: Stage) -> None:
    stage.create_all()
    stage.alembic("stamp", "head")


def stamped_then_altered(stage: Stage) -> None:
    stamped(stage)
    stage.sql("ALTER TABLE pets ADD COLUMN nickname text")


def stamped_then_rewritten(stage: Stage) -> None:
    stamped(stage)
    stage.sql("VACUUM FULL", "VACUUM FREEZE", "REINDEX TABLE people", "CLUSTER pets USING pets_pkey", "GRANT SELECT ON people TO PUBLIC")


def upgraded_then_rewritten(stage: Stage) -> None:
    upgraded(stage)
    stage.sql("VACUUM FULL", "VACUUM FREEZE", "REINDEX TABLE people", "CLUSTER pets USING pets_pkey")


def upgraded_then_altered(stage: Stage) -> None:
    upgraded(stage)
    stage.sql("ALTER TABLE pets ADD COLUMN nickname text")


def upgraded_then_dropped(stage: Stage) -> None:
    upgraded(stage)
    stage.sql("DROP INDEX ix_pets_owner")


def restamped(stage: Stage) -> None:
    upgraded(stage)
    stage.sql("UPDATE alembic_version SET version_num = 'lost'")
    stage.alembic("stamp", "head", purge=True)


def tracked_anew(stage: Stage) -> None:
    upgraded(stage)
    stage.sql("DROP TABLE alembic_version")
    stage.alembic("stamp", "head")


def tracked_anew_apart(stage: Stage) -> None:
    upgraded_apart(stage)
    stage.sql("DROP TABLE alembic_version")
    stage.alembic("stamp", "head")


def failed_first(stage: Stage) -> None:
    """The tracker's table is there before the models make theirs: then nothing tells who made them."""
    stage.alembic("ensure_version", "")
    stage.create_all()
    stage.alembic("stamp", "head")


def stamped_then_upgraded(stage: Stage) -> None:
    """The models of then are those of the chain `plain`."""
    made = stage.chain
    stage.chain = "plain"
    stage.create_all()
    stage.chain = made
    stage.alembic("stamp", "g2")
    stage.alembic("upgrade", "+1", "+1")


def passed_over(stage: Stage) -> None:
    stage.alembic("upgrade", "s1")
    stage.alembic("stamp", "s3")
    stage.alembic("upgrade", "head")


NUMBERS = itertools.count(1)
SCENES: dict[str, tuple[str, Scene]] = {
    "full_upgraded": ("full", upgraded),
    "full_apart": ("full", upgraded_apart),
    "full_goes": ("full", upgraded_in_goes),
    "full_stamped": ("full", stamped),
    "full_rewritten": ("full", stamped_then_rewritten),
    "full_really_rewritten": ("full", upgraded_then_rewritten),
    "full_restamped": ("full", restamped),
    "full_anew": ("full", tracked_anew),
    "plain_upgraded": ("plain", upgraded),
    "plain_apart": ("plain", upgraded_apart),
    "plain_stamped": ("plain", stamped),
    "plain_by_hand": ("plain", stamped_then_altered),
    "plain_really_by_hand": ("plain", upgraded_then_altered),
    "plain_dropped": ("plain", upgraded_then_dropped),
    "plain_anew": ("plain", tracked_anew),
    "plain_anew_apart": ("plain", tracked_anew_apart),
    "plain_failed": ("plain", failed_first),
    "plain_restored": ("plain", stamped),
    "grown_upgraded": ("grown", upgraded),
    "grown_goes": ("grown", upgraded_in_goes),
    "grown_stamped": ("grown", stamped_then_upgraded),
    "slots_upgraded": ("slots", upgraded),
    "slots_passed": ("slots", passed_over),
}


def write_chain(root: Path, name: str) -> str:
    """Write a project of Alembic with its models; return its part of the case."""
    revisions, models = CHAINS[name]
    parents = [None, *revisions]
    files = {
        f"versions/{key}_step.py": HEAD.format(key, parent, "\n".join("    " + line for line in lines))
        for (key, lines), parent in zip(revisions.items(), parents, strict=False)
    }
    files |= {"env.py": ENV, f"lib/{name}_models.py": models}
    chains.write(root / name, files)
    named = f'sys_path = ["{name}/lib"]\nmodels = "{name}_models:metadata"\n' if models else ""
    return f'[chains.{name}]\npath = "{name}/versions"\ntool = "alembic"\ngit = "none"\nenv_py = "never"\n{named}'


def pg_dump(cluster: Cluster) -> list[str]:
    """Return the first `pg_dump` that is not older than the server."""
    places = (Path(place, "pg_dump") for place in (*folders(), *os.environ.get("PATH", "").split(os.pathsep)))
    for program in (str(place) for place in places if place.is_file()):
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.split(") ")[1].split(".")[0]) >= int(cluster.server_version.split(".")[0]):
            return [program]
    raise LookupError("no pg_dump that can read this server")


def restore(cluster: Cluster, source: str, target: str) -> None:
    text = subprocess.run([*pg_dump(cluster), "--inserts", "-d", cluster.url(source)], capture_output=True, check=True, text=True).stdout
    with psycopg.connect(cluster.url(target)) as connection:
        connection.execute("\n".join(line for line in text.splitlines() if not line.startswith("\\")))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, postgres: Cluster) -> dict[str, Document]:
    """What one run says of every scene."""
    root = tmp_path_factory.mktemp("physical")
    parts = [write_chain(root, name) for name in CHAINS]
    for name, (chain, scene) in SCENES.items():
        stage = Stage(root, chain, name, postgres)
        scene(stage)
        if name.endswith("restored"):
            postgres.create(f"{name}_again")
            restore(postgres, name, f"{name}_again")
            stage = Stage.__new__(Stage)
            stage.url = postgres.url(f"{name}_again")
        parts.append(f'[environments.{name}]\nurl = "{stage.url}"\nchain = "{chain}"\n')
    (root / "forensics.toml").write_text("\n".join(parts))
    document = run(root)
    return {item["environment"]["name"]: item for item in document["environments"]}


def run(root: Path) -> Document:
    said = io.StringIO()
    with redirect_stdout(said):
        cli.main(["--case", str(root), "diagnose", "--format", "json"])
    document: Document = json.loads(said.getvalue())
    check_schema(document)
    return document


def details(finding: dict[str, Any], key: str = "evidence") -> str:
    return " ".join(item["detail"] for item in finding[key] if item["source"] == "transactions")


def answers(document: Document) -> set[str]:
    return set(executed(document).values())


@pytest.mark.parametrize("name", ["full_stamped", "full_rewritten", "plain_stamped"])
def test_tables_older_than_the_tracker_were_made_from_the_models(told: dict[str, Document], name: str) -> None:
    document = told[name]
    finding = one(document, "built-from-models")
    assert finding["severity"] == "info"
    assert "in one transaction before the tracker's table alembic_version was made" in details(finding)
    assert answers(document) <= {"no", "unknown"}  # unknown: what has no trace in a schema
    assert {item["basis"] for item in document["migrations"] if item["executed"] == "no"} == {"physical"}
    assert causes(document) == set()
    assert document["explanation"]["reconstructed"]


@pytest.mark.parametrize(
    "name",
    [
        "full_upgraded", "full_apart", "full_goes", "full_really_rewritten", "full_restamped", "full_anew", "plain_upgraded",
        "plain_apart", "plain_anew", "plain_anew_apart", "plain_failed", "grown_upgraded", "grown_goes",
    ],
)  # fmt: skip
def test_what_the_chain_made_is_not_said_to_be_the_models(told: dict[str, Document], name: str) -> None:
    document = told[name]
    assert not found(document, "built-from-models")
    assert answers(document) <= {"yes", "unknown"}
    assert causes(document) == set()


def test_what_really_ran_after_the_stamp_did_run(told: dict[str, Document]) -> None:
    document = told["grown_stamped"]
    assert one(document, "built-from-models")["migrations"] == ["g1", "g2"]
    said = {item["id"]: (item["executed"], item["basis"]) for item in document["migrations"]}
    assert said == {"g1": ("no", "physical"), "g2": ("no", "physical"), "g3": ("yes", "schema"), "g4": ("yes", "schema")}
    assert causes(document) == set()
    assert document["explanation"]["reconstructed"]


def test_a_restored_dump_says_nothing(told: dict[str, Document]) -> None:
    document = told["plain_restored"]
    assert not found(document, "built-from-models")
    assert answers(document) == {"yes"}


def test_a_column_by_hand_has_a_transaction_of_its_own(told: dict[str, Document]) -> None:
    for name in ("plain_by_hand", "plain_really_by_hand"):
        finding = one(told[name], "manual-change")
        assert [(item["kind"], item["name"]) for item in finding["objects"]] == [("column", "nickname")]
        assert "written in a transaction of its own, after the tracker was last written" in details(finding)
        assert not details(finding, "evidence_against")
    assert found(told["plain_by_hand"], "built-from-models")
    assert not found(told["plain_really_by_hand"], "built-from-models")


def test_what_wrote_the_tracker_in_its_transaction_ran_to_its_end(told: dict[str, Document]) -> None:
    document = told["plain_dropped"]
    assert executed(document) == {"p1": "yes", "p2": "yes"}
    finding = one(document, "manual-change")
    assert [(item["name"], item["state"]) for item in finding["objects"]] == [("ix_pets_owner", "missing")]
    assert finding["severity"] == "error"  # it is no more than a warning where it may also be that the migration stopped before it
    assert causes(document) == {"manual-change"}


def test_the_slot_of_a_dropped_column_tells_that_it_was_there(told: dict[str, Document]) -> None:
    for name, answer in (("slots_upgraded", "yes"), ("slots_passed", "no")):
        said = {item["id"]: (item["executed"], item["basis"]) for item in told[name]["migrations"]}
        assert said == {
            "s1": ("yes", "schema"), "s2": (answer, "physical"), "s3": (answer, "physical"), "s4": ("yes", "schema")
        }  # fmt: skip
    assert causes(told["slots_upgraded"]) == set()


TRACKER = "CREATE TABLE schema_versions (id serial PRIMARY KEY, version text NOT NULL, applied_at timestamp, description text)"
STEPS = {
    "001_people": "CREATE TABLE people (id int PRIMARY KEY, name text);",
    "002_pets": "CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people); CREATE INDEX ix_pets ON pets (owner);",
    "003_toys": "CREATE TABLE toys (id int PRIMARY KEY);",
}


@contextmanager
def numbered(
    root: Path, cluster: Cluster, *ran: str, together: bool = True, then: str = "SELECT 1", runner: str = "transaction"
) -> Iterator[Document]:
    """A home-grown manager that writes its row in the transaction of the migration; the rows of others are typed."""
    chains.write(root / "migrations", {f"{name}.sql": text for name, text in STEPS.items()})
    name = f"numbered_{next(NUMBERS)}"
    cluster.create(name)
    with psycopg.connect(cluster.url(name), autocommit=True) as connection:
        connection.execute(TRACKER)
        for step, text in STEPS.items():
            with connection.transaction() if together else nullcontext():
                for piece in text.split(";")[:-1] if step[:3] in ran else ():
                    connection.execute(piece)
                query = "INSERT INTO schema_versions (version, applied_at) VALUES (%s, %s)"
                connection.execute(query, (step[:3], f"2026-02-10 10:{step[1:3]}:00"))
        connection.execute(then)
    case = f'[chains.main]\npath = "migrations"\ngit = "none"\nrunner = "{runner}"\n[environments.live]\nurl = "{cluster.url(name)}"\n'
    (root / "forensics.toml").write_text(case)
    try:
        yield run(root)
    finally:
        cluster.drop(name)


def test_a_typed_row_shares_its_transaction_with_nothing(tmp_path: Path, postgres: Cluster) -> None:
    with numbered(tmp_path, postgres, "001", "002") as document:
        finding = one(document, "recorded-not-executed")
        assert finding["migrations"] == ["003"]
        assert "the row of 003 shares its transaction with no object of the schema, while the rows of 001 and 002 do" in details(finding)


def test_rows_that_all_share_theirs_are_no_evidence_of_anything(tmp_path: Path, postgres: Cluster) -> None:
    with numbered(tmp_path, postgres, "001", "002", "003") as document:
        assert causes(document) == set()
        assert executed(document) == {"001_people": "yes", "002_pets": "yes", "003_toys": "yes"}


@pytest.mark.parametrize("together", [True, False])
def test_what_wrote_its_row_in_its_transaction_ran_to_its_end(tmp_path: Path, postgres: Cluster, together: bool) -> None:
    ran = ("001", "002", "003")
    with numbered(tmp_path, postgres, *ran, together=together, then="DROP INDEX ix_pets", runner="statements") as document:
        finding = one(document, "manual-change")
        assert [(item["name"], item["state"]) for item in finding["objects"]] == [("ix_pets", "missing")]
        # Without it the migration may as well have stopped before its last statement, and nobody is accused.
        assert finding["severity"] == ("error" if together else "warning")
        assert executed(document)["002_pets"] == ("yes" if together else "unknown")
        assert bool(document["explanation"]["ties"]) is not together


HISTORY = History(tool="alembic", table="alembic_version", state="present", keeps="head")


def writers(tracker: Written, row: tuple[int, int], *groups: Written, **more: Any) -> Writers:
    rows = (RowWritten(table="alembic_version", ref="alembic_version.version_num=a", at=row),)
    return Writers(groups=(tracker, *groups), rows=rows, **more)


def test_what_makes_it_void() -> None:
    tracker = Written(name="alembic_version", at=(2, 1), key=(2, 3))
    people = Written(name="people", at=(1, 0), key=(1, 2))

    def void(*arguments: Any, **more: Any) -> str:
        physical = look(writers(*arguments, **more), HISTORY)
        assert physical is not None
        assert physical.speaks is not bool(physical.void)
        return physical.void

    assert void(tracker, (2, 4), people) == ""
    assert void(tracker, (1, 4), people) == OLDER
    assert void(tracker, (2, 2), people) == RESTORED
    assert void(replace(tracker, key=(5, 0)), (2, 4), replace(people, key=(6, 0))) == RESTORED
    assert void(tracker, (2, 4), people, wrapped=True) == WRAPPED
    assert look(None, HISTORY) is None


def asked(upcoming: int, births: list[tuple[str, ...]]) -> Writers:
    """Read the writers of a server that answers this."""
    columns = ["{" + ",".join(column) + "}" for column in zip(*births, strict=True)]
    answers_ = iter([[(upcoming, False)], [("born", *columns)], []])
    return read_writers(lambda _query: next(answers_), {1: "old", 2: "new", 3: "ancient"})


def test_numbers_go_on_over_the_turns_of_32_bits() -> None:
    found_ = asked((1 << 32) + 10, [("1", "4294967290", "0", "0"), ("2", "7", "0", "0"), ("3", "2", "0", "0")])
    assert {item.name: item.at for item in found_.groups} == {"old": (1, 0), "new": (2, 0)}
    assert (found_.wrapped, found_.illegible) == (True, 1)


def test_the_command_is_not_legible_in_a_row_that_was_touched_again() -> None:
    found_ = asked(900, [("1", "700", "4", "812")])
    assert found_.groups == (Written(name="old", at=(1, -1)),)
    assert found_.first == (-1,)


@pytest.mark.parametrize("version", [16, 18])
def test_it_is_read_and_kept(tmp_path: Path, clusters: Callable[[int | None], Cluster], version: int) -> None:
    from test_acquire_postgresql import evidence

    cluster = clusters(version)
    name = f"physical_{version}"
    cluster.create(name)
    with psycopg.connect(cluster.url(name), autocommit=True) as connection:
        with connection.transaction():
            connection.execute("CREATE TYPE mood AS ENUM ('ok')")
            connection.execute("CREATE TABLE people (id serial PRIMARY KEY, name text DEFAULT 'x', gone int, mood mood)")
            connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('a\"b=c')")
        connection.execute("ALTER TABLE people DROP COLUMN gone")
        connection.execute("ALTER TABLE people ADD COLUMN age int NOT NULL DEFAULT 7")
        connection.execute("CREATE INDEX CONCURRENTLY ix_name ON people (name)")
        connection.execute("ALTER TYPE mood ADD VALUE 'bad'")
        connection.execute("CREATE VIEW grown AS SELECT id FROM people WHERE age > 17")
        connection.execute("VACUUM FULL people")  # it writes the row of age again, as it clears its stored default
        connection.execute("ANALYZE")
    read = evidence(cluster.url(name), tmp_path)
    assert read.writers is not None
    groups = read.writers.by_name
    assert groups["people"].at[0] == groups["alembic_version"].at[0] == groups["mood"].at[0] == 1
    assert groups["people"].at < groups["alembic_version"].at
    assert [(what, own, at) for what, own, at, _ in groups["people"].apart] == [("column", "age", 4), ("index", "ix_name", 5)]
    assert [(number, at) for number, at, _ in groups["people"].dropped] == [(3, 3)]
    assert [(what, own, at) for what, own, at, _ in groups["mood"].apart] == [("label", "bad", 6)]
    assert groups["grown"].at[0] == 7
    assert [(row.ref, row.at[0]) for row in read.writers.rows] == [('alembic_version.version_num=a"b=c', 2)]
    store(read, tmp_path / "kept")
    assert load(tmp_path / "kept") == read
    old = {key: value for key, value in encode(read).items() if key != "writers"}
    assert decode(Evidence, old) == replace(read, writers=None)
    cluster.drop(name)
