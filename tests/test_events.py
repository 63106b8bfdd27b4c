from __future__ import annotations

import gzip
import tracemalloc
from datetime import UTC, datetime

import pytest

from forensics.events import read_logs


def read(tmp_path, text, *, name="app.log", zone="UTC"):
    path = tmp_path / "logs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_logs([path], zone=zone, environment="dev", base=tmp_path))


AT = datetime(2026, 2, 10, 19, 45, 37, tzinfo=UTC)


@pytest.mark.parametrize(("line", "level", "actor", "message"), [
    ("2026-02-10 19:45:37,123 INFO manager: Applying 004", "info", "manager", "Applying 004"),
    ("2026-02-10 19:45:37 ERROR manager: it failed: no such column", "error", "manager", "it failed: no such column"),
    ("2026-02-10T19:45:37.123456Z WARN it is late", "warning", "", "it is late"),
    ("[2026-02-10 19:45:37] [CRITICAL] app.db: down", "critical", "app.db", "down"),
    ("2026-02-10 19:45:37,123 - app.db - WARNING - slow", "warning", "app.db", "slow"),
    ("2026-02-10 19:45:37 | DEBUG    | mod - hm", "debug", "mod", "hm"),
    ("2026-02-10 19:45:37 UTC [77] ERROR:  index \"x\" does not exist", "error", "77", 'index "x" does not exist'),
    ("2026-02-10 19:45:37 only words and an error in them", "info", "", "only words and an error in them"),
    ("2026-02-10T11:45:37-08:00 INFO x", "info", "", "x"),
    ('{"time": "2026-02-10T19:45:37Z", "level": "error", "name": "a", "msg": "m", "err": "e"}', "error", "a", "m: e"),
    ('{"ts": 1770752737, "severity": "WARNING", "message": {"a": 1}}', "warning", "", '{"a": 1}'),
    ('time=2026-02-10T19:45:37Z level=fatal msg="it \\"broke\\"" k=v', "critical", "", 'it "broke"'),
    ('10.0.0.1 - - [10/Feb/2026:19:45:37 +0000] "GET / HTTP" 500', "info", "", '10.0.0.1 - - "GET / HTTP" 500'),
])  # fmt: skip
def test_a_line_of_each_usual_kind(tmp_path, line, level, actor, message):
    (event,) = read(tmp_path, line + "\n")
    assert event.at.replace(microsecond=0) == AT
    assert (event.level, event.actor, event.message) == (level, actor, message)
    assert (event.source, event.environment, event.ref) == ("log", "dev", "logs/app.log:1")


def test_naive_times_are_in_the_zone_that_was_named_and_say_so(tmp_path):
    (naive,) = read(tmp_path, "2026-02-10 11:45:37,123 INFO x: y", zone="America/Los_Angeles")
    assert (naive.at, naive.assumed, naive.precision) == (AT.replace(microsecond=123000), "America/Los_Angeles", 1e-3)
    (aware,) = read(tmp_path, "2026-02-10T19:45:37Z INFO x: y", zone="America/Los_Angeles")
    assert (aware.at, aware.assumed) == (AT, "")


def test_tracebacks_stay_with_their_line(tmp_path):
    text = "2026-02-10 19:45:37 ERROR a: boom\nTraceback (most recent call last):\n  File x\nOperationalError: no\n\n"
    text += "2026-02-10 19:45:38 INFO a: on\n"
    first, second = read(tmp_path, text)
    assert first.message == "boom\nTraceback (most recent call last):\n  File x\nOperationalError: no\n"
    assert second.ref == "logs/app.log:6"


def test_lines_that_mean_nothing_are_counted_in_one_warning(tmp_path):
    first, second = read(tmp_path, "hello\n\n{broken json\n2026-02-10 19:45:37 INFO a: on\n{and more\n")
    assert first.message == "on\n{and more"
    assert (second.at, second.level) == (None, "warning")
    assert (second.message, second.ref) == ("2 lines are in no known log format", "logs/app.log:1")
    assert read(tmp_path, "") == []
    (only,) = read(tmp_path, bytes(range(256)) * 40)
    assert "in no known log format" in only.message


@pytest.mark.parametrize(
    "line", ["2026-13-45 99:99:99 INFO x", "{}", "[]", "null", '{"time": {}, "msg": 3}', "=", "x=1 msg=", "[" * 5000]
)
def test_nonsense_is_no_exception(tmp_path, line):
    (event,) = read(tmp_path, line + "\n")
    assert event.at is None


def test_a_packed_log_and_a_torn_one(tmp_path):
    text = "2026-02-10 19:45:37 INFO a: one\n" * 500
    packed = gzip.compress(text.encode())
    assert len(read(tmp_path, packed, name="app.log.1.gz")) == 500
    torn = read(tmp_path, packed[:-20], name="app.log.2.gz")
    assert "could not be read to its end" in torn[-1].message


def test_what_is_not_there_or_no_file_is_one_warning_each(tmp_path):
    events = list(read_logs([tmp_path / "gone.log", tmp_path], base=tmp_path))
    assert [
        "gone.log could not be read to its end: there is no such file" in events[0].message,
        "not a file" in events[1].message,
    ] == [True, True]
    assert all(event.level == "warning" and event.at is None for event in events)


def test_refs_without_a_base_show_no_more_than_the_folder(tmp_path):
    read(tmp_path, "2026-02-10 19:45:37 INFO a: b")
    (event,) = read_logs([tmp_path / "logs" / "app.log"])
    assert event.ref == "logs/app.log:1"


def test_secrets_are_masked(tmp_path):
    (event,) = read(tmp_path, "2026-02-10 19:45:37 INFO a: connecting to postgresql://me:hunter2@db/x\n")
    assert "hunter2" not in event.message


def test_memory_is_constant(tmp_path):
    path = tmp_path / "big.log"
    with path.open("w") as file:
        for _ in range(3000):
            file.write("2026-02-10 19:45:37 INFO a: " + "x" * 100 + "\n")
        file.write("y" * 9_000_000)
    tracemalloc.start()
    count = sum(1 for _ in read_logs([path]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 3000
    assert peak < 1_500_000
