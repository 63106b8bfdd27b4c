from __future__ import annotations

import dataclasses
import os
import random
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import forensics.adapters as room
from forensics.adapters import adapters
from forensics.adapters.numbered import ADAPTER as NUMBERED
from forensics.chain.load import load_chain
from forensics.errors import UsageError

REVISION = '''"""{doc}

Create Date: 2026-01-02 03:04:05
"""
revision = {revision!r}
down_revision = {down!r}
branch_labels = {labels!r}
depends_on = {depends!r}


def upgrade():
    pass


def downgrade():
    pass
'''


def write(folder: Path, **files: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def revise(folder: Path, revision, down=None, *, depends=None, labels=None, doc="does it", file=None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = REVISION.format(revision=revision, down=down, depends=depends, labels=labels, doc=doc)
    (folder / (file or f"{revision}_slug.py")).write_text(text)


def causes(chain) -> list[str]:
    return [problem.cause for problem in chain.problems]


def test_the_tools_are_found_by_looking_in_the_folder():
    assert list(adapters()) == ["alembic", "numbered"]


def test_an_entry_point_adds_a_tool_and_a_second_one_of_that_name_is_an_error(monkeypatch):
    def points(value):
        return lambda group: [EntryPoint("x", value, group)]

    monkeypatch.setattr(room, "entry_points", points("forensics.adapters.numbered:ADAPTER"))
    adapters.cache_clear()
    with pytest.raises(UsageError, match="Two adapters are called numbered"):
        adapters()
    monkeypatch.setattr(room, "entry_points", points("forensics.adapters.numbered:load"))
    adapters.cache_clear()
    with pytest.raises(UsageError, match="is not an adapter"):
        adapters()
    adapters.cache_clear()


def test_numbered_files_come_by_number_python_first_copies_after_their_original(tmp_path):
    python = "def upgrade(conn): pass"
    write(tmp_path, **{
        "010_j.sql": "", "9_i.sql": "", "002_b.sql": "-- two\n", "002_a.sql": "", "002_z.py": python,
        "003_c 2.sql": "x", "003_c.sql": "x", "README.md": "", "__init__.py": "", "002_a.down.sql": "",
        "003_c_down.sql": "", "003_c.rollback.sql": "", "notes_004.sql": "", "020_d.sql.bak": "",
    })  # fmt: skip
    (tmp_path / "030_folder.sql").mkdir()
    chain = load_chain(tmp_path)
    assert [item.file for item in chain.migrations] == [
        "002_z.py", "002_a.sql", "002_b.sql", "003_c.sql", "003_c 2.sql", "9_i.sql", "010_j.sql"
    ]  # fmt: skip
    assert [item.version for item in chain.migrations] == ["002", "002", "002", "003", "003", "9", "010"]
    assert chain.bases == ("002_z",)
    assert chain.heads == ("010_j",)
    assert chain.by_id["002_b"].description == "two"
    assert causes(chain) == ["duplicate-version", "duplicate-version"]
    assert "the same bytes" not in chain.problems[0].detail
    assert "the same bytes: 003_c.sql, 003_c 2.sql" in chain.problems[1].detail


def test_ids_stay_unique_where_two_languages_share_a_stem(tmp_path):
    write(tmp_path, **{"001_a.sql": "", "001_a.py": "def upgrade(c): pass"})
    assert [item.id for item in load_chain(tmp_path).migrations] == ["001_a.py", "001_a.sql"]


def test_what_a_manager_cannot_load_is_a_problem_of_that_file_only(tmp_path):
    write(tmp_path, **{
        "001_fine.py": 'DESCRIPTION = "First"\ndef upgrade(c): pass',
        "002_wrong.py": '"""Second"""\ndef migrate(c): pass\ndef rollback(c): pass',
        "003_syntax.py": "def upgrade(c:",
        "004_import.py": "from shared import upgrade",
        "005_branch.py": "try:\n    import a\nexcept ImportError:\n    pass\nif True:\n    def upgrade(c): '\\d'",
        "006_nul.py": b"\0\0",
        "007_latin.sql": b"-- caf\xe9",
        "008_latin.py": "# -*- coding: latin-1 -*-\n# é\ndef upgrade(c): pass".encode("latin-1"),
        "009_deep.py": "x = " + "(" * 5000,
        "010_utf16.sql": "create table t(x)".encode("utf-16"),
        "011_bom.sql": b"\xef\xbb\xbf-- hello\r\ncreate table t(x);\r\n",
    })  # fmt: skip
    (tmp_path / "012_dangling.sql").symlink_to(tmp_path / "nowhere")
    chain = load_chain(tmp_path)
    problems = {item.version: item.problem for item in chain.migrations}
    assert problems["002"] == "missing 'upgrade' function (it defines migrate(), rollback())"
    assert "syntax error in line 1" in problems["003"]
    assert problems["006"].startswith("is a binary file")
    assert problems["007"] == "is not UTF-8 text (byte 6)"
    assert problems["009"]
    assert problems["010"] == "is UTF-16 text, not UTF-8"
    assert problems["012"].startswith("cannot be read: No such file")
    assert [version for version in problems if not problems[version]] == ["001", "004", "005", "008", "011"]
    assert chain.by_version["001"][0].description == "First"
    assert chain.by_version["002"][0].description == "Second"
    assert chain.by_version["002"][0].entry == "migrate"
    assert chain.by_version["011"][0].content.text == "-- hello\ncreate table t(x);\n"
    assert chain.hints.entry == "upgrade"


def test_the_entry_is_what_most_python_files_define(tmp_path):
    write(
        tmp_path, **{"001_a.py": "def up(c): pass", "002_b.py": "def up(c): pass", "003_c.py": "def upgrade(c): pass"}
    )
    chain = load_chain(tmp_path)
    assert chain.hints.entry == "up"
    assert [item.loadable for item in chain.migrations] == [True, True, False]


def test_hostile_names_survive(tmp_path):
    name = '001_it\'s "a" |pipe| <b>\n`x`.sql'
    write(tmp_path, **{name: ""})
    item = load_chain(tmp_path).migrations[0]
    assert item.file == name
    assert item.id == name.removesuffix(".sql")


def test_a_name_that_is_no_text_can_be_written_to_a_report(tmp_path):
    for number, name in enumerate((b"001_\xff.sql", b"002_\xfe.sql")):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(b"-- %d" % number)
    items = load_chain(tmp_path).migrations
    assert [item.file for item in items] == ["001_\\xff.sql", "002_\\xfe.sql"]
    assert items[0].id.encode() == b"001_\\xff"
    assert items[1].description == "1"


def test_nothing_is_imported_or_run(tmp_path):
    bomb = f"open({str(tmp_path / 'ran')!r}, 'w')\nrevision = 'a'\ndown_revision = None\ndef upgrade(): pass\n"
    write(tmp_path / "versions", **{"a.py": bomb})
    write(tmp_path / "numbered", **{"001_a.py": bomb.replace("down_revision", "x").replace("revision", "y")})
    assert load_chain(tmp_path).tool == "alembic"
    assert load_chain(tmp_path / "numbered").tool == "numbered"
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.rglob("__pycache__"))


def test_files_of_a_class_based_tool_are_not_taken_for_a_numbered_managers(tmp_path):
    write(tmp_path, **{"0001_initial.py": "class Migration:\n    dependencies = []\n"})
    assert NUMBERED.fits(tmp_path) == 0
    write(tmp_path, **{"0002_x.py": "def upgrade(c): pass"})
    assert NUMBERED.fits(tmp_path) == 1


@pytest.mark.parametrize("place", ["", "versions", "ini"])
def test_alembic_is_read_from_its_folder_its_versions_or_its_ini(tmp_path, place):
    revise(tmp_path / "versions", "aaa", doc="first")
    revise(tmp_path / "versions", "bbb", "aaa")
    root = tmp_path / place
    if place == "ini":
        root.mkdir()
        (root / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/..\n[loggers]\nkeys=%(x)s")
    chain = load_chain(root)
    assert chain.tool == "alembic"
    assert [item.id for item in chain.migrations] == ["aaa", "bbb"]
    assert chain.migrations[0].file == ("aaa_slug.py" if place == "versions" else "versions/aaa_slug.py")
    assert chain.migrations[0].description == "first"
    assert chain.migrations[0].name == "slug"
    assert causes(chain) == []


def test_alembic_assignments_in_every_form(tmp_path):
    write(tmp_path, **{
        "a.py": "import typing as t\nrevision: str = 'aaa'\ndown_revision: t.Optional[str] = None\ndef upgrade(): pass",
        "b.py": "PREVIOUS = 'aaa'\nrevision, down_revision = 'bbb', PREVIOUS\ndef upgrade(): pass",
        "c.py": "revision = 'ccc'\ndown_revision = ('aaa',)\nbranch_labels = ['side']\ndef upgrade(): pass",
        "d.py": "revision = 'ddd'\ndown_revision = ('bbb', 'ccc')\ndef upgrade(): pass",
        "__init__.py": "", ".#x.py": "broken(",
    })  # fmt: skip
    chain = load_chain(tmp_path)
    assert {item.id: item.parents for item in chain.migrations} == {
        "aaa": (), "bbb": ("aaa",), "ccc": ("aaa",), "ddd": ("bbb", "ccc"),
    }  # fmt: skip
    assert chain.by_id["ccc"].labels == ("side",)
    assert causes(chain) == []


def test_alembic_graphs_that_are_not_one_line(tmp_path):
    revise(tmp_path, "aaaa")
    revise(tmp_path, "bbbb", "aaaa")
    revise(tmp_path, "cccc", "aaaa")
    revise(tmp_path, "dddd", "gone")
    revise(tmp_path, "eeee", None, depends="bb")
    revise(tmp_path, "ffff", "gggg")
    revise(tmp_path, "gggg", "ffff")
    chain = load_chain(tmp_path)
    found = {problem.cause: problem.migrations for problem in chain.problems}
    assert found["multiple-heads"] == ("bbbb", "cccc", "dddd", "eeee")
    assert found["multiple-bases"] == ("aaaa", "eeee")
    assert causes(chain).count("broken-link") == 2
    assert found["cycle"] == ("ffff", "gggg")
    assert {item.id for item in chain.migrations[-2:]} == {"ffff", "gggg"}


def test_alembic_dependencies_by_label_and_by_beginning(tmp_path):
    revise(tmp_path, "aaaa1111", labels=("first",))
    revise(tmp_path, "bbbb", None, depends=["first"])
    revise(tmp_path, "cccc", "bbbb", depends="aaaa1")
    chain = load_chain(tmp_path)
    assert chain.by_id["bbbb"].depends_on == chain.by_id["cccc"].depends_on == ("aaaa1111",)
    assert "broken-link" not in causes(chain)


def test_a_revision_in_two_files_and_files_that_cannot_be_loaded(tmp_path):
    revise(tmp_path, "aaa", file="a.py")
    revise(tmp_path, "aaa", file="a 2.py")
    revise(tmp_path, "bbb", "aaa")
    write(tmp_path, **{"helper.py": "x = 1", "broken.py": "revision = 'ccc'\ndown_revision = 'bbb'\ndef upgrade(:"})
    chain = load_chain(tmp_path)
    assert sorted(item.id for item in chain.migrations) == ["aaa", "aaa@a.py", "bbb", "ccc"]
    assert chain.by_id["ccc"].parents == ("bbb",)
    assert not chain.by_id["ccc"].loadable
    details = [problem.detail for problem in chain.problems if problem.cause == "unloadable-migration"]
    assert len(details) == 2
    assert any("helper.py declares no revision" in detail for detail in details)
    duplicate = next(problem for problem in chain.problems if problem.cause == "duplicate-version")
    assert duplicate.migrations == ("aaa", "aaa@a.py")
    assert "with the same bytes" in duplicate.detail


@pytest.mark.parametrize("seed", range(60))
def test_the_order_is_alembics_own(tmp_path, seed):
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    chance = random.Random(seed)
    names = [f"{chance.randrange(16**8):08x}" for _ in range(chance.randrange(2, 14))]
    for place, name in enumerate(names):
        earlier = names[:place]
        downs = tuple(chance.sample(earlier, min(len(earlier), chance.choice([0, 1, 1, 1, 1, 2]))))
        others = [item for item in earlier if item not in downs]
        depends = chance.choice(others) if others and chance.random() < 0.25 else None
        revise(tmp_path / "versions", name, downs or None, depends=depends)
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    steps = [step.revision.revision for step in script._upgrade_revs("heads", None)]
    chain = load_chain(tmp_path)
    assert [item.id for item in chain.migrations] == steps
    assert set(chain.heads) == set(script.get_heads())
    assert set(chain.bases) == set(script.get_bases())


def test_a_long_chain_is_read_quickly(tmp_path):
    names = [f"{place:05d}" for place in range(400)]
    for name, down in zip(names, [None, *names[:-1]], strict=True):
        revise(tmp_path, name, down)
    assert [item.id for item in load_chain(tmp_path, tool="alembic").migrations] == names


def test_an_adapter_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        NUMBERED.name = "x"
