from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import documents
import pytest
from documents import HOSTILE

from forensics import frames, plots
from forensics.diagnosis import Diagnosis, Fleet
from forensics.model import Event
from forensics.plots.bursts import bursts
from forensics.plots.lettering import clip, extent, plain

START = datetime(2026, 2, 10, 19, 56, 42, tzinfo=UTC)


def event(seconds: float, source: str = "tracker", message: str = "m", **other: object) -> Event:
    return Event(at=START + timedelta(seconds=seconds), source=source, message=message, ref=f"r{seconds}", **other)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def wide(count: int, environments: int = 2, name: str = "{:04d}") -> Fleet:
    found = []
    for place in range(environments):
        rows = [
            documents.migration("001", ("yes", "no", "partial", "unknown")[(number + place) % 4], recorded=number < count / 2)
            | {"id": name.format(number), "version": name.format(number)}
            for number in range(count)
        ]
        found.append(documents.diagnosis(f"environment {place}", "needs-fixing", rows, [documents.finding(1, "pending", "info", "x")]))
    return Fleet(documents.fleet(*found))


@pytest.mark.parametrize("draw", [
    lambda: plots.matrix(Fleet(documents.fleet())),
    lambda: plots.matrix(Diagnosis(documents.prod())),
    lambda: plots.timeline(documents.events()),
])  # fmt: skip
def test_a_figure_is_the_same_pixel_for_pixel(draw: object) -> None:
    first, second = draw(), draw()
    assert first.png == second.png
    assert b"Software" not in first.png
    assert b"tEXt" not in first.png


def test_a_figure_is_the_same_in_another_process() -> None:
    script = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); import documents; from forensics import plots;"
        "from forensics.diagnosis import Fleet;"
        "print(hashlib.sha256(plots.matrix(Fleet(documents.fleet())).png).hexdigest(), 'matplotlib.pyplot' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    found = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(found) == 1
    assert found.pop().endswith(" False\n"), "drawing does not load pyplot"


@pytest.mark.parametrize(("count", "environments"), [(1, 1), (30, 12), (300, 12)])
def test_a_matrix_of_any_size_has_one_width(count: int, environments: int) -> None:
    png = plots.matrix(wide(count, environments)).png
    assert size(png)[0] == 1536
    assert size(png)[1] < 1536


@pytest.mark.parametrize("source", [
    lambda: Fleet(documents.fleet(documents.hostile(), documents.qa())),
    lambda: Diagnosis(documents.hostile()),
    lambda: wide(12, name="an extremely long name of a migration that goes on and on {:04d}"),
    lambda: Diagnosis(documents.empty()),
    lambda: Fleet(documents.fleet(documents.empty(), documents.unreadable())),
    lambda: Fleet({"case": {}, "environments": [], "groups": []}),
])  # fmt: skip
def test_strange_names_and_nothing_at_all_can_be_drawn(source: object) -> None:
    assert plots.matrix(source()).png


def test_letters_that_the_font_lacks_become_boxes() -> None:
    assert plain("a\u4e2d\x00b") == "a□□b"
    assert plain("one\ntwo") == "one ⏎ two"
    assert plots.timeline([event(0, message="\u4e2d\u6587 \x07 $x^2$ \ud800")]).png


def test_text_is_cut_so_that_it_fits() -> None:
    assert clip("short", 200) == "short"
    cut = clip("a very long text that cannot fit", 80)
    assert cut.endswith("…")
    assert extent(cut) <= 80
    assert clip("nothing fits", 3) == ""


def test_the_alternative_text_says_what_the_figure_shows() -> None:
    alt = plots.matrix(Diagnosis(documents.prod())).alt
    assert "recorded, but never ran: 004 to 007 and 009 to 016" in alt
    assert len(plots.matrix(wide(300, 12)).alt) <= 500


def test_a_notebook_gets_picture_size_name_and_words() -> None:
    plot = plots.matrix(Diagnosis(documents.prod()))
    data, about = plot._repr_mimebundle_()
    assert data["text/plain"] == plot.alt
    assert about["image/png"]["name"] == "matrix"
    assert about["image/png"]["width"] == 960


def test_a_plot_is_saved_where_asked(tmp_path: Path) -> None:
    plot = plots.timeline(documents.events())
    assert plot.save(tmp_path / "t.png").read_bytes() == plot.png


def test_a_timeline_frame_draws_like_its_events() -> None:
    found = documents.events()
    assert plots.timeline(frames.timeline(found)).png == plots.timeline(found).png
    assert plots.timeline(Diagnosis(documents.prod(), found)).png == plots.timeline(found).png


def test_what_cannot_be_drawn_is_refused_with_words() -> None:
    with pytest.raises(TypeError, match="Fleet, Case, Environment or Diagnosis"):
        plots.matrix(42)


def test_rows_of_one_instant_are_one_burst_with_a_count() -> None:
    rows = [event(0, message=f"{n:03d} recorded: skipped", migration=f"{n:03d}") for n in range(5, 17)]
    (burst,) = bursts(rows)
    assert burst.text == "12 rows: 005 to 016 recorded: skipped"


def test_another_source_at_the_same_instant_is_another_burst() -> None:
    assert len(bursts([event(0), event(0, "log"), event(1)])) == 2


def test_a_message_that_comes_again_within_the_hour_is_one_burst() -> None:
    rows = [event(60 * n, "log", "no such column: app_id", level="error") for n in range(39)]
    (burst,) = bursts(rows)
    assert burst.text == "39 log lines until 20:34:42: no such column: app_id"
    assert burst.alarming


def test_of_many_messages_a_failure_is_the_one_to_tell() -> None:
    rows = [event(0, "tracker", "starting"), event(0.5, "tracker", "starting"), event(1, "tracker", "it failed", level="error")]
    (burst,) = bursts(rows)
    assert burst.text == "3 rows until 19:56:43: it failed, and others"


def test_in_a_log_a_failure_and_a_migration_stand_by_themselves() -> None:
    rows = [
        event(0, "log", "connected"),
        event(0.1, "log", "Running upgrade  -> a1, users\nTraceback (most recent call last):\n  x\nE.Error: no"),
        event(0.2, "log", "no", level="error"), event(0.3, "log", "bye"), event(60, "log", "no", level="error"),
    ]  # fmt: skip
    found = [(len(burst.events), burst.text) for burst in bursts(rows)]
    assert found == [
        (1, "connected"), (1, "Running upgrade -> a1, users: E.Error: no"), (2, "2 log lines until 19:57:42: no"), (1, "bye"),
    ]  # fmt: skip


def test_different_messages_minutes_apart_stay_apart() -> None:
    assert len(bursts([event(0, message="a"), event(300, message="b"), event(8000, message="a")])) == 3


def test_too_many_become_fewer_and_none_is_lost() -> None:
    rows = [event(60 * n, ("log", "git")[n % 2], f"message {n}") for n in range(500)]
    found = bursts(rows, limit=30)
    assert len(found) <= 30
    assert sum(len(burst.events) for burst in found) == 500
    assert plots.timeline(rows).png


def test_an_unknown_time_comes_last() -> None:
    rows = [Event(at=None, source="file", message="f", ref="f"), event(0)]
    assert [burst.start is None for burst in bursts(rows)] == [False, True]


def test_hostile_events_are_drawn() -> None:
    assert plots.timeline([event(n, HOSTILE, HOSTILE, actor=HOSTILE, assumed=HOSTILE) for n in range(3)]).png
