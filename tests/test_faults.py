"""The ratchet: planted faults that once came out right, each of which must stay so; and what the benchmark itself rests on.

What is planted and what counts as right is in `benchmarks/accuracy`; `ratchet.txt` there holds the cases.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.accuracy.bench import Bench
from benchmarks.accuracy.chains import named
from benchmarks.accuracy.chains.generated import chains
from benchmarks.accuracy.on_sqlite import SqliteSite
from benchmarks.accuracy.planting import sound
from benchmarks.accuracy.ratchet import kept, plants
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Run, Sql, clean


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


@pytest.mark.parametrize("chain", sorted(kept()))
def test_what_was_once_right_stays_right(bench: Bench, chain: str) -> None:
    wanted = kept()[chain]
    found = plants(bench, chain, wanted)
    assert [name for name in wanted if name not in found] == [], "these cases cannot be planted any more"
    scores = [bench.score(plant) for plant in found.values()]
    bench.forget()
    assert [f"{score.name}: {text}" for score in scores for text in score.misses] == []


def test_the_ratchet_holds_both_dialects_and_combinations() -> None:
    dialects = {named(chain).dialect for chain in kept()}
    assert dialects == {"sqlite", "postgresql"}
    assert sum(map(len, kept().values())) >= 60
    assert any("; " in name for names in kept().values() for name in names)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains("sqlite", "numbered", longest=25))
def test_a_chain_made_at_random_builds(source: Source) -> None:
    site = SqliteSite()
    try:
        assert site.build(source, clean(source).acts).works
    finally:
        site.close()


def test_a_variant_is_what_is_built_from_the_start() -> None:
    source = named("shop")
    plant = clean(source)
    others = [plant.toggled({name: False}) for name in source.ids]
    site = SqliteSite()
    try:
        _main, *found = site.variants(source, plant.acts, others)
        for other, built in zip(others, found, strict=True):
            alone = site.build(source, other)
            assert alone.same(built)
            assert alone.errors == built.errors
    finally:
        site.close()


def test_what_is_right_follows_from_the_building(bench: Bench) -> None:
    source = named("shop")
    judge = bench.judge(source)
    plant = clean(source)
    right = judge.truth(plant)
    assert right.want == frozenset()
    assert right.executed["009_step"] == {"unknown"}  # it does nothing at all
    assert right.executed["001_step"] == {"yes"}
    hand = judge.truth(
        type(plant)(name="hand", source=source, acts=(*plant.acts, Sql(("DROP INDEX idx_orders_note",))), recorded=plant.recorded)
    )
    assert hand.want == {("manual-change", "")}
    assert hand.touched == {("index", "orders", "idx_orders_note")}
    stopped = type(plant)(name="part", source=source, acts=(*plant.acts[:-1], Run("015_step", 1)), recorded=plant.recorded)
    assert sound(stopped, bench.site("sqlite"))
    assert "partial" in judge.truth(stopped).executed["015_step"]
