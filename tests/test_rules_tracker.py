"""What the tracker, its rows and the files behind them say: for each rule a case that fires, and near misses."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import ALL, SHOP, TRACKER, Scene, causes, executed, found, md5, one, said, shop

OLD = "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT);\n"


@pytest.mark.parametrize(
    ("applied", "severity"),
    [(OLD, "error"), ("-- first thoughts\n" + SHOP["004_tags.sql"], "warning")],
    ids=["another table", "a comment"],
)
def test_modified_after_apply(tmp_path: Path, applied: str, severity: str) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.edit("004_tags.sql", applied)
    first = scene.commit("Tags", "2026-02-01T10:00:00Z")
    scene.run("004_tags.sql")
    scene.record("004", checksum=md5(applied))
    scene.edit("004_tags.sql", SHOP["004_tags.sql"])
    scene.commit("Tags, again", "2026-02-12T10:00:00Z")
    document = scene.diagnose()
    finding = one(document, "modified-after-apply")
    assert (finding["severity"], finding["migrations"]) == (severity, ["004"])
    assert bool(finding["objects"]) is (severity == "error")
    assert causes(document) == {"modified-after-apply"}
    assert document["migrations"][3]["content"]["origin"] == f"git:{first[:12]}"
    assert document["explanation"]["reconstructed"]


def test_modified_after_apply_where_no_text_is_known(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.run("004_tags.sql")
    scene.record("004", checksum=md5("another text"))
    document = scene.diagnose()
    assert one(document, "modified-after-apply")["severity"] == "warning"
    assert executed(document)["004_tags"] == "yes"


@pytest.mark.parametrize("checksum", ["manual", "", "n/a", "00000000", md5(SHOP["004_tags.sql"])])
def test_no_modified_after_apply_for_placeholders(tmp_path: Path, checksum: str) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.run("004_tags.sql")
    scene.record("004", checksum=checksum)
    assert not found(scene.diagnose(), "modified-after-apply")


@pytest.mark.parametrize("known", [True, False])
def test_missing_file(tmp_path: Path, known: bool) -> None:
    scene = shop(tmp_path, *ALL)
    if known:
        scene.commit("All", "2026-02-01T10:00:00Z")
    scene.file("004_tags.sql").unlink()
    if known:
        scene.commit("Tidy up", "2026-02-12T10:00:00Z")
    document = scene.diagnose()
    finding = one(document, "missing-file")
    assert (finding["severity"], finding["migrations"]) == ("error", ["004_tags" if known else "004"])
    assert ("Tidy up" in said(finding)) is known
    if known:  # its text is known, so that it is replayed and its table is no stranger's
        assert causes(document) == {"missing-file"}
        assert executed(document)["004_tags"] == "yes"


def test_no_missing_file_for_a_row_that_marks_a_failure(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.track(TRACKER.replace("checksum TEXT", "checksum TEXT, success INTEGER DEFAULT 1"))
    scene.run(*SHOP)
    scene.record(*ALL)
    scene.sql("INSERT INTO schema_versions (version, success) VALUES ('005', 0)")
    document = scene.diagnose()
    assert not found(document, "missing-file")
    assert found(document, "failed-migration")


def test_failed_migration(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.track(TRACKER.replace("checksum TEXT", "checksum TEXT, success INTEGER DEFAULT 1"))
    scene.run(*list(SHOP)[:3])
    scene.record(*ALL)
    scene.sql("UPDATE schema_versions SET success = 0 WHERE version = '004'")
    document = scene.diagnose()
    finding = one(document, "failed-migration")
    assert (finding["severity"], finding["migrations"]) == ("critical", ["004"])
    assert not document["migrations"][3]["recorded"]


def test_no_failed_migration_where_every_row_succeeded(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.track(TRACKER.replace("checksum TEXT", "checksum TEXT, success INTEGER DEFAULT 1"))
    scene.run(*SHOP)
    scene.record(*ALL)
    assert scene.diagnose()["findings"] == []


def test_out_of_order(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002")
    for number in ("004", "003"):
        scene.run(next(name for name in SHOP if name.startswith(number)))
        scene.record(number)
    document = scene.diagnose()
    finding = one(document, "out-of-order")
    assert (finding["severity"], finding["migrations"]) == ("warning", ["003"])
    assert document["environment"]["state"] == "ok"


def test_no_out_of_order_where_rows_are_of_one_instant(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.run(*SHOP)
    scene.record(*ALL, apart=0)
    assert scene.diagnose()["findings"] == []


def test_bulk_stamped(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001")
    scene.record("002", "003", "004", apart=0)
    document = scene.diagnose()
    finding = one(document, "bulk-stamped")
    assert (finding["severity"], finding["migrations"]) == ("warning", ["002", "003", "004"])
    assert one(document, "recorded-not-executed")["contributing"] == [finding["id"]]


def test_bulk_stamped_is_only_information_where_all_of_them_ran(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002")
    scene.run("003_notes.sql", "004_tags.sql")
    scene.record("003", "004", description="skipped (already applied)")
    document = scene.diagnose()
    assert one(document, "bulk-stamped")["severity"] == "info"
    assert document["environment"]["state"] == "ok"


def test_no_bulk_stamped_on_a_fast_honest_run(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.run(*SHOP)
    scene.record(*ALL, apart=0)
    assert not found(scene.diagnose(), "bulk-stamped")


def test_duplicate_record(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.record("003")
    finding = one(scene.diagnose(), "duplicate-record")
    assert (finding["severity"], finding["migrations"]) == ("warning", ["003"])
    assert len(finding["evidence"]) == 2


def test_no_duplicate_record_of_versions_that_begin_alike(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"1_a.sql": "CREATE TABLE a (x);\n", "10_b.sql": "CREATE TABLE b (x);\n"})
    scene.run("1_a.sql", "10_b.sql")
    scene.record("1", "10")
    assert scene.diagnose()["findings"] == []


@pytest.mark.parametrize("kind", ["zero bytes", "a header", "an empty tracker"])
def test_uninitialised(tmp_path: Path, kind: str) -> None:
    scene = Scene(tmp_path, SHOP)
    if kind == "zero bytes":
        scene.database.touch()
    elif kind == "a header":
        scene.sql("PRAGMA user_version = 7")
    else:
        scene.track()
    document = scene.diagnose()
    assert one(document, "uninitialised")["severity"] == "info"
    assert causes(document) == set()
    assert document["environment"]["state"] == "not-initialised"


def test_no_uninitialised_where_there_are_rows_only(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.record(*ALL)
    document = scene.diagnose()
    assert one(document, "recorded-not-executed")["migrations"] == list(ALL)
    assert not found(document, "uninitialised")


def test_untracked(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.run("001_customers.sql", "002_orders.sql")
    document = scene.diagnose()
    finding = one(document, "untracked")
    assert (finding["severity"], finding["migrations"]) == ("error", ["001", "002"])
    assert document["tracker"]["state"] == "absent"
    assert causes(document) == {"untracked"}


def test_no_untracked_where_another_table_holds_the_versions(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP, tracker={"table": "ledger", "version": "step"})
    scene.run(*SHOP)
    scene.sql("CREATE TABLE ledger (step TEXT PRIMARY KEY)")
    scene.sql("INSERT INTO ledger VALUES ('001'), ('002'), ('003'), ('004')")
    document = scene.diagnose()
    assert (document["findings"], document["tracker"]["table"]) == ([], "ledger")


def test_unreadable(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.database.write_bytes(b"this is no database " * 100)
    document = scene.diagnose()
    finding = one(document, "unreadable")
    assert (finding["severity"], document["environment"]["state"]) == ("error", "unreadable")
    assert {key: document[key] for key in ("chain", "migrations", "explanation", "next_failure", "failures")} == {
        "chain": {}, "migrations": [], "explanation": {}, "next_failure": {}, "failures": [],
    }  # fmt: skip


def test_no_unreadable_where_strange_bytes_stand_in_rows(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("UPDATE schema_versions SET description = CAST(x'ff00fe' AS TEXT) WHERE version = ?", "002")
    assert scene.diagnose()["findings"] == []
