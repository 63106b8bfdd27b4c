"""Servers for the tests, each started once for all of them when the first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from forensics.replay.cluster import Cluster


@pytest.fixture(scope="session")
def clusters() -> Iterator[Callable[[int | None], Cluster]]:
    """Private PostgreSQL servers by major version; None is whichever comes first."""
    with ExitStack() as stack:
        running: dict[int | None, Cluster] = {}

        def of_version(version: int | None = None) -> Cluster:
            if version not in running:
                running[version] = stack.enter_context(Cluster(version))
            return running[version]

        yield of_version


@pytest.fixture(scope="session")
def postgres(clusters: Callable[[int | None], Cluster]) -> Cluster:
    """A private PostgreSQL server."""
    return clusters(None)
