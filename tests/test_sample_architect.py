"""The sample `architect` against the facts that were planted in it: exact sets, in each of its twelve databases."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cases import check_schema

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data_samples" / "architect"
EXPECTED = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))
ENVIRONMENTS = list(EXPECTED["environments"])
TOLD = [name for name, planted in EXPECTED["environments"].items() if planted["recorded"]]

Pair = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The sample as it was built, and what one run of the command line said of it."""

    root: Path
    code: int
    errors: str
    document: dict[str, Any]
    before: dict[str, str]
    after: dict[str, str]

    def __getitem__(self, name: str) -> dict[str, Any]:
        (found,) = (item for item in self.document["environments"] if item["environment"]["name"] == name)
        return found

    def database(self, name: str) -> Path:
        return self.root / "data" / ("" if name == "main" else name) / "architect.db"


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    root = tmp_path_factory.mktemp("architect")
    subprocess.run([sys.executable, SAMPLE / "build.py", root], check=True, timeout=60)
    before = listing(root / "data")
    command = [sys.executable, "-m", "forensics", "--case", root, "diagnose", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=root)
    after = listing(root / "data")
    assert done.stdout, done.stderr
    return Fleet(
        root=root,
        code=done.returncode,
        errors=done.stderr,
        document=json.loads(done.stdout),
        before=before,
        after=after,
    )


def listing(folder: Path) -> dict[str, str]:
    """Return every file and folder below, with the hash and the time of what is in it."""
    return {
        path.relative_to(folder).as_posix(): "" if path.is_dir()
        else f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
    }  # fmt: skip


def test_the_run_is_clean_and_touches_nothing(fleet: Fleet) -> None:
    assert (fleet.code, fleet.errors) == (1, "")
    assert fleet.after == fleet.before
    check_schema(fleet.document)
    assert [item["environment"]["name"] for item in fleet.document["environments"]] == ENVIRONMENTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_state(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    assert document["environment"]["state"] in planted.get("states_accepted", [planted["state"]])
    assert sorted(document["tracker"]["recorded"]) == planted["recorded"]
    assert (document["tracker"]["state"] == "present") is bool(planted["recorded"])


@pytest.mark.parametrize("name", TOLD)
def test_executed(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    said = {item["id"]: item["executed"] for item in document["migrations"]}
    assert said == planted["executed"] | planted.get("deleted", {})
    for migration, parts in planted["partial"].items():
        (step,) = (
            item for item in document["explanation"]["steps"] if names(document, [item.get("migration")]) == [migration]
        )
        # A statement that was masked changed nothing: a story may hold it or not.
        assert set(step["statements"]) - set(parts["masked"]) == set(parts["took_effect"]) - set(parts["masked"])
        assert step["of"] == parts["of"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_findings_are_exactly_those_that_were_planted(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    wanted = [*planted["findings"], *(EXPECTED["chain"]["findings"] if name in EXPECTED["chain"]["applies_to"] else ())]
    serious = [item for item in document["findings"] if item["severity"] != "info"]
    tolerated = {pair for item in planted["tolerated"] for pair in pairs(item, item["migrations"])}
    said = {pair for item in serious for pair in pairs(item, names(document, item["migrations"]))}
    said = {pair for pair in said if pair not in tolerated and pair[0] not in EXPECTED["fleet"]["tolerated"]}
    accepted = [
        {pair for item, chosen in zip(wanted, choice, strict=True) for pair in pairs(item, chosen)}
        for choice in itertools.product(*([item["migrations"], *item.get("accept", [])] for item in wanted))
    ]
    assert said in accepted, {"extra": sorted(said - accepted[0]), "missing": sorted(accepted[0] - said)}
    info = {item["cause"] for item in document["findings"] if item["severity"] == "info"}
    assert {item["cause"] for item in planted["info"]} <= info


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_severity_is_lowered_only_with_a_reason(fleet: Fleet, name: str) -> None:
    document = fleet[name]
    wanted = {
        pair: item["severity"]
        for item in [*EXPECTED["environments"][name]["findings"], *EXPECTED["chain"]["findings"]]
        for pair in pairs(item, item["migrations"])
    }
    for item in document["findings"]:
        for pair in pairs(item, names(document, item["migrations"])):
            if item["severity"] != "info" and pair in wanted and item["severity"] != wanted[pair]:
                assert "warning" in item["summary"], (pair, item["severity"], item["summary"])


@pytest.mark.parametrize("name", TOLD)
def test_outside_changes_name_every_object(fleet: Fleet, name: str) -> None:
    said: dict[str, set[str]] = {}
    for item in fleet[name]["findings"]:
        if item["cause"] == "manual-change":
            said.setdefault(item["origin"], set()).update(
                f"{ref['table']}.{ref['name']}" if ref["kind"] == "column" else ref["name"] for ref in item["objects"]
            )
    wanted: dict[str, set[str]] = {}
    spare: set[str] = set()
    for item in EXPECTED["environments"][name]["findings"]:
        if item["cause"] == "manual-change":
            objects = [each for key in ("tables", "indexes", "columns") for each in item.get(key, ())]
            wanted.setdefault(item["origin"], set()).update(objects)
            spare |= set(item.get("tables_tolerated", ()))
    assert {origin: objects - spare for origin, objects in said.items()} == wanted


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_failures(fleet: Fleet, name: str) -> None:
    planted, document = EXPECTED["environments"][name], fleet[name]
    first, wanted = document["next_failure"] or None, planted["next_failure"]
    assert (first is None) is (wanted is None)
    if first is not None:
        assert (first["version"], first["migration"], first["cause"]) == (
            wanted["version"], wanted["migration"], wanted["cause"],
        )  # fmt: skip
        assert same(first["error"], wanted["error"])
        assert wanted["statement_contains"] in (first["statement"] or "")
    for when in ("next-run", "if-rerun"):
        left = list(planted["failures"][when])
        copies = {item["id"] for item in document["migrations"] if item["copy_of"]} if when == "if-rerun" else set()
        for item in (item for item in document["failures"] if item["when"] == when):
            if item["version"] in planted["failures"]["tolerated"] or item["migration"] in copies:
                continue
            fits = [each for each in left if each["version"] == item["version"] and same(item["error"], each["error"])]
            assert fits, f"{when}: {item['version']} was not to fail: {item['error']}"
            assert not fits[0]["causes"] or item["cause"] in fits[0]["causes"]
            left.remove(fits[0])
        assert left == []


@pytest.mark.parametrize("name", TOLD)
def test_everything_is_reconstructed_and_anybody_can_rebuild_it(fleet: Fleet, name: str, tmp_path: Path) -> None:
    explanation = fleet[name]["explanation"]
    assert explanation["reconstructed"]
    assert explanation["residual"] == []
    file = tmp_path / "diagnosis.json"
    file.write_text(json.dumps(fleet[name]), encoding="utf-8")
    command = [
        sys.executable,
        "-I",
        ROOT / "tests" / "rebuild.py",
        file,
        fleet.root / "migrations",
        fleet.database(name),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "equal\n", "")


def test_a_database_without_any_migration_is_not_reconstructed(fleet: Fleet) -> None:
    assert not fleet["test"]["explanation"]["reconstructed"]


def test_groups_hold_every_finding_once(fleet: Fleet) -> None:
    grouped = [tuple(pair) for group in fleet.document["groups"] for pair in group["findings"]]
    every = [
        (item["environment"]["name"], each["id"])
        for item in fleet.document["environments"]
        for each in item["findings"]
    ]
    assert sorted(grouped) == sorted(every)
    by_hand = next(group for group in fleet.document["groups"] if group["cause"] == "bulk-stamped")
    assert by_hand["environments"] == ["main", "prod", "dev", "env3"] or set(by_hand["environments"]) >= {
        "main",
        "prod",
    }
    for group in fleet.document["groups"]:
        assert len(group["environments"]) == len(set(group["environments"]))
        assert group["summary"].endswith(".")


def test_every_finding_says_all_that_the_contract_asks(fleet: Fleet) -> None:
    for document in fleet.document["environments"]:
        ids = {item["id"] for item in document["findings"]}
        for item in document["findings"]:
            assert item["evidence"], item["cause"]
            assert 0 < item["confidence"] < 1
            assert all(item[key].strip() for key in ("summary", "would_overturn", "remedy", "prevention"))
            assert set(item["contributing"]) <= ids - {item["id"]}
            assert "None" not in item["summary"]
            assert "  " not in item["summary"]


def names(document: dict[str, Any], labels: Iterable[str | None]) -> list[str]:
    """Return the ids of migrations that findings name by their version, or by the id itself."""
    by_version: dict[str, list[str]] = {}
    for item in document["migrations"]:
        by_version.setdefault(item["version"], []).append(item["id"])
    return [by_version[label][0] if len(by_version.get(label or "", ())) == 1 else label or "" for label in labels]


def pairs(finding: dict[str, Any], migrations: Iterable[str]) -> Iterator[Pair]:
    """Yield what a finding stands for: its cause with each migration, or with what tells it apart else."""
    rest = [finding.get("origin", "")] if not finding["migrations"] else []
    for migration in [*migrations, *rest]:
        yield finding["cause"], finding["scope"], migration


def same(error: str, planted: str) -> bool:
    """Whether two messages of a manager say the same: one may name the migration and the other what is there instead."""
    return planted in error or (" missing " in planted and planted.partition(" missing ")[2] in error)
