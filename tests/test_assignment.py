from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime

import pytest
from chains import write

from forensics.chain.content import content
from forensics.chain.load import load_chain
from forensics.history.assignment import assign, recorded
from forensics.model import Applied, FileVersion, History

FILES = {
    "001_start.sql": "-- Start of it all\ncreate table a(x);\n",
    "002_more.py": 'DESCRIPTION = "More of it"\ndef upgrade(c): pass\n',
    "005_now.sql": "-- What has number five today\ncreate table b(x);\n",
    "007_moved.sql": "-- Something that moved\ncreate table c(x);\n",
    "007_twin.sql": "-- A twin\ncreate table d(x);\n",
}


@pytest.fixture
def chain(tmp_path):
    write(tmp_path / "old", {"001_ancient.sql": "-- Ancient\ncreate table z(x);\n"})
    return load_chain(write(tmp_path / "m", FILES), archived=[tmp_path / "old"])


def row(version="001", **more) -> Applied:
    return Applied(version=version, order=1, **more)


def match(chain, applied, versions=()):
    history = History(tool="numbered", table="t", state="present", rows=(applied,))
    return assign(chain, history, versions)[applied.version]


def version(path, text, *, action="A", old_path="", day=1, commit="c" * 40) -> FileVersion:
    return FileVersion(
        path=path, commit=commit, at=datetime(2026, 1, day, tzinfo=UTC), author="a", subject="s", action=action,
        content=None if action == "D" else content(text.encode(), origin=f"git:{commit[:12]}")[0], old_path=old_path,
    )  # fmt: skip


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


TEXT = FILES["001_start.sql"].encode()


@pytest.mark.parametrize("checksum", [
    hashlib.md5(TEXT).hexdigest(),
    hashlib.md5(TEXT).hexdigest().upper(),
    "md5:" + hashlib.md5(TEXT).hexdigest(),
    hashlib.sha1(TEXT).hexdigest(),
    hashlib.sha256(TEXT).hexdigest(),
    "sha256:" + hashlib.sha256(TEXT).hexdigest(),
    hashlib.sha256(TEXT).hexdigest()[:16],
    hashlib.sha512(TEXT).hexdigest(),
    f"{zlib.crc32(TEXT):08x}",
    str(zlib.crc32(TEXT)),
    hashlib.md5(TEXT.replace(b"\n", b"\r\n")).hexdigest(),
    hashlib.md5(TEXT.strip()).hexdigest(),
])  # fmt: skip
def test_a_checksum_of_any_usual_kind_names_the_text(chain, checksum):
    found = match(chain, row(checksum=checksum))
    assert (found.migration_id, found.by, found.note, found.mismatch) == ("001_start", "checksum", "", False)
    assert found.content == chain.by_id["001_start"].content


@pytest.mark.parametrize(
    "checksum", ["", "manual_fix", "manual", "n/a", "0" * 32, "skipped", "x" * 32, "-", "cafe", " "]
)
def test_a_placeholder_is_no_checksum(chain, checksum):
    found = match(chain, row(checksum=checksum))
    assert (found.migration_id, found.by, found.mismatch) == ("001_start", "version", False)
    assert found.content.origin == "worktree"


def test_a_checksum_that_no_text_has_is_a_mismatch(chain):
    found = match(chain, row(checksum=md5("something else"), description="Start of it all"))
    assert (found.migration_id, found.by, found.mismatch, found.content) == ("001_start", "description", True, None)


def test_an_older_text_of_the_file_is_found_in_git(chain):
    older = "-- Start\ncreate table a(x, y);\n"
    found = match(chain, row(checksum=md5(older)), [version("001_start.sql", older)])
    assert (found.migration_id, found.by) == ("001_start", "checksum")
    assert found.content.text == older
    assert found.content.origin == "git:cccccccccccc"
    assert found.note == "001_start.sql as in git:cccccccccccc"


def test_a_file_that_was_renumbered_after_it_ran(chain):
    text = FILES["007_moved.sql"]
    bare = match(chain, row("005", checksum=md5(text)))
    assert (bare.migration_id, bare.content.origin) == ("007_moved", "worktree")
    assert bare.note == "stands as 007_moved.sql now"
    told = match(chain, row("005", checksum=md5(text)), [version("005_moved.sql", text)])
    assert (told.migration_id, told.content.origin) == ("007_moved", "worktree")
    assert told.note == "ran as 005_moved.sql, stands as 007_moved.sql now"


def test_a_file_that_was_renumbered_and_edited_is_followed_through_its_renames(chain):
    older = "-- Something that moves\ncreate table c(w);\n"
    versions = [
        version("005_moved.sql", older),
        version("006_moved.sql", FILES["007_moved.sql"] + "-- x", action="R", old_path="005_moved.sql", day=2),
        version("007_moved.sql", FILES["007_moved.sql"], action="R", old_path="006_moved.sql", day=3),
    ]
    found = match(chain, row("005", checksum=md5(older)), versions)
    assert (found.migration_id, found.content.text) == ("007_moved", older)
    by_words = match(chain, row("005", description="Something that moved"), versions)
    assert (by_words.migration_id, by_words.by) == ("007_moved", "description")


def test_a_file_that_is_gone_belongs_to_no_migration_even_if_its_number_was_given_again(chain):
    gone = "-- Gone\ncreate table g(x);\n"
    versions = [version("003_gone.sql", gone), version("003_gone.sql", "", action="D", day=2)]
    found = match(chain, row("003", checksum=md5(gone)), versions)
    assert (found.migration_id, found.content.text) == (None, gone)
    assert "the chain has no such file now" in found.note
    nothing = match(chain, row("003"), versions)
    assert (nothing.migration_id, nothing.by) == (None, "version")
    again = match(chain, row("005", checksum=md5(gone)), [version("005_gone.sql", gone)])
    assert (again.migration_id, again.note) == (None, "005_gone.sql in git:cccccccccccc; 005_now has its version now")


def test_an_archived_text_is_known_but_no_migration_of_this_chain(chain):
    found = match(chain, row("001", checksum=md5("-- Ancient\ncreate table z(x);\n")))
    assert (found.migration_id, found.content.origin) == (None, "archived")
    assert "001_ancient.sql in an archived chain" in found.note


def test_a_version_that_nobody_knows_is_an_orphan(chain):
    found = match(chain, row("099"))
    assert (found.migration_id, found.content, found.by) == (None, None, "nothing")


def test_descriptions_tell_files_of_one_version_apart(chain):
    assert match(chain, row("007")).migration_id == "007_moved"
    assert match(chain, row("007")).note == "2 files share this version"
    assert match(chain, row("007", description="a twin")).migration_id == "007_twin"
    assert match(chain, row("007", description="twin - skipped (already applied)")).migration_id == "007_twin"
    assert match(chain, row("007", description="between - skipped")).by == "version"
    assert match(chain, row("002", description="More of it")).by == "description"


def test_the_better_witness_counts_where_a_version_is_recorded_twice(chain):
    rows = (row("001"), row("001", checksum=md5(FILES["001_start.sql"])), row("001", description="x"))
    history = History(tool="numbered", table="t", state="present", rows=rows)
    assert assign(chain, history)["001"].row is rows[1]
    assert recorded(chain, history) == ("001_start",)


def test_a_shared_version_stands_for_all_its_files(chain):
    history = History(tool="numbered", table="t", state="present", rows=(row("007"),))
    assert recorded(chain, history) == ("007_moved", "007_twin")
