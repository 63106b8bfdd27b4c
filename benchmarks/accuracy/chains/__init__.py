"""The chains of the benchmark, by name: written by hand, made at random, of the samples, and of public packages."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.accuracy.chains import postgresql_chains, public, samples, sqlite_chains
from benchmarks.accuracy.chains.generated import generated
from benchmarks.accuracy.source import Source

RANDOM = ((1, 12), (2, 30), (3, 20))


def written() -> tuple[Source, ...]:
    """Return the chains that were written by hand."""
    return (*sqlite_chains.CHAINS, *postgresql_chains.CHAINS)


def at_random(seed: int = 0) -> Iterator[Source]:
    """Yield chains made at random, some for each tool and dialect."""
    for dialect in ("sqlite", "postgresql"):
        for tool in ("numbered", "alembic"):
            for number, length in RANDOM:
                yield generated(seed + number, length, dialect=dialect, tool=tool)


def every(seed: int = 0) -> tuple[Source, ...]:
    """Return all chains that there are here."""
    return (*written(), *at_random(seed), *samples.chains(), *public.chains())


def named(name: str, seed: int = 0) -> Source:
    """Return the chain of a name; ``random-sqlite-numbered-7-300`` makes one of seed 7 with 300 migrations."""
    if name.startswith("random-"):
        _random, dialect, tool, number, length = name.split("-")
        return generated(int(number), int(length), dialect=dialect, tool=tool)
    return {source.name: source for source in every(seed)}[name]
