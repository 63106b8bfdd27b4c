"""What belongs together is joined, whoever wrote it and whatever carried it; memory stays constant."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.events import read_logs
from forensics.logs import sift
from forensics.logs.lines import LONGEST
from forensics.model import Event

AT = "2026-02-10 19:45:38.001 UTC"
TRACE = """Traceback (most recent call last):
  File "env.py", line 1, in run
sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "users" does not exist
LINE 1: INSERT INTO users
[SQL: INSERT INTO users (email) VALUES (%(email)s)]
[parameters: {'email': 'secret@person.example'}]
(Background on this error at: https://sqlalche.me/e/20/f405)
"""


def read(tmp_path: Path, text: str | bytes, *, name: str = "a.log") -> list[Event]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_logs([path], base=tmp_path))


def test_parts_go_to_the_error_of_their_own_session(tmp_path: Path) -> None:
    text = f"""{AT} [7] ERROR:  index "one" does not exist
{AT} [8] ERROR:  index "two" does not exist
{AT} [7] STATEMENT:  DROP INDEX
	one
{AT} [8] HINT:  Look.
{AT} [8] STATEMENT:  DROP INDEX two
"""
    one, two = read(tmp_path, text)
    assert (one.session, one.statement) == ("7", "DROP INDEX\none")
    assert (two.session, two.statement) == ("8", "DROP INDEX two")
    assert two.message == 'index "two" does not exist\nHINT: Look.'


def test_an_error_without_its_statement_takes_the_last_one_of_its_session_if_it_speaks_of_it(tmp_path: Path) -> None:
    text = f"""{AT} [7] LOG:  statement: DROP INDEX one
{AT} [8] LOG:  statement: DROP INDEX two
{AT} [7] ERROR:  index "one" does not exist
{AT} [8] ERROR:  relation "three" does not exist
"""
    events = read(tmp_path, text)
    assert [event.statement for event in events] == ["DROP INDEX one", "DROP INDEX two", "DROP INDEX one", ""]


def test_echoes_are_no_causes(tmp_path: Path) -> None:
    text = f"""{AT} [7] ERROR:  index "one" does not exist
{AT} [7] STATEMENT:  DROP INDEX one
{AT} [7] ERROR:  current transaction is aborted, commands ignored until end of transaction block
{AT} [7] STATEMENT:  DROP INDEX two
2026-02-10 19:45:38 ERROR app: (psycopg.errors.InFailedSqlTransaction) current transaction is aborted
"""
    assert [event.echo for event in read(tmp_path, text)] == [False, True, True]


def test_a_traceback_belongs_to_what_was_announced_and_makes_it_an_error(tmp_path: Path) -> None:
    first, second = read(tmp_path, "INFO  [alembic.runtime.migration] Running upgrade a -> b, x\n" + TRACE + "INFO  [x] on\n")
    assert (first.level, first.code) == ("error", "42P01")
    assert first.statement == "INSERT INTO users (email) VALUES (%(email)s)"
    assert "secret@" not in first.message
    assert (second.level, second.ref) == ("info", "a.log:9")


def test_a_traceback_of_any_length_keeps_its_end(tmp_path: Path) -> None:
    deep = TRACE.replace('  File "env.py", line 1, in run\n', "".join(f"  File {n}\n    code\n" for n in range(300)))
    (event, warning) = read(tmp_path, "2026-02-10 19:45:38 ERROR a: boom\n" + deep)
    assert event.statement == "INSERT INTO users (email) VALUES (%(email)s)"
    assert 'relation "users" does not exist' in event.message
    assert len(event.message) <= 4000
    assert "lines were cut out of entries that are too long" in warning.message


def test_one_without_a_head_is_an_entry_of_its_own(tmp_path: Path) -> None:
    (event,) = read(tmp_path, TRACE)
    assert (event.level, event.code, event.at) == ("error", "42P01", None)


COMPOSE = """migrate-1  | INFO  [alembic.runtime.migration] Running upgrade 003 -> 8aa0, x
db-1       | 2026-02-10 19:45:38.001 UTC [78] app@shop ERROR:  index "ix" does not exist
seed-1     | 2026-02-10 19:45:38,500 ERROR seed: it failed
db-1       | 2026-02-10 19:45:38.001 UTC [78] app@shop STATEMENT:  DROP INDEX
db-1       | 	ix
migrate-1  | Traceback (most recent call last):
seed-1     | Traceback (most recent call last):
migrate-1  |   File "x.py"
seed-1     | KeyError: 'y'
migrate-1  | ValueError: 'x'
"""


def test_compose_keeps_the_lines_of_its_services_apart(tmp_path: Path) -> None:
    migrate, db, seed = read(tmp_path, COMPOSE)
    assert [migrate.runner, db.runner, seed.runner] == ["migrate-1", "db-1", "seed-1"]
    assert db.statement == "DROP INDEX\nix"
    assert migrate.message.endswith("  File \"x.py\"\nValueError: 'x'")
    assert seed.message.endswith("KeyError: 'y'")


def test_times_of_the_runtime_fill_in_where_a_program_has_none(tmp_path: Path) -> None:
    lines = "INFO  [alembic.runtime.migration] Running upgrade a -> b\n" + TRACE + "INFO  [x] on\nseeding data\n"
    stamped = "".join(f"2026-02-10T19:45:38.{n:09}Z {line}\n" for n, line in enumerate(lines.splitlines()))
    for text in (stamped, "".join(f"web-1  | {line}\n" for line in stamped.splitlines())):
        failed, on, seeding = read(tmp_path, text)
        assert failed.at == datetime(2026, 2, 10, 19, 45, 38, tzinfo=UTC)
        assert (failed.level, failed.code) == ("error", "42P01")
        assert (on.message, seeding.message) == ("on", "seeding data")


def test_kubernetes_and_the_pieces_of_a_long_line(tmp_path: Path) -> None:
    text = """2026-02-10T19:45:38.1Z stderr P ERROR [alembic.util.messaging] Can't locate revision
2026-02-10T19:45:38.2Z stderr F  identified by 'cf94'
2026-02-10T19:45:39.1+01:00 stdout F 2026-02-10 19:45:40,5 INFO app: own time
"""
    first, second = read(tmp_path, text)
    assert first.message == "Can't locate revision identified by 'cf94'"
    assert second.at == datetime(2026, 2, 10, 19, 45, 40, 500000, tzinfo=UTC)
    (third,) = read(tmp_path, "[pod/migrate-x7/main] 2026-02-10T19:45:38Z INFO  [x] y\n")
    assert (third.runner, third.message) == ("pod/migrate-x7/main", "y")


def test_dockers_own_files_and_syslog(tmp_path: Path) -> None:
    (docker,) = read(tmp_path, '{"log":"INFO  [x] y\\n","stream":"stderr","time":"2026-02-10T19:45:38.5Z"}\n')
    assert (docker.message, docker.at) == ("y", datetime(2026, 2, 10, 19, 45, 38, 500000, tzinfo=UTC))
    text = f"""Feb 10 19:45:38 host postgres[78]: [3-1] {AT} [78] ERROR:  index "ix" does not exist
Feb 10 19:45:38 host postgres[79]: [1-1] ERROR:  other
Feb 10 19:45:38 host postgres[78]: [3-2] {AT} [78] STATEMENT:  DROP INDEX
Feb 10 19:45:38 host postgres[78]: [3-3] #011ix
"""
    first, second = read(tmp_path, text)
    assert (first.statement, first.session) == ("DROP INDEX\nix", "78")
    assert (second.session, second.at) == ("79", None)


def test_entries_without_a_time_know_the_last_one_before_them(tmp_path: Path) -> None:
    first, second = read(tmp_path, f"{AT} [7] LOG:  x\nFAILED: y\n")
    assert (second.at, second.after) == (None, first.at)


def test_a_torn_archive_keeps_what_could_be_read(tmp_path: Path) -> None:
    rng = random.Random(0)
    text = "".join(f"{AT} [7] ERROR:  {rng.random()}\n{AT} [7] STATEMENT:  DROP INDEX a\n" for _ in range(2000))
    packed = gzip.compress(text.encode())
    events = read(tmp_path, packed[: len(packed) // 2], name="a.gz")
    assert 500 < len(events) < 2000
    assert "a.gz could not be read to its end" in events[-1].message
    assert events[0].statement == "DROP INDEX a"
    damaged = packed[:3000] + b"\xff" * 50 + packed[3050:]
    assert "could not be read to its end" in read(tmp_path, damaged, name="b.gz")[-1].message


def test_an_unknown_format_is_counted_and_no_trouble(tmp_path: Path) -> None:
    (event,) = read(tmp_path, "%% what is this\n" * 5000)
    assert (event.message, event.level, event.ref) == ("5000 lines are in no known log format", "warning", "a.log:1")


def test_a_quote_that_never_closes_ends_somewhere(tmp_path: Path) -> None:
    open_record = '2026-11-25 00:57:35.432 UTC,"me","shop",7,"[local]",6b06.28,1,"x'
    text = open_record + "\n" + "more\n" * 3000 + f"{AT} [7] LOG:  found again\n"
    *_, event, warning = read(tmp_path, text)
    assert event.message == "found again"
    assert "in no known log format" in warning.message


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(
    st.text(max_size=60),
    st.sampled_from([
        f"{AT} [7] ERROR:  x", f"{AT} [7] STATEMENT:  DROP INDEX", "\tx", "a-1  | INFO  [x] y", '{"log":"x', '{"log":"x","stream":1}',
        "2026-02-10T19:45:38Z stderr P x", "Traceback (most recent call last):", '2026-11-25 00:57:35.432 UTC,"a', '",,', "ERROR:  ", ":  ",
        '{"error_severity": {}}', "[SQL: ", "Feb 10 19:45:38 h p[1]: ", "AUDIT: ,,", f"{AT} [7] LOG:  AUDIT: \"",
    ]),
), max_size=25))  # fmt: skip
def test_nothing_that_a_log_holds_is_an_exception(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.log"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    for event in read_logs([path]):
        assert len(event.message) <= 4001
        assert len(event.statement) <= LONGEST


def test_memory_is_constant_for_every_shape(tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    with path.open("w") as file:
        for n in range(4000):
            file.write(f"{AT} [{n}] ERROR:  x{n}\n{AT} [{n}] STATEMENT:  SELECT {n}\n\t{'y' * 300}\n")
            file.write(f"svc-{n % 200}  | INFO  [x] y{n}\n")
        file.write(f"{AT} [1] STATEMENT:  SELECT\n" + "\tmore\n" * 200_000)
    tracemalloc.start()
    count = sum(1 for _ in read_logs([path]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 8000
    assert peak < 6_000_000


def event(number: int, message: str, level: str = "info", statement: str = "") -> Event:
    at = datetime.fromtimestamp(1_770_000_000 + number, UTC)
    return Event(at=at, source="log", message=message, ref=f"a.log:{number}", level=level, statement=statement)


def test_a_short_log_is_kept_whole() -> None:
    events = [event(n, "GET /") for n in range(50)]
    assert sift(events) == tuple(events)


def test_of_a_long_log_what_matters_is_kept_and_the_rest_is_counted() -> None:
    events = [event(n, f"GET /{n}") for n in range(100)] + [event(100, "Running upgrade a -> b")]
    events += [event(101 + n, 'index "ix" does not exist', "error", "DROP INDEX ix") for n in range(50)]
    events += [event(200, "something else", "error")]
    *kept, failure, warning = sift(events, most=12, ordinary=10)
    assert [item.message for item in kept][-1] == "Running upgrade a -> b"
    assert (failure.count, failure.until) == (50, events[150].at)
    assert warning.level == "warning"
    assert warning.message.startswith("91 log entries are not shown")
