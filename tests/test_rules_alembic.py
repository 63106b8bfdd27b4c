"""What a graph of revisions and a tracker of heads say: for each rule a case that fires, and near misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases import Document, Scene, causes, executed, found, one, said

TABLES = {"aa10": "people", "bb20": "pets", "cc30": "toys", "dd40": "games"}


def revision(name: str, *parents: str, body: str = "", more: str = "") -> str:
    """Return the text of a revision; without a body it makes its table in `TABLES`."""
    down = repr(parents[0]) if len(parents) == 1 else repr(parents or None)
    table = TABLES.get(name, f"t_{name}")
    default = f'op.create_table("{table}", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))'
    return (
        f'"""Change {name}"""\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = {name!r}\n'
        f"down_revision = {down}\n{more}\n\ndef upgrade():\n    {body or default}\n\n\ndef downgrade():\n    pass\n"
    )


def line(*names: str) -> dict[str, str]:
    """Return the files of revisions that follow one another."""
    return {
        f"{name}_change.py": revision(name, *names[max(at - 1, 0) : at]) for at, name in enumerate(names)
    }  # fmt: skip


def graph(root: Path, files: dict[str, str], ran: tuple[str, ...], *heads: str, **options: object) -> Scene:
    """Return a case of these revisions, some of them run, and the tracker standing at these heads."""
    scene = Scene(root, files, tool="alembic", **options)  # type: ignore[arg-type]
    scene.stamp()
    scene.run(*(name for name in files if name.split("_")[0] in ran))
    scene.stamp(*heads)
    return scene


def chain_causes(document: Document) -> set[str]:
    return {item["cause"] for item in document["findings"] if item["scope"] == "chain"}


def test_nothing_is_wrong(tmp_path: Path) -> None:
    document = graph(tmp_path, line("aa10", "bb20"), ("aa10", "bb20"), "bb20").diagnose()
    assert document["findings"] == []
    assert executed(document) == {"aa10": "yes", "bb20": "yes"}
    assert document["explanation"]["reconstructed"]


@pytest.mark.parametrize("git", [True, False])
def test_orphan_revision(tmp_path: Path, git: bool) -> None:
    scene = graph(tmp_path, line("aa10", "bb20"), ("aa10",), "ee90")
    if git:
        scene.commit("All", "2026-02-01T10:00:00Z")
    document = scene.diagnose()
    finding = one(document, "orphan-revision")
    assert (finding["severity"], finding["migrations"]) == ("critical", ["ee90"])
    assert ("no git history was given" in said(finding)) is not git
    assert not found(document, "missing-file")
    assert executed(document) == {"aa10": "yes", "bb20": "no"}


@pytest.mark.parametrize("name", ["bb20_change.py", "2026_02_01-change.py"])
def test_missing_file_and_no_orphan_revision_where_git_knows_it(tmp_path: Path, name: str) -> None:
    scene = graph(tmp_path, {"aa10_change.py": revision("aa10"), name: revision("bb20", "aa10")}, ("aa10",), "bb20")
    scene.run(name)
    scene.commit("All", "2026-02-01T10:00:00Z")
    scene.file(name).unlink()
    scene.commit("Squash", "2026-02-12T10:00:00Z")
    document = scene.diagnose()
    finding = one(document, "missing-file")
    assert (finding["severity"], finding["scope"]) == ("error", "environment")
    assert "Squash" in said(finding)
    assert not found(document, "orphan-revision")


@pytest.mark.parametrize("git", [True, False])
def test_foreign_chain(tmp_path: Path, git: bool) -> None:
    old = line("ee10", "ee20")
    scene = graph(tmp_path, old if git else line("aa10", "bb20"), (), "ee20", archived=old)
    if git:  # the folder held the old chain before it was put aside
        scene.commit("Old chain", "2026-01-01T10:00:00Z")
        for name in old:
            scene.file(name).unlink()
        for name, text in line("aa10", "bb20").items():
            scene.edit(name, text)
        scene.commit("New chain", "2026-02-01T10:00:00Z")
    scene.run("aa10_change.py")
    document = scene.diagnose()
    finding = one(document, "foreign-chain")
    assert (finding["severity"], finding["migrations"]) == ("critical", ["ee20"])
    assert "archived/ee20_change.py" in said(finding) or "ee20_change.py" in said(finding)
    assert not {"orphan-revision", "missing-file"} & causes(document)


def test_no_foreign_chain_where_the_active_one_knows_it_too(tmp_path: Path) -> None:
    files = line("aa10", "bb20")
    document = graph(tmp_path, files, ("aa10", "bb20"), "bb20", archived=files).diagnose()
    assert causes(document) == set()


def test_cycle(tmp_path: Path) -> None:
    files = {"aa10_change.py": revision("aa10"), "bb20_change.py": revision("bb20", "cc30"),
             "cc30_change.py": revision("cc30", "bb20")}  # fmt: skip
    document = graph(tmp_path, files, ("aa10",), "aa10").diagnose()
    finding = one(document, "cycle")
    assert (finding["severity"], set(finding["migrations"])) == ("error", {"bb20", "cc30"})


def test_no_cycle_where_two_lines_meet_again(tmp_path: Path) -> None:
    files = {"aa10_change.py": revision("aa10"), "bb20_change.py": revision("bb20", "aa10"),
             "cc30_change.py": revision("cc30", "aa10"), "dd40_change.py": revision("dd40", "bb20", "cc30", body="pass")}  # fmt: skip
    document = graph(tmp_path, files, ("aa10", "bb20", "cc30"), "dd40").diagnose()
    assert chain_causes(document) == set()


def test_broken_link(tmp_path: Path) -> None:
    files = {"aa10_change.py": revision("aa10"), "cc30_change.py": revision("cc30", "bb20")}
    document = graph(tmp_path, files, ("aa10",), "aa10").diagnose()
    finding = one(document, "broken-link")
    assert (finding["severity"], finding["migrations"]) == ("error", ["cc30"])
    assert "bb20" in finding["summary"]


def test_no_broken_link_of_a_shortened_dependency(tmp_path: Path) -> None:
    files = {"aa10_change.py": revision("aa10bbcc"),
             "bb20_change.py": revision("bb20", "aa10bbcc", more="depends_on = 'aa10bb'")}  # fmt: skip
    document = graph(tmp_path, files, (), "bb20").diagnose()
    assert not found(document, "broken-link")


def test_multiple_heads(tmp_path: Path) -> None:
    files = line("aa10", "bb20") | {"cc30_change.py": revision("cc30", "aa10")}
    document = graph(tmp_path, files, ("aa10", "bb20"), "bb20").diagnose()
    finding = one(document, "multiple-heads")
    assert (finding["severity"], set(finding["migrations"])) == ("error", {"bb20", "cc30"})
    assert sorted(document["chain"]["heads"]) == ["bb20", "cc30"]


def test_no_multiple_heads_after_a_merge(tmp_path: Path) -> None:
    files = line("aa10", "bb20") | {
        "cc30_change.py": revision("cc30", "aa10"), "dd40_change.py": revision("dd40", "bb20", "cc30", body="pass"),
    }  # fmt: skip
    document = graph(tmp_path, files, ("aa10", "bb20", "cc30"), "dd40").diagnose()
    assert document["findings"] == []


def test_multiple_bases(tmp_path: Path) -> None:
    files = line("aa10", "bb20") | {"cc30_change.py": revision("cc30")}
    document = graph(tmp_path, files, ("aa10", "bb20"), "bb20").diagnose()
    finding = one(document, "multiple-bases")
    assert (finding["severity"], finding["migrations"]) == ("error", ["aa10", "cc30"])


def test_multiple_bases_that_were_meant_are_only_information(tmp_path: Path) -> None:
    files = line("aa10", "bb20") | {"cc30_change.py": revision("cc30", more="branch_labels = ('toys',)")}
    document = graph(tmp_path, files, ("aa10", "bb20", "cc30"), "bb20", "cc30").diagnose()
    assert one(document, "multiple-bases")["severity"] == "info"


def test_no_multiple_bases_of_one_line(tmp_path: Path) -> None:
    document = graph(tmp_path, line("aa10", "bb20", "cc30"), ("aa10",), "aa10").diagnose()
    assert chain_causes(document) == set()


def inserted(root: Path, *, before: bool) -> Document:
    """Diagnose a chain into which a revision was put: before its successor came about, or after."""
    first = {"aa10_change.py": revision("aa10")}
    later = {"bb20_change.py": revision("bb20", "aa10"), "cc30_change.py": revision("cc30", "bb20")}
    scene = graph(root, first | ({} if before else {"cc30_change.py": revision("cc30", "aa10")}), ("aa10",), "aa10")
    scene.commit("First", "2026-01-01T10:00:00Z")
    if before:
        scene.edit("bb20_change.py", later["bb20_change.py"])
        scene.commit("Second", "2026-01-05T10:00:00Z")
    for name, text in later.items():
        scene.edit(name, text)
    scene.commit("All of it", "2026-02-01T10:00:00Z")
    scene.run("cc30_change.py")
    scene.stamp("cc30")
    return scene.diagnose()


def test_inserted_behind_head(tmp_path: Path) -> None:
    document = inserted(tmp_path, before=False)
    finding = one(document, "inserted-behind-head")
    assert (finding["severity"], finding["migrations"]) == ("error", ["bb20"])
    assert executed(document) == {"aa10": "yes", "bb20": "no", "cc30": "yes"}


def test_no_inserted_behind_head_where_it_was_there_before(tmp_path: Path) -> None:
    document = inserted(tmp_path, before=True)
    assert causes(document) == {"recorded-not-executed"}


def test_no_empty_migration_of_a_merge(tmp_path: Path) -> None:
    files = line("aa10", "bb20") | {
        "cc30_change.py": revision("cc30", "aa10"), "dd40_change.py": revision("dd40", "bb20", "cc30", body="pass"),
        "ee50_change.py": revision("ee50", "dd40", body="pass"),
    }  # fmt: skip
    document = graph(tmp_path, files, ("aa10", "bb20", "cc30"), "ee50").diagnose()
    assert one(document, "empty-migration")["migrations"] == ["ee50"]


@pytest.mark.parametrize("text", ["x = 1\n", "def upgrade(:\n"], ids=["no revision", "a syntax error"])
def test_unloadable_migration(tmp_path: Path, text: str) -> None:
    files = line("aa10", "bb20")
    scene = graph(tmp_path, files, ("aa10", "bb20"), "bb20")
    scene.edit("zz_broken.py", text)
    finding = one(scene.diagnose(), "unloadable-migration")
    assert (finding["severity"], finding["scope"]) == ("error", "chain")
    assert "zz_broken.py" in said(finding)


MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData()
for name in ("people", "pets", "toys"):
    sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text),
             sa.Column("seen", sa.Boolean) if name == "pets" else sa.Column("note", sa.Text, key="note"))
"""


def modelled(root: Path, *ran: str) -> Scene:
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "shop_models.py").write_text(MODELS)
    return graph(root, line("aa10", "bb20"), ran, "bb20", sys_path=["lib"], models="shop_models:metadata")


def test_built_from_models(tmp_path: Path) -> None:
    import sqlalchemy

    scene = modelled(tmp_path)
    space: dict[str, sqlalchemy.MetaData] = {}
    exec(MODELS, space)
    engine = sqlalchemy.create_engine(f"sqlite:///{scene.database}")
    space["metadata"].create_all(engine)
    engine.dispose()
    document = scene.diagnose()
    finding = one(document, "built-from-models")
    assert finding["severity"] in ("info", "warning")
    assert {"kind": "table", "table": None, "name": "toys", "state": "extra"} in finding["objects"]
    assert not {"recorded-not-executed", "manual-change", "untracked"} & causes(document)
    assert executed(document) == {"aa10": "no", "bb20": "no"}


def test_no_built_from_models_where_the_chain_ran(tmp_path: Path) -> None:
    document = modelled(tmp_path, "aa10", "bb20").diagnose()
    assert document["findings"] == []
    assert executed(document) == {"aa10": "yes", "bb20": "yes"}


def test_inconsistent_history() -> None:
    finding = consistent(recorded=("a", "c"))
    assert [(item.severity, item.migrations) for item in finding] == [("error", ("c", "b"))]


def test_no_inconsistent_history_where_the_dependency_is_recorded() -> None:
    assert consistent(recorded=("a", "b", "c")) == []
    assert consistent(recorded=("a",)) == []


def consistent(recorded: tuple[str, ...]) -> list[Any]:
    """Ask the rule itself: no tool of today keeps a row for each migration of a graph."""
    from forensics.model import Chain, ChainEvidence, Content, Evidence, History, Migration
    from forensics.rules import rules
    from forensics.rules.facts import Facts

    text = Content(text="", sha256="", md5="")
    links = {"a": (), "b": ("a",), "c": ("b",)}
    chain = Chain(
        name="main", tool="graph", path="m", root="/m",
        migrations=tuple(
            Migration(id=name, version=name, name=name, file=name, content=text, language="sql", parents=parents)
            for name, parents in links.items()
        ),
    )  # fmt: skip
    evidence = Evidence(environment="x", url=None, dialect="sqlite", state="read")
    facts = Facts(
        evidence=evidence, source=ChainEvidence(chain=chain), recorded=frozenset(recorded),
        history=History(tool="graph", table="t", state="present", keeps="rows"),
    )  # fmt: skip
    return list(rules()["inconsistent-history"].check(facts))


def test_every_rule_has_a_case_that_fires_and_one_that_must_not() -> None:
    from forensics.rules import rules

    texts = [file.read_text() for file in Path(__file__).parent.glob("test_rules*.py")]
    for cause in rules():
        name = cause.replace("-", "_")
        assert any(f"def test_{name}" in text for text in texts), f"{cause} has no case that fires"
        assert any(f"def test_no_{name}" in text or f"and_no_{name}" in text for text in texts), (
            f"{cause} has no near miss"
        )
