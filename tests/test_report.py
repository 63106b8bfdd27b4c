from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import documents
import nbformat
import pytest
import small_case
from documents import HOSTILE

import forensics as fx
from forensics.case.file import folder_name
from forensics.diagnosis import Diagnosis, Fleet
from forensics.errors import ReportError, UsageError
from forensics.model import Exhibit
from forensics.report import convert, notebooks, report, sections
from forensics.report.html import render
from forensics.report.make import Job, make
from forensics.report.trim import blocks, within

ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "ul", "ol", "li", "strong", "em", "code",
    "pre", "a", "div", "table", "thead", "tbody", "tr", "th", "td", "figure", "img", "br",
}  # fmt: skip
SECTIONS = (
    sections.summary, sections.findings, sections.next_failure, sections.what_to_do, sections.prevention,
    sections.migrations, sections.story, sections.what_was_read, sections.exhibits, sections.assumptions,
)  # fmt: skip


class Page(HTMLParser):
    """Collects tags, links and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def whole(document: documents.Document) -> str:
    """Return every section of a document, one below the other."""
    exhibit = Exhibit(ref="E001", name=HOSTILE, kind="database", sha256="a" * 64, size=5, how=HOSTILE)
    diagnosis = Diagnosis(document, documents.events(), [exhibit])
    parts = [write(diagnosis) for write in SECTIONS] + [sections.chronicle(diagnosis.events)]
    return "\n\n".join(part for part in parts if part)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small case's reports."""
    root = tmp_path_factory.mktemp("shop")
    case = fx.open_case(small_case.build(root))
    report(case, output=root / "reports")
    return root / "reports" / case.name


def test_the_first_screen_answers_what_why_where_and_what_to_do() -> None:
    text = sections.summary(Diagnosis(documents.prod()))
    first = text.splitlines()
    assert first[0] == "# prod: needs fixing"
    assert first[2] == (
        "**Tracker and schema disagree on 13 of 24 migrations: 004 to 007 and 009 to 016 recorded, but never ran; "
        "003 ran in part.**"
    )
    for question in ("What is broken", "Why", "Where", "What to do", "How sure"):
        assert f"**{question}.**" in text
    assert text.index("F1") < text.index("**Why.**") < text.index("001 had created milestones already")
    assert "data/prod/architect.db" in text


def test_a_sound_environment_gets_no_alarm() -> None:
    text = sections.summary(Diagnosis(documents.qa()))
    assert text.startswith("# qa: ok\n\n**Nothing is wrong in qa.")
    assert "broken" not in text
    assert sections.findings(Diagnosis(documents.qa())) is None


@pytest.mark.parametrize("document", [documents.empty, documents.unreadable])
def test_an_empty_or_unreadable_environment_is_short_and_calm(document: object) -> None:
    text = whole(document())
    assert "What is broken" not in text
    assert "What to do" in text
    assert sections.matrix(Diagnosis(document())) is None
    assert sections.story(Diagnosis(document())) is None


def test_the_faults_of_the_chain_are_not_laid_at_the_door_of_an_empty_database() -> None:
    document = documents.empty()
    document["findings"].append(documents.finding(2, "cycle", "error", "A circle.", scope="chain", remedy="Cut it."))
    text = sections.findings(Diagnosis(document))
    assert "What is known of the chain itself" in text
    assert "### " in text
    assert text.count("### ") == 1
    assert "Cut it" not in sections.what_to_do(Diagnosis(document))


def test_each_conclusion_says_how_it_is_known() -> None:
    text = sections.findings(Diagnosis(documents.prod()))
    assert text.count("*derived*, confidence") == 3
    assert text.count("*observed*, confidence") == 1
    assert "*possible*" in sections.findings(Diagnosis(documents.hostile()))
    assert text.count("It would be overturned by: ") == 4
    assert "| against | schema | 008 changes no object" in text


def test_a_story_shows_its_outside_changes_with_their_statements() -> None:
    text = sections.story(Diagnosis(documents.prod()))
    assert "gives the live schema exactly" in text
    assert "differs from it in 94 objects" in text
    assert "statements 1 to 5 of 11" in text
    assert documents.OUTSIDE_009 in text


def test_many_statements_are_shown_whole_or_counted() -> None:
    document = documents.prod()
    document["explanation"]["outside"][0]["ddl"] = [f"CREATE TABLE t{n} (\n  id INTEGER\n);" for n in range(200)]
    text = sections.story(Diagnosis(document))
    assert "CREATE TABLE t1 (\n  id INTEGER\n);\nCREATE TABLE t2" in text
    assert re.search(r"\);\n-- and 1\d\d more statements: see findings.json\n```", text)


def test_a_story_that_does_not_rebuild_says_so_and_names_what_is_left() -> None:
    text = sections.story(Diagnosis(documents.hostile()))
    assert "do not rebuild it completely" in text
    assert "nothing in the evidence decides" in text


def test_remedies_are_told_once_each_with_their_findings() -> None:
    text = sections.what_to_do(Diagnosis(documents.prod()))
    assert text.count("Run the missing statements") == 1
    assert "([F4](#f4), [F3](#f3))" in text


def test_what_a_rule_puts_in_backticks_is_code() -> None:
    assert "gate deployments on `forensics check`" in sections.prevention(Diagnosis(documents.prod()))


@pytest.mark.parametrize("document", [documents.prod, documents.dev, documents.hostile, documents.empty])
def test_every_table_has_at_most_six_columns_and_every_row_its_cells(document: object) -> None:
    for block in blocks(whole(document())):
        if block.startswith("|"):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(counts) == 1
            assert counts.pop() <= 7


def test_hostile_names_act_nowhere() -> None:
    text = whole(documents.hostile())
    page = Page(render(text))
    assert page.tags <= ALLOWED
    assert all(link.startswith("#") or link in ("findings.json", "timeline.csv", "timeline.jsonl") for link in page.links)
    assert 'a|b`c <script>alert("x")</script>⏎# *not* a [heading](http://evil.example) ${HOME}' in page.text
    outside = "\n".join(block for block in blocks(text) if not block.startswith("```"))
    assert "<script" not in outside
    assert not re.search(r"^# \*not", outside, re.MULTILINE)


@pytest.mark.parametrize("text", [
    "<script>x</script>", "<img src=x onerror=y>", "[x](javascript:alert)", "[x](http://evil.example)", "![x](http://evil.example/a.png)",
    "<a href='http://evil.example'>x</a>", "<http://evil.example>", "[x](//evil.example)", "[x](\\\\evil)", '<a id="x" onclick="y">',
    "<code onclick=x>", "<!-- x -->", "<iframe>\n\nx",
])  # fmt: skip
def test_foreign_html_and_links_show_as_text(text: str) -> None:
    page = Page(render(text))
    assert page.tags <= {"p", "code", "a"} - ({"a"} if "id=" not in text else set())
    assert page.links == []


def test_our_own_html_and_links_pass() -> None:
    assert '<a id="f1"></a>' in render('### <a id="f1"></a>F1')
    assert 'href="dev/report.html"' in render("[dev](dev/report.md)")
    assert 'href="#f1"' in render("[F1](#f1)")
    assert "<code>a|b &gt;</code>" in render("<code>a&#124;b &#62;</code>").replace("&#124;", "|")
    assert "a &gt; b" in render("a &#62; b")


def test_a_long_diagnosis_stays_within_the_room() -> None:
    document = documents.prod()
    document["findings"] = [
        documents.finding(number, "manual-change", "error", "word " * 150, objects=documents.missing("t", *map(str, range(200))))
        for number in range(1, 300)
    ]
    document["migrations"] *= 20
    text = within(whole(document), convert.ROOM)
    assert len(text) <= 60_000
    assert "left out here" in text
    assert "findings.json" in text


def test_what_is_longest_gives_way_and_fences_stay_whole() -> None:
    table = "\n".join(["| a |", "| --- |", *(f"| {n} |" for n in range(500))])
    text = f"# Title\n\n```sql\nCREATE\n\nTABLE\n```\n\n{table}\n\nThe end."
    short = within(text, 900)
    assert len(short) <= 900
    assert short.startswith("# Title\n\n```sql\nCREATE\n\nTABLE\n```\n\n| a |\n| --- |\n| 0 |")
    assert "lines are left out here" in short
    assert short.endswith("The end.")
    assert within(text, 100_000) == text


def test_the_overview_tells_over_all_environments_what_is_broken() -> None:
    text = sections.overview(Fleet(documents.fleet()))
    assert text.startswith("# Architect dashboard: recurring migration failures\n\n**12 environments: 5 need fixing")
    assert "INC-2026-02-10" in text
    assert "004 to 016 are recorded as applied in 2 environments" in text
    assert "- needs fixing: main, dev, prod, test" in text
    rows = sections.environments(Fleet(documents.fleet()), links=True).splitlines()
    assert len(rows) == 14
    assert "[dev](dev/report.md) | needs fixing" in "\n".join(rows)


def test_a_fleet_without_groups_or_environments_can_be_told() -> None:
    fleet = Fleet({"case": {"title": HOSTILE}, "environments": [], "groups": []})
    assert sections.groups(fleet) is None
    assert sections.next_steps(fleet) is None
    assert "<script" not in sections.overview(fleet)


def test_every_environment_has_its_files(made: Path) -> None:
    usual = {"SHA256SUMS", "findings.json", "report.html", "report.md", "timeline.csv", "timeline.jsonl"}
    for name in ("good", "liar", "empty", "text", small_case.HOSTILE):
        folder = made / folder_name(name)
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        figures = {"figures/matrix.png", "figures/timeline.png"}
        assert found == usual | (figures if name not in ("empty", "text") else set())
    assert sorted(path.name for path in made.iterdir() if path.is_file()) == ["index.html", "index.md"]
    assert not list(made.glob(".making*"))


def test_sums_hold(made: Path) -> None:
    for line in (made / "liar" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((made / "liar" / name).read_bytes()).hexdigest() == digest


def test_the_report_names_what_is_wrong(made: Path) -> None:
    text = (made / "liar" / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# liar: needs fixing\n")
    assert "002" in text.splitlines()[2]
    assert "![liar: what the tracker says" in text
    assert "(figures/matrix.png)" in text
    assert json.loads((made / "liar" / "findings.json").read_text())["environment"]["name"] == "liar"
    assert (made / "good" / "report.md").read_text(encoding="utf-8").startswith("# good: ok\n")
    rows = list(csv.DictReader(io.StringIO((made / "liar" / "timeline.csv").read_text(encoding="utf-8"))))
    assert len(rows) >= 2
    assert len((made / "liar" / "timeline.jsonl").read_text(encoding="utf-8").splitlines()) == len(rows)


def test_pages_hold_everything_and_lead_nowhere_else(made: Path) -> None:
    pages = sorted(made.rglob("*.html"))
    assert len(pages) == 6
    for path in pages:
        page = Page(path.read_text(encoding="utf-8"))
        assert page.tags <= ALLOWED
        for link in page.links:
            assert link.startswith(("#", "data:image/png;base64,")) or (path.parent / link).is_file(), link


def test_links_of_the_index_lead_to_reports(made: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+\.(?:md|png))\)", (made / "index.md").read_text(encoding="utf-8"))
    assert len(targets) == 6
    assert all((made / target).is_file() for target in targets)


def test_nothing_tells_where_or_when_the_report_was_made(made: Path) -> None:
    for path in made.rglob("*"):
        if path.suffix in (".md", ".html", ".json", ".csv", ".jsonl"):
            text = path.read_text(encoding="utf-8")
            assert str(made.parents[1]) not in text
            assert "papermill" not in text


def test_the_same_evidence_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    case = fx.open_case(made.parents[1])
    report(case, output=tmp_path / "again", jobs=1)
    again = tmp_path / "again" / case.name
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
    assert [str(name) for name in files if (made / name).read_bytes() != (again / name).read_bytes()] == []
    assert len(files) == sum(path.is_file() for path in again.rglob("*"))


def test_executed_notebooks_are_kept_beside_the_case(made: Path) -> None:
    runs = made.parents[1] / ".forensics" / "runs"
    assert (runs / "fleet.ipynb").is_file()
    assert (runs / "liar" / "root_cause.ipynb").is_file()
    assert (runs / "liar" / "timeline.ipynb").is_file()


def test_figures_of_a_case_and_of_an_environment(made: Path) -> None:
    case = fx.open_case(made.parents[1])
    assert fx.plot.matrix(case).png == (made / "figures" / "matrix.png").read_bytes()
    assert fx.plot.matrix(case["liar"]).png == (made / "liar" / "figures" / "matrix.png").read_bytes()
    assert fx.plot.timeline(case["liar"].timeline()).png == (made / "liar" / "figures" / "timeline.png").read_bytes()


def test_one_environment_leaves_the_index_and_the_others_alone(tmp_path: Path) -> None:
    case = fx.open_case(small_case.build(tmp_path, "liar", "good"))
    seen: list[str] = []
    assert report(case, ["liar"], output=tmp_path, progress=seen.append) == [tmp_path / case.name / "liar"]
    assert seen == ["liar"]
    assert [path.name for path in (tmp_path / case.name).iterdir()] == ["liar"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    case = fx.open_case(small_case.build(tmp_path, "good"))
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(ReportError, match="taken"):
        report(case, output=tmp_path / "taken")


def test_an_unknown_environment_is_named(tmp_path: Path) -> None:
    case = fx.open_case(small_case.build(tmp_path, "good"))
    with pytest.raises(UsageError, match="nowhere"):
        report(case, ["nowhere"], output=tmp_path)


def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> Job:
    """Return a job whose notebook has this one cell."""
    cells = [nbformat.v4.new_code_cell("case: str = ''", id="parameters"), nbformat.v4.new_code_cell(source, id="offender")]
    cells[0].metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "bad.ipynb")
    monkeypatch.setattr(notebooks, "path", lambda name: tmp_path / f"{name}.ipynb")
    return Job(name="x", title="x", notebooks=("bad",), parameters={"case": "c"}, runs=str(tmp_path / "runs"), target=str(tmp_path))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import sys; print('careful', file=sys.stderr)", "wrote to stderr: careful"),
        ("import warnings; warnings.warn('old')", "old"),
        ("1 / 0", "failed with ZeroDivisionError: division by zero"),
        ("from forensics.errors import CaseError; raise CaseError('no case', remedy='make one')", "no case; make one"),
    ],
)
def test_a_cell_that_fails_or_complains_fails_the_report(
    source: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensics.report.shell import ENGINE

    job = broken(tmp_path, monkeypatch, source)
    with pytest.raises(ReportError) as caught:
        make(job, engine=ENGINE)
    assert "notebook bad.ipynb, cell 3" in str(caught.value)
    assert words in str(caught.value)
    assert not (tmp_path / "report.md").exists()


@pytest.mark.slow
def test_without_a_warm_process_kernels_make_the_same_report(made: Path, tmp_path: Path) -> None:
    case = fx.open_case(made.parents[1])
    job = Job(
        name="liar", title=f"liar: {case.title}", notebooks=("root_cause", "timeline"), runs=str(tmp_path / "runs"),
        parameters={"case": str(case.file.path), "environment": "liar", "evidence": str(case.workspace.evidence)},
        target=str(tmp_path),
    )  # fmt: skip
    make(job)
    for name in ("report.md", "report.html", "figures/matrix.png", "figures/timeline.png"):
        assert (tmp_path / name).read_bytes() == (made / "liar" / name).read_bytes(), name
