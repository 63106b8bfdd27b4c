"""The ratchet: a fixed selection of planted faults, each of which must come out right.

What is planted and what counts as right is in `faults` and `fault_plants`; the chains are in `fault_chains`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from fault_chains import BLOG, DEPOT, FORUM, LEDGER, SHOP, Source, generated
from fault_plants import alike, applications, by_hand, clean, edits, hand_columns, partials, skips, swaps, unrecorded
from fault_worlds import Plant
from faults import Bench

Kind = Callable[[Source], Iterator[Plant]]
# A kind of fault, and of how many of its plants one is taken.
KINDS: tuple[tuple[Kind, int], ...] = (
    (skips, 2), (unrecorded, 3), (partials, 7), (swaps, 3), (by_hand, 9), (hand_columns, 13), (edits, 16),
    (applications, 4), (alike, 1),
)  # fmt: skip
MADE = (generated(1, 12), generated(6, 20), generated(7, 16))


def called(item: Kind | int) -> str:
    return getattr(item, "__name__", str(item))


def misses(source: Source, kind: Kind, every: int) -> list[str]:
    """Diagnose every so many plants of a kind and return what came out wrong."""
    with Bench() as bench:
        scores = [bench.score(plant) for plant in islice(kind(source), 0, None, every)]
    return [f"{score.plant}: {text}" for score in scores for text in score.misses]


@pytest.mark.parametrize(("kind", "every"), KINDS, ids=called)
@pytest.mark.parametrize("source", [SHOP, BLOG, LEDGER, FORUM, DEPOT], ids=lambda item: item.name)
def test_planted_faults_are_found_and_nobody_else_is_accused(source: Source, kind: Kind, every: int) -> None:
    assert misses(source, kind, every) == []


@pytest.mark.parametrize("source", [SHOP, BLOG, LEDGER, FORUM, DEPOT, *MADE, generated(2, 60)], ids=lambda item: item.name)
def test_a_database_to_which_nothing_happened_has_no_finding(source: Source) -> None:
    assert misses(source, lambda chain: iter([clean(chain)]), 1) == []


@pytest.mark.parametrize(("kind", "every"), [(skips, 2), (unrecorded, 2), (partials, 5)], ids=called)
@pytest.mark.parametrize("source", MADE, ids=lambda item: item.name)
def test_chains_made_at_random_are_explained_too(source: Source, kind: Kind, every: int) -> None:
    assert misses(source, kind, every) == []
