"""Steps that are run before they are asked for change nothing but the time that it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laboratory import chain

from forensics.replay.lab import Lab, RunMigration, RunStatements

WIDE = 40


def texts(count: int = WIDE) -> dict[str, str]:
    found = {}
    for number in range(count):
        found[f"{number:03}_step.sql"] = (
            f"CREATE TABLE t{number} (a INTEGER, b TEXT); INSERT INTO t{number} VALUES (1, 'x');",
            f"ALTER TABLE t{number - 1} ADD COLUMN c{number} TEXT DEFAULT 'q';",
            f"CREATE INDEX i{number} ON t{number - 2} (a); ALTER TABLE \"t{number - 2}\" ADD COLUMN d INTEGER;",
            f"UPDATE t{number - 3} SET b = 'y'; ALTER TABLE t{number - 3} RENAME COLUMN d TO e;",
        )[number % 4]
    return found


@pytest.fixture(scope="module")
def plain() -> Iterator[Lab]:
    with Lab(chain(texts())) as lab:
        lab._bench.foresees = False
        yield lab


def told(lab: Lab, names: list[str], upto: dict[str, int] | None = None) -> list[object]:
    state, found = lab.empty, []
    for name in names:
        outcome = lab.run(state, RunMigration(migration=lab.chain.by_id[name], upto=(upto or {}).get(name)))
        state = outcome.state
        found.append((outcome, lab.master(state), lab.schema(state).fingerprint))
    return found


def test_a_chain_in_its_order(plain: Lab) -> None:
    names = [item.id for item in plain.chain.migrations]
    with Lab(chain(texts())) as lab:
        assert told(lab, names) == told(plain, names)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_who_turns_off_at_any_place_sees_the_same(plain: Lab, data: st.DataObject) -> None:
    names = [item.id for item in plain.chain.migrations]
    with Lab(chain(texts())) as lab:
        for _ in range(3):
            cut = data.draw(st.integers(3, WIDE))
            gap = data.draw(st.integers(0, cut - 1))
            chosen = names[:gap] + names[gap + data.draw(st.integers(0, 2)) : cut]
            upto = {names[data.draw(st.integers(0, cut - 1))]: data.draw(st.integers(0, 2))}
            assert told(lab, chosen, upto) == told(plain, chosen, upto)
        outside = RunStatements(statements=("CREATE TABLE beside (x)",))
        assert lab.run(lab.empty, outside) == plain.run(plain.empty, outside)


def test_a_step_that_fails_stops_those_behind_it(plain: Lab) -> None:
    broken = texts() | {"020_step.sql": "CREATE TABLE half (a); CREATE TABLE t0 (a);"}
    with Lab(chain(broken)) as lab:
        names = [item.id for item in lab.chain.migrations]
        found = told(lab, names)
        outcome = found[20][0]
        assert (outcome.error, outcome.failed) == ("table t0 already exists", "CREATE TABLE t0 (a);")
        assert "half" in str(found[21][1])
        # What follows ran on what the failed one left, as nobody had foreseen.
        assert [item[0].before for item in found[1:]] == [item[0].state for item in found[:-1]]


def test_a_step_that_hangs_is_the_one_that_is_named() -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) INSERT INTO t0 (a) SELECT x FROM n;"
    with Lab(chain(texts(16) | {"010_step.sql": endless}), time_limit=1.0) as lab:
        names = [item.id for item in lab.chain.migrations]
        found = told(lab, names[:12])
        assert [item[0].failure for item in found] == [""] * 10 + ["timeout", "sql"]


def test_a_step_that_hangs_and_that_nobody_asks_for_costs_a_moment() -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) INSERT INTO t0 (a) SELECT x FROM n;"
    with Lab(chain(texts(16) | {"010_step.sql": endless}), time_limit=1.0) as lab:
        names = [item.id for item in lab.chain.migrations]
        state = told(lab, names[:10])[-1][0].state
        assert lab.run(state, RunStatements(statements=("CREATE TABLE beside (x)",))).complete


def test_large_texts_do_not_fill_the_pipe() -> None:
    large = {f"{n:03}_step.sql": f"CREATE TABLE t{n} (a); INSERT INTO t{n} VALUES ('{'x' * 200_000}');" for n in range(12)}
    with Lab(chain(large)) as lab:
        assert all(item[0].complete for item in told(lab, [item.id for item in lab.chain.migrations]))
