"""``--explain``: the stories that were tried, what speaks for each and against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cases import ALL, shop


def told(scene: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scene.diagnose()["explanation"]["hypotheses"]
    return found


def test_of_a_clean_database_the_trackers_story_wins_and_nothing_speaks_against_it(tmp_path: Path) -> None:
    first, *others = told(shop(tmp_path, *ALL))
    assert first["against"] == []
    assert "it says of every migration what the tracker says" in first["for"]
    assert all(item["against"] for item in others)


def test_the_winner_says_what_it_costs_and_each_loser_why_it_lost(tmp_path: Path) -> None:
    scene = shop(tmp_path, *(name for name in ALL if name != "003"), recorded=ALL)
    first, *others = told(scene)
    assert "003" not in first["executed"]
    assert any("the tracker claims 003" in said for said in first["against"])
    assert "it rebuilds every object that a migration writes" in first["for"]
    trackers = next(item for item in others if "003" in item["executed"])
    assert any(said.startswith("it does not explain") for said in trackers["against"])
    costs = [item["cost"]["total"] for item in others]
    assert costs == sorted(costs)
    assert first["cost"]["total"] <= costs[0]
