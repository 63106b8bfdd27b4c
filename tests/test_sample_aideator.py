"""The sample `aideator` against the facts that were planted in it: exact sets, in each of its nine databases."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cases import check_schema
from sqlalchemy import URL, make_url

from forensics.replay.cluster import Cluster
from forensics.replay.inside.postmaster import folders

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data_samples" / "aideator"
EXPECTED = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))
ENVIRONMENTS = list(EXPECTED["environments"])
OLD = "alembic/versions_backup/versions"
FOREIGN = EXPECTED["archived"]["applies_to"]
TOLD = [name for name, planted in EXPECTED["environments"].items() if planted["executed"]]

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The sample as it was built, on a server that still runs, and what one run of the command line said of it."""

    root: Path
    server: Cluster
    code: int
    errors: str
    document: dict[str, Any]

    def __getitem__(self, name: str) -> dict[str, Any]:
        (found,) = (item for item in self.document["environments"] if item["environment"]["name"] == name)
        return found


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, postgres: Cluster) -> Fleet:
    root = tmp_path_factory.mktemp("aideator")
    build = [sys.executable, SAMPLE / "build.py", root, "--server", postgres.url()]
    subprocess.run(build, check=True, timeout=600)
    command = [sys.executable, "-m", "forensics", "--case", root, "diagnose", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=root)
    assert done.stdout, done.stderr
    (root / "diagnosis.json").write_text(done.stdout, encoding="utf-8")
    return Fleet(
        root=root, server=postgres, code=done.returncode, errors=done.stderr, document=json.loads(done.stdout)
    )  # fmt: skip


def test_the_run_is_clean(fleet: Fleet) -> None:
    assert (fleet.code, fleet.errors) == (1, "")
    check_schema(fleet.document)
    assert [item["environment"]["name"] for item in fleet.document["environments"]] == ENVIRONMENTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_state(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    assert document["environment"]["state"] in [*planted.get("accept_state", []), planted["state"]]
    assert document["tracker"]["recorded"] == planted["recorded"]
    assert (document["tracker"]["state"] == "present") is planted["tracker"]


def test_the_fleet_counts_its_states(fleet: Fleet) -> None:
    said = [item["environment"]["state"] for item in fleet.document["environments"]]
    accepted = {name for name, planted in EXPECTED["environments"].items() if "accept_state" in planted}
    for state, count in EXPECTED["states"].items():
        assert abs(said.count(state) - count) <= len(accepted)


@pytest.mark.parametrize("name", TOLD)
def test_executed(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    said = {item["id"]: item["executed"] for item in document["migrations"]}
    accepted = planted.get("accept_executed", {})
    assert {key: value for key, value in said.items() if value not in accepted.get(key, [])} == {
        key: value for key, value in planted["executed"].items() if said.get(key) not in accepted.get(key, [])
    }
    assert said.keys() == planted["executed"].keys()


@pytest.mark.parametrize("name", FOREIGN)
def test_what_ran_of_the_old_chain(fleet: Fleet, name: str) -> None:
    planted = EXPECTED["environments"][name]
    (told,) = fleet[name]["foreign"]
    assert [told["version"]] == planted["recorded"]
    old = told["chains"][0]
    assert old["path"] == OLD
    assert {item["id"]: item["executed"] for item in old["migrations"]} == planted["archived_executed"]
    wanted = next(item for item in planted["findings"] if item["cause"] == "foreign-chain")
    assert {item["path"] for item in told["chains"][1:]} == set(wanted["also_in"])
    assert old["fits"] is (planted["schema"].startswith("old at"))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_findings_are_exactly_those_that_were_planted(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    wanted = [*planted["findings"], *(EXPECTED["archived"]["findings"] if name in FOREIGN else ())]
    tolerated = {pair for item in planted["tolerated"] for pair in pairs(item["cause"], item["migrations"])}
    tolerated |= {pair for item in wanted for pair in pairs(item["cause"], item.get("may_name", ["-"]))}
    lowered = {item["cause"] for item in wanted if "info" in item.get("accept_severity", ())}
    serious = [item for item in document["findings"] if item["severity"] != "info" or item["cause"] in lowered]
    said = {pair for item in serious for pair in pairs(item["cause"], item["migrations"])}
    assert {pair for pair in said - tolerated if pair[0] not in EXPECTED["fleet"]["tolerated"]} == {
        pair for item in wanted for pair in pairs(item["cause"], item["migrations"])
    }
    info = {item["cause"]: item["migrations"] for item in document["findings"] if item["severity"] == "info"}
    for item in planted["info"]:
        assert item["cause"] in info
        assert item.get("versions", info[item["cause"]]) == info[item["cause"]]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_findings_say_what_was_planted(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    for wanted in [*planted["findings"], *(EXPECTED["archived"]["findings"] if name in FOREIGN else ())]:
        (item,) = (
            each
            for each in document["findings"]
            if each["cause"] == wanted["cause"] and set(wanted["migrations"]) <= set(each["migrations"])
        )
        said = everything(item)
        assert item["severity"] in [wanted["severity"], *wanted.get("accept_severity", [])]
        assert item["scope"] == wanted["scope"]
        assert item.get("origin", wanted.get("origin")) in [wanted.get("origin"), *wanted.get("accept_origin", [])]
        for key in ("chain", "statement_contains", "error", "first", "last", "object", "created"):
            assert wanted.get(key, "") in said, key
        for text in (*wanted.get("uses", ()), *wanted.get("also_in", ())):
            assert text in said
        if "times" in wanted:
            assert f"{wanted['times']} times" in item["summary"]
        if "caused_by" in wanted:
            assert f"because {wanted['caused_by']} " in said or "nothing in the chain" in said
        if "indexes" in wanted:
            names = {(each["kind"], each["name"]) for each in item["objects"]}
            tables, indexes = wanted["tables"], wanted["indexes"]
            own = {("table", each) for each in tables} | {("index", each) for each in indexes}
            assert own <= names
            assert {(each["table"] or each["name"]) for each in item["objects"]} == set(tables)


def test_the_race_is_told_with_its_times_and_its_gap(fleet: Fleet) -> None:
    planted = EXPECTED["environments"]["race"]["findings"][0]
    (item,) = (each for each in fleet["race"]["findings"] if each["cause"] == "race")
    assert planted["uses"][0] in item["summary"]
    assert planted["finished"] in everything(item)
    gap = re.search(r"([\d.]+) s before", item["summary"])
    assert gap is not None
    assert 0.9 < float(gap[1]) <= 0.95


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_is_foreseen_to_fail(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    assert not document["next_failure"]
    assert planted["next_failure"] is None
    assert document["failures"] == []


def test_the_chains(fleet: Fleet) -> None:
    wanted = EXPECTED["chain"]
    for name in (name for name in TOLD if name != "empty-again"):
        chain = fleet[name]["chain"]
        assert (chain["path"], chain["count"], chain["builds_from_empty"]) == (
            wanted["path"], wanted["count"], wanted["builds_from_empty"],
        )  # fmt: skip
    old, older = fleet["stale"]["foreign"][0]["chains"]
    for chain in (old, older):
        planted = EXPECTED["archived"]["chains"][chain["path"]]
        assert (len(chain["migrations"]), chain["builds_from_empty"]) == (planted["count"], planted["builds_from_empty"])
    first, second = old["failures"]
    planted = EXPECTED["archived"]["chains"][OLD]["first_failure_from"]
    assert {key: first[key] for key in ("migration", "statement", "error")} == planted["empty"]
    assert {key: second[key] for key in ("migration", "statement", "error")} == planted["8aa06f2b7e5a"]
    assert (first["because"]["how"], first["because"]["migration"]) == ("dropped", "002")
    assert second["because"]["how"] == "never"


@pytest.mark.parametrize("name", FOREIGN)
def test_old_against_clean_object_by_object(fleet: Fleet, name: str) -> None:
    wanted, found = EXPECTED["archived"]["difference_from_active"], fleet[name]["foreign"][0]["chains"][0]["difference"]
    assert [(item["kind"], item["table"], item["name"], item["other_by"]) for item in found["changes"]] == [
        (item["kind"], item["table"], item["name"], item["by"]) for item in wanted["changes"]
    ]
    assert found["changes"][0]["attributes"] == [["default", None, "false"]]
    assert [item["table"] for item in found["reordered"]] == [item["table"] for item in wanted["layout"]]
    assert wanted["layout"][0]["by"] in found["reordered"][0]["by"]


@pytest.mark.parametrize("name", FOREIGN)
def test_the_way_out_is_what_suffices(fleet: Fleet, name: str) -> None:
    planted, found = EXPECTED["environments"][name]["repair"], fleet[name]["way_out"]
    assert [*found["from"], *found["to"]] == planted["restamp"]
    assert found["rehearsed"] == {"passes": True, "error": None}
    assert sum(step["point_of_no_return"] for step in found["steps"]) == bool(found["losing"])
    assert all(step[key] for step in found["steps"] for key in ("do", "risk", "backup", "verify", "back"))
    said = " ".join([*found["statements"], *found["losing"]])
    if not planted["alters"]:
        assert said == ""
    for line in planted["alters"]:
        table, _, rest = line.partition(":")
        for word in re.findall(r"\w+_\w+|plan|archived", f"{table} {rest}"):
            assert word in said
    left = [item["what"] for item in found["left"]]
    assert set(planted.get("not_closed", ())) <= set(left)


@pytest.mark.parametrize("name", FOREIGN)
def test_the_way_out_leads_there(fleet: Fleet, name: str) -> None:
    """On a copy of the database: the statements and the stamp, then Alembic has nothing to do, and what differs is what was left."""
    copy = f"way_out_of_{name}"
    fleet.server.create(copy, template=f"aideator_{name}")
    address = make_url(fleet.server.url(copy))
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        for step in fleet[name]["way_out"]["steps"]:
            for statement in step["sql"]:
                connection.execute(statement)
    before = dump(address)
    url = address.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=fleet.root, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert (done.returncode, "Running upgrade" in done.stderr) == (0, False), done.stderr
    assert dump(address) == before
    # The order of columns is left as it was, so lines are compared, without the comma that follows all but the last.
    lines, clean = ({line.rstrip(",") for line in each} for each in (before, dump(address.set(database="aideator_clean"))))
    assert clean <= lines
    assert bool(lines - clean) is any("runs" in item["what"] for item in fleet[name]["way_out"]["left"])


@pytest.mark.parametrize("name", TOLD)
def test_everything_is_reconstructed_and_anybody_can_rebuild_it(fleet: Fleet, name: str) -> None:
    explanation = fleet[name]["explanation"]
    # Where no migration ran at all a story is no reconstruction, though it rebuilds the schema.
    assert explanation["reconstructed"] is bool(name != "created")
    assert explanation["residual"] == []
    script = [sys.executable, "-I", ROOT / "tests" / "rebuild_postgresql.py"]
    words = [fleet.root / "diagnosis.json", fleet.root, fleet.server.url(), f"aideator_{name}", name, "--pg-dump", pg_dump()]
    done = subprocess.run([*script, *words], capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout, done.stderr) == (0, "equal\n", "")


def test_log_and_tracker_speak_of_two_moments(fleet: Fleet) -> None:
    (item,) = (each for each in fleet["restamp"]["findings"] if each["cause"] == "stale-runner")
    against = " ".join(proof["detail"] for proof in item["evidence_against"])
    assert "two databases, or of two moments" in against
    assert "Running stamp_revision  -> cf94a9256bdb" in against
    for name in ("stale", "empty-again"):
        (item,) = (each for each in fleet[name]["findings"] if each["cause"] == "stale-runner")
        assert item["evidence_against"] == []
    (moments,) = fleet.document["moments"]
    assert moments["environments"] == ["restamp", "stale", "drifted", "empty-again"]
    assert "DROP INDEX ix_runs_created_at" in moments["summary"]
    assert "Can't locate revision identified by 'cf94a9256bdb'" in moments["summary"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_the_logs_count(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name].get("log"), fleet[name]
    if not planted:
        return
    said = " ".join(everything(item) for item in document["findings"] if item["cause"] == "foreign-chain")
    for version, count in planted["cannot_locate"].items():
        if version in document["tracker"]["recorded"]:
            assert f"\"Can't locate revision identified by '{version}'\" was logged {count} time" in said
    failing = [item for item in document["findings"] if item["cause"] == "stale-runner"]
    assert bool(failing) is bool(planted["drop_index_errors"])


def test_the_live_database_gives_the_same_evidence(fleet: Fleet) -> None:
    import forensics as fx

    url = make_url(fleet.server.url("aideator_drifted")).render_as_string(hide_password=False)
    text = (fleet.root / "live.toml").read_text(encoding="utf-8")
    (fleet.root / "live.toml").write_text(text.replace("${AIDEATOR_URL}/aideator_drifted", url), encoding="utf-8")
    live, kept = (fx.open_case(fleet.root / name)["drifted"].evidence for name in ("live.toml", "forensics.toml"))
    assert live.snapshot == kept.snapshot
    assert live.histories == kept.histories
    # What people reported is named by the case file in which it stands, which is another one.
    logged = [[event for event in each.events if event.source == "log"] for each in (live, kept)]
    assert logged[0] == logged[1] != []


def everything(finding: dict[str, Any]) -> str:
    """Return all that a finding says, as one text."""
    proofs = [*finding["evidence"], *finding["evidence_against"]]
    return " ".join([finding["summary"], finding["remedy"], *(f"{item['detail']} {item.get('ref', '')}" for item in proofs)])


def pairs(cause: str, migrations: Iterable[str]) -> Iterator[Pair]:
    for migration in migrations or [""]:
        yield cause, migration


def pg_dump() -> str:
    """Return the newest pg_dump that is here: it reads every older server."""
    places = [*folders(), *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    found = [path for place in places if (path := Path(place, "pg_dump")).is_file()]
    return str(max(found, key=version))


def version(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30).stdout
    number = re.search(r"\) (\d+)", said)
    return int(number[1]) if number else 0


def dump(address: URL) -> list[str]:
    """Return what pg_dump says of a schema, without its own comments."""
    url = address.render_as_string(hide_password=False)
    words = [pg_dump(), "--schema-only", "--no-owner", f"--dbname={url}"]
    said = subprocess.run(words, capture_output=True, text=True, timeout=240, check=True).stdout
    return [line for line in said.splitlines() if line and not re.match(r"--|\\(un)?restrict ", line)]
