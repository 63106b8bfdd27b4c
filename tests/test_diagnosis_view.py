from __future__ import annotations

import json
from html.parser import HTMLParser

import documents
import jsonschema
import pytest
from documents import HOSTILE

from forensics import frames, wording
from forensics.diagnosis import Diagnosis, Fleet


class Tags(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (documents.prod, "prod needs fixing: migration 004 is recorded as applied, but none of its 15 effects are in "
                         "the schema."),
        (documents.dev, "dev needs fixing: the next run will stop at 009: no such column: notification_type."),
        (documents.qa, "Nothing is wrong in qa. Replaying its story rebuilds the schema exactly."),
        (documents.waiting, "Nothing is wrong in env3: 4 migrations wait to be applied. Replaying its story rebuilds "
                            "the schema exactly."),
        (documents.empty, "env1 is an empty database: nothing has been applied yet, and nothing is broken."),
        (documents.unreadable, "old could not be read: the file is not a database: its first bytes are 'hello wo'."),
    ],
)  # fmt: skip
def test_the_verdict_is_one_sentence_about_what_is_the_matter(document: object, verdict: str) -> None:
    assert Diagnosis(document()).verdict == verdict


def test_another_finding_leads_and_the_next_failure_follows() -> None:
    document = documents.prod() | {"next_failure": documents.dev()["next_failure"]}
    assert Diagnosis(document).verdict.endswith("The next run will stop at 009: no such column: notification_type.")


def test_of_equal_severity_what_is_true_here_leads_before_what_is_true_of_the_chain() -> None:
    document = documents.untracked()
    chain = documents.finding(2, "chain-cannot-build", "error", "The chain fails.", scope="chain")
    document["findings"].insert(0, chain)
    assert Diagnosis(document).leading["cause"] == "untracked"
    chain["severity"] = "critical"
    assert Diagnosis(document).leading["cause"] == "chain-cannot-build"


def test_an_empty_database_is_never_called_broken_for_the_faults_of_its_chain() -> None:
    document = documents.empty()
    document["findings"].append(documents.finding(2, "cycle", "critical", "A circle.", scope="chain"))
    assert Diagnosis(document).leading["cause"] == "uninitialised"


@pytest.mark.parametrize(
    "kind", ["findings", "evidence", "migrations", "story", "timeline"]
)  # fmt: skip
@pytest.mark.parametrize("document", [documents.prod, documents.empty, documents.hostile])
def test_frames_have_their_shape_full_or_empty(kind: str, document: object) -> None:
    found = getattr(Diagnosis(document(), documents.events()), kind)
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == dict(frames.SHAPES[kind])


def test_frames_say_what_the_document_says() -> None:
    diagnosis = Diagnosis(documents.prod())
    assert diagnosis.findings.id.tolist() == ["F1", "F2", "F3", "F4"]
    assert diagnosis.evidence.query("finding == 'F3'").side.tolist() == ["for", "against"]
    third = diagnosis.migrations.query("version == '003'").iloc[0]
    assert (third.executed, third.expected, third.absent, third.recorded) == ("partial", 30, 18, True)
    assert diagnosis.story[["kind", "migration", "statements", "of"]].fillna(0).values.tolist() == [
        ["outside", "", "", 0], ["migration", "001", "", 0], ["migration", "002", "", 0],
        ["migration", "003", "1, 2, 3, 4, 5", 11],
    ]  # fmt: skip


def test_marks_are_shortened_to_spans() -> None:
    marked = {mark.name: labels for mark, labels in Diagnosis(documents.prod()).marked.items()}
    assert marked == {
        "ran": ["001", "002"], "never-ran": ["004 to 007", "009 to 016"], "partly": ["003"], "untold": ["008"],
        "waiting": ["017 to 024"],
    }  # fmt: skip


def test_a_version_that_is_not_unique_is_named_by_its_id() -> None:
    rows = [{"id": "1_a", "version": "1"}, {"id": "1_b", "version": "1"}, {"id": "2_c", "version": "2"}]
    assert wording.labels(rows) == ["1_a", "1_b", "2"]


def test_a_span_never_crosses_a_gap_or_the_order_of_the_chain() -> None:
    order = ["a", "b", "c", "d", "e 2", "f"]
    assert wording.spans(["a", "b", "d"], order) == ["a", "b", "d"]
    assert wording.spans(["d", "e 2", "f"], order) == ["d to f"]
    assert wording.spans(["c", "d", "e 2"], order) == ["c to 'e 2'"]
    assert wording.spans(["x", "y", "z"], order) == ["x", "y", "z"]


def test_json_is_the_document() -> None:
    assert json.loads(Diagnosis(documents.dev()).to_json()) == documents.dev()


@pytest.mark.parametrize("document", [documents.prod, documents.dev, documents.qa, documents.empty, documents.hostile])
def test_html_is_safe_and_names_the_verdict(document: object) -> None:
    found = Tags(Diagnosis(document())._repr_html_())
    assert found.tags <= {"div", "b", "span", "table", "tr", "th", "td", "details", "summary", "ul", "li", "code"}
    if document is documents.hostile:
        assert HOSTILE in found.text
    else:
        assert Diagnosis(document()).verdict in found.text


def test_markdown_keeps_hostile_names_in_their_cells() -> None:
    lines = Diagnosis(documents.hostile())._repr_markdown_().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert {row.count(" | ") for row in rows} == {3}
    assert "<script" not in "".join(lines)


def test_the_fleet_is_migrations_by_environments() -> None:
    fleet = Fleet(documents.fleet())
    matrix, recorded = fleet.matrix(), fleet.recorded()
    assert matrix.shape == recorded.shape == (24, 12)
    assert (matrix.index.name, matrix.columns.name) == ("migration", "environment")
    assert matrix.loc["004_fix_milestones_schema", "prod"] == "no"
    assert matrix.loc["008_agent_sessions", "prod"] == "unknown"
    assert bool(recorded.loc["004_fix_milestones_schema", "prod"])
    assert set(matrix["env1"]) == {""}
    assert recorded["env1"].isna().all()
    assert set(matrix.dtypes.astype(str)) == {"str"}
    assert set(recorded.dtypes.astype(str)) == {"boolean"}


def test_a_migration_that_only_one_environment_has_keeps_its_place() -> None:
    one, two = documents.qa(), documents.waiting()
    one["migrations"] = one["migrations"][:4]
    two["migrations"] = [row for row in two["migrations"][:5] if row["version"] != "003"]
    assert list(Fleet(documents.fleet(two, one)).labels.values()) == ["001", "002", "003", "004", "005"]


def test_the_fleet_in_frames() -> None:
    fleet = Fleet(documents.fleet())
    for name in ("environments", "groups"):
        assert {key: str(dtype) for key, dtype in getattr(fleet, name).dtypes.items()} == dict(frames.SHAPES[name])
    assert fleet.environments.set_index("environment").loc["prod", ["recorded", "executed", "partial"]].tolist() == [
        16, 2, 1,
    ]  # fmt: skip
    assert len(fleet.cells) == 24 * 7
    assert fleet.verdict == (
        "12 environments: 5 need fixing, 1 unreadable, 1 pending, 1 ok and 4 not initialised."
    )  # fmt: skip


def test_an_empty_fleet_still_has_its_shape() -> None:
    fleet = Fleet({"schema": "forensics/fleet/1", "case": {}, "environments": [], "groups": []})
    assert fleet.matrix().shape == (0, 0)
    assert len(fleet.environments) == len(fleet.groups) == 0


def test_the_documents_of_these_tests_are_valid() -> None:
    from pathlib import Path

    import forensics

    schemas = sorted(Path(forensics.__file__).parent.rglob("diagnosis.schema.json"))
    assert schemas, "the package ships the schema"
    schema = json.loads(schemas[0].read_text(encoding="utf-8"))
    for document in (documents.fleet(), documents.hostile()):
        jsonschema.validate(document, schema)
