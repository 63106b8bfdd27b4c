from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from documents import events

from forensics import frames
from forensics.model import (
    Applied,
    Chain,
    Change,
    Content,
    Event,
    Exhibit,
    History,
    Migration,
    SchemaObject,
)

OBJECTS = (
    SchemaObject(kind="table", table=None, name="t", ident="t",
                 meaning=(("without_rowid", False), ("strict", True), ("autoincrement", False))),
    SchemaObject(kind="column", table="t", name="id", ident="id", position=1,
                 meaning=(("affinity", "INTEGER"), ("notnull", True), ("default", None), ("collation", "binary")),
                 trace=(("type", "integer"),)),
    SchemaObject(kind="column", table="t", name="a", ident="a", position=2,
                 meaning=(("affinity", "TEXT"), ("notnull", False), ("default", "'x'")), trace=(("type", "text"),)),
    SchemaObject(kind="primary_key", table="t", name="id", ident="", meaning=(("columns", "id"),)),
    SchemaObject(kind="foreign_key", table="t", name="a->u(b)", ident="a->u(b)",
                 meaning=(("on_update", "no action"), ("on_delete", "cascade"), ("deferrable", False))),
    SchemaObject(kind="index", table="t", name="i", ident="i",
                 meaning=(("unique", True), ("columns", "a desc"), ("predicate", "a > 1"))),
    SchemaObject(kind="view", table=None, name="v", ident="v", meaning=(("sql", "select 1"),)),
)  # fmt: skip


def dtypes(found: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in found.dtypes.items()}


@pytest.mark.parametrize("kind", frames.SHAPES)
def test_an_empty_frame_has_its_columns_and_dtypes(kind: str) -> None:
    assert dtypes(frames.frame(kind)) == dict(frames.SHAPES[kind])


@pytest.mark.parametrize("kind", ["tables", "columns", "primary_keys", "foreign_keys", "indexes", "views", "objects"])
def test_a_filled_schema_frame_has_the_same_dtypes(kind: str) -> None:
    found = frames.schema(kind, OBJECTS, evidence="E001")
    assert len(found) > 0
    assert dtypes(found) == dict(frames.SHAPES[kind])
    assert set(found.evidence) == {"E001"}


@pytest.mark.parametrize("kind", ["tables", "columns", "foreign_keys", "checks", "uniques", "triggers", "objects"])
def test_a_schema_without_objects_gives_the_empty_frame(kind: str) -> None:
    assert dtypes(frames.schema(kind, (), evidence="E001")) == dict(frames.SHAPES[kind])


def test_columns_show_what_was_declared_and_what_it_means() -> None:
    found = frames.schema("columns", OBJECTS)
    assert found[["table", "column", "position", "type", "affinity"]].values.tolist() == [
        ["t", "id", 1, "integer", "INTEGER"],
        ["t", "a", 2, "text", "TEXT"],
    ]
    assert found.default.tolist() == ["", "'x'"]
    assert found["notnull"].tolist() == [True, False]


def test_a_table_counts_its_columns() -> None:
    assert frames.schema("tables", OBJECTS)[["columns", "strict"]].values.tolist() == [[2, True]]


def test_a_foreign_key_is_taken_apart() -> None:
    (row,) = frames.schema("foreign_keys", OBJECTS).itertuples()
    assert (row.columns, row.references_table, row.references_columns, row.on_delete) == ("a", "u", "b", "cascade")


def test_a_time_is_utc_and_an_unknown_one_stays_unknown() -> None:
    rows = (
        Event(at=datetime(2026, 2, 10, 15, 38, 1, 500, tzinfo=UTC), source="log", message="m", ref="r"),
        Event(at=None, source="file", message="m", ref="r"),
    )
    found = frames.timeline(rows)
    assert dtypes(found) == dict(frames.SHAPES["timeline"])
    assert found["at"][0] == pd.Timestamp("2026-02-10T15:38:01.000500Z")
    assert found["at"].isna().tolist() == [False, True]


def test_times_as_text_mix_whole_seconds_and_fractions() -> None:
    row = ("1", "1", "n", "f", True, None, "yes", "schema", 1, 1, 0, 0, 0, "c", "worktree")
    times = ["2026-02-10T15:38:01Z", "2026-02-10T15:38:01.25Z", None]
    found = frames.frame("migrations", [(*row[:5], time, *row[6:]) for time in times])
    assert found.recorded_at.dt.microsecond.tolist()[:2] == [0, 250000]
    assert found.recorded_at.isna().tolist() == [False, False, True]


def test_the_timeline_keeps_the_order_of_its_events() -> None:
    found = events()
    assert frames.timeline(found).ref.tolist() == [event.ref for event in found]


def test_history_and_chain_and_exhibits() -> None:
    history = frames.history(
        History(tool="numbered", table="v", state="present", rows=(Applied(version="1", order=1, row_id=7),))
    )
    assert dtypes(history) == dict(frames.SHAPES["history"])
    assert history.row_id.tolist() == [7]
    assert history.recorded_at.isna().all()
    content = Content(text="", sha256="a" * 64, md5="b")
    broken = Migration(id="1_a", version="1", name="a", file="1_a.py", content=content, language="python",
                       parents=("0", "x"), problem="no upgrade")  # fmt: skip
    chain = frames.chain(Chain(name="main", tool="numbered", path="m", root="/m", migrations=(broken,)))
    assert dtypes(chain) == dict(frames.SHAPES["chain"])
    assert chain[["parents", "loadable", "problem"]].values.tolist() == [["0, x", False, "no upgrade"]]
    exhibits = frames.exhibits([Exhibit(ref="E001", name="a.db", kind="database")])
    assert dtypes(exhibits) == dict(frames.SHAPES["exhibits"])
    assert exhibits["size"].isna().all()


def test_an_altered_object_has_one_row_an_attribute() -> None:
    column = OBJECTS[1]
    found = frames.differences([
        Change(state="altered", expected=column, actual=column,
               attributes=(("notnull", True, False), ("default", None, "1"))),
        Change(state="missing", expected=OBJECTS[5], actual=None),
    ])  # fmt: skip
    assert dtypes(found) == dict(frames.SHAPES["differences"])
    assert found[["state", "name", "attribute", "expected", "actual"]].values.tolist() == [
        ["altered", "id", "notnull", "true", "false"],
        ["altered", "id", "default", "", "1"],
        ["missing", "i", "", "", ""],
    ]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        frames.frame("evidence", [("F1", "for")])
