"""No false alarms: for each trap a pair of databases that differ in spelling only, and a pair that differ in meaning.

All traps of a kind of server share three databases; what is diagnosed of them is looked at trap by trap.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from trap_worlds import World, about, compared, postgresql_world, sqlite_world
from traps import SQLITE, Trap
from traps_postgresql import POSTGRESQL

from forensics.replay.cluster import Cluster

TRAPS: dict[str, dict[str, Trap]] = {"sqlite": SQLITE, "postgresql 16": POSTGRESQL, "postgresql 18": POSTGRESQL}
CASES = [pytest.param(where, trap, id=f"{where}: {trap}") for where, traps in TRAPS.items() for trap in traps]
# The same definition under another name is said, and is no drift.
SAID = {"name-only-difference"}


@pytest.fixture(scope="module")
def worlds(
    tmp_path_factory: pytest.TempPathFactory, clusters: Callable[[int | None], Cluster]
) -> Callable[[str], World]:
    @cache
    def of(where: str) -> World:
        root: Path = tmp_path_factory.mktemp(where.replace(" ", ""))
        if where == "sqlite":
            return sqlite_world(root, SQLITE)
        return postgresql_world(root, POSTGRESQL, clusters(int(where.split()[1])))

    return of


def objects(document: dict[str, Any], trap: str) -> list[tuple[str, str]]:
    """Return the causes and names of the objects of a trap that findings are about."""
    return [
        (finding["cause"], item["name"])
        for finding in document["findings"]
        for item in finding["objects"]
        if about(trap, item["table"], item["name"])
    ]


@pytest.mark.parametrize(("where", "trap"), CASES)
def test_another_spelling_gives_no_finding(worlds: Callable[[str], World], where: str, trap: str) -> None:
    world = worlds(where)
    assert [found for found in objects(world.documents["same"], trap) if found[0] not in SAID] == []
    assert [row for row in world.compared["same"] if about(trap, row[3], row[4])] == []


@pytest.mark.parametrize(("where", "trap"), CASES)
def test_another_meaning_gives_a_finding_that_names_the_object(
    worlds: Callable[[str], World], where: str, trap: str
) -> None:
    world = worlds(where)
    name = TRAPS[where][trap].name
    assert name in [found for cause, found in objects(world.documents["other"], trap) if cause not in SAID]
    drifted = [row[4] for row in world.compared["other"] if about(trap, row[3], row[4])]
    assert name in drifted


@pytest.mark.parametrize("where", TRAPS)
def test_a_database_in_other_words_is_well(worlds: Callable[[str], World], where: str) -> None:
    document = worlds(where).documents["same"]
    assert {item["cause"] for item in document["findings"]} == SAID
    assert document["environment"]["state"] == "ok"
    assert document["explanation"]["reconstructed"]
    # Other words may be another hand's: whether the migrations ran is then not to be told, but nothing says that they did not.
    assert {item["executed"] for item in document["migrations"]} <= {"yes", "unknown"}


@pytest.mark.parametrize("trap", POSTGRESQL)
def test_servers_of_two_versions_say_the_same(worlds: Callable[[str], World], across: dict[str, Any], trap: str) -> None:
    name = POSTGRESQL[trap].name
    assert [row for row in across["same"] if about(trap, row[3], row[4])] == []
    assert name in [row[4] for row in across["other"] if about(trap, row[3], row[4])]


@pytest.fixture(scope="module")
def across(worlds: Callable[[str], World]) -> dict[str, list[tuple[Any, ...]]]:
    """The chain on 16 beside the other databases on 18."""
    old, new = worlds("postgresql 16"), worlds("postgresql 18")
    return {kind: compared(old.urls["chain"], new.urls[kind]) for kind in ("same", "other")}
