"""What a tracker and a schema say of each other: for each rule a case that fires, and near misses that must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import TRACKER, Scene, causes, executed, found, md5, one, said

SHOP = {
    "001_customers.sql": "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n",
    "002_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id));\n"
    "CREATE INDEX orders_by_customer ON orders (customer_id);\n",
    "003_notes.sql": "ALTER TABLE orders ADD COLUMN notes TEXT;\n",
    "004_tags.sql": "CREATE TABLE tags (id INTEGER PRIMARY KEY, label TEXT UNIQUE);\n",
}
ALL = ("001", "002", "003", "004")


def shop(root: Path, *ran: str, recorded: tuple[str, ...] = (), **options: object) -> Scene:
    """Return a shop where these numbers were run, and recorded (default: the same)."""
    scene = Scene(root, SHOP, **options)  # type: ignore[arg-type]
    scene.track()
    scene.run(*(name for name in SHOP if name[:3] in ran))
    scene.record(*(recorded or ran))
    return scene


def test_nothing_is_wrong(tmp_path: Path) -> None:
    document = shop(tmp_path, *ALL).diagnose()
    assert document["environment"]["state"] == "ok"
    assert document["findings"] == []
    assert document["explanation"]["reconstructed"]
    assert set(executed(document).values()) == {"yes"}


def test_recorded_not_executed(tmp_path: Path) -> None:
    document = shop(tmp_path, "001", "002", "004", recorded=ALL).diagnose()
    finding = one(document, "recorded-not-executed")
    assert (finding["severity"], finding["migrations"]) == ("critical", ["003"])
    assert finding["objects"] == [{"kind": "column", "table": "orders", "name": "notes", "state": "missing"}]
    assert causes(document) == {"recorded-not-executed"}
    assert document["environment"]["state"] == "needs-fixing"


def test_no_recorded_not_executed_of_data_that_leaves_no_trace(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("005_seed.sql", "INSERT INTO tags (label) VALUES ('new');\n")
    scene.record("005")
    document = scene.diagnose()
    assert (executed(document)["005_seed"], causes(document)) == ("unknown", set())


def test_executed_not_recorded(tmp_path: Path) -> None:
    document = shop(tmp_path, "001", "002", "003", recorded=("001", "002")).diagnose()
    finding = one(document, "executed-not-recorded")
    assert (finding["severity"], finding["migrations"]) == ("error", ["003"])
    assert one(document, "pending-will-fail")["contributing"] == [finding["id"]]
    assert document["next_failure"]["error"] == "duplicate column name: notes"


def test_no_executed_not_recorded_where_it_is_only_pending(tmp_path: Path) -> None:
    document = shop(tmp_path, "001", "002").diagnose()
    assert causes(document, "info") == {"pending"}
    assert one(document, "pending")["migrations"] == ["003", "004"]
    assert document["environment"]["state"] == "pending"


def test_pending(tmp_path: Path) -> None:
    document = shop(tmp_path, "001", "002", "003").diagnose()
    assert one(document, "pending")["severity"] == "info"
    assert document["next_failure"] is None


def test_no_pending_where_all_ran(tmp_path: Path) -> None:
    assert not found(shop(tmp_path, *ALL).diagnose(), "pending")


PARTS = (
    "CREATE TABLE parcels (id INTEGER PRIMARY KEY, order_id INTEGER, state TEXT);\n"
    "CREATE INDEX parcels_by_order ON parcels (order_id);\n"
    "CREATE INDEX parcels_by_state ON parcels (state);\n"
    "CREATE TABLE couriers (id INTEGER PRIMARY KEY, name TEXT);\n"
)


def test_partially_executed(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("005_parcels.sql", PARTS)
    scene.sql(PARTS.splitlines()[0])
    scene.record("005")
    document = scene.diagnose()
    finding = one(document, "partially-executed")
    assert (finding["severity"], finding["migrations"]) == ("critical", ["005"])
    assert {item["name"] for item in finding["objects"] if item["kind"] in ("table", "index")} == {
        "parcels_by_order", "parcels_by_state", "couriers",
    }  # fmt: skip
    assert "statement 1 of 4" in finding["summary"]
    assert document["explanation"]["steps"][-1] == {"migration": "005", "statements": [1], "of": 4}
    assert causes(document) == {"partially-executed"}


def test_two_stories_that_leave_one_schema_are_both_told(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("DROP INDEX orders_by_customer")
    scene.sql("VACUUM")  # so that the count of schema changes tells nothing either
    document = scene.diagnose()
    (finding,) = (item for item in document["findings"] if item["severity"] != "info")
    assert (finding["severity"], len(finding["alternatives"])) == ("warning", 1)
    assert (finding["cause"], "002 ran only in part" in said(finding)) in (
        ("manual-change", True), ("partially-executed", False),
    )  # fmt: skip
    assert [item["migration"] for tie in document["explanation"]["ties"] for item in tie["differs"]] == ["002"]
    assert document["environment"]["state"] == "needs-fixing"


def test_no_partially_executed_where_a_later_migration_took_it_away(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("005_slim.sql", "DROP INDEX orders_by_customer;\n")
    scene.run("005_slim.sql")
    scene.record("005")
    document = scene.diagnose()
    assert (document["findings"], set(executed(document).values())) == ([], {"yes"})


def test_manual_change(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('no statement here')\n"})
    scene.sql("ALTER TABLE tags ADD COLUMN colour TEXT; CREATE INDEX hot ON orders (notes);")
    document = scene.diagnose()
    finding = one(document, "manual-change")
    assert (finding["severity"], finding["origin"]) == ("error", "person")
    assert {item["name"] for item in finding["objects"]} == {"colour", "hot"}
    assert causes(document) == {"manual-change"}
    assert document["explanation"]["reconstructed"]


def test_manual_change_of_which_nobody_can_tell_the_hand(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("CREATE TABLE extra (id INTEGER PRIMARY KEY)")
    finding = one(scene.diagnose(), "manual-change")
    assert finding["origin"] == "unknown"
    assert "were not searched" in said(finding)


def test_manual_change_by_the_application_is_no_drift(tmp_path: Path) -> None:
    ddl = "CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, at TEXT)"
    scene = shop(tmp_path, *ALL, sources={"store.py": f'def init(db):\n    db.execute("{ddl}")\n'})
    scene.sql(ddl)
    document = scene.diagnose()
    finding = one(document, "manual-change")
    assert (finding["severity"], finding["origin"]) == ("info", "application")
    assert "store.py:2" in said(finding)
    assert document["environment"]["state"] == "ok"


def test_no_manual_change_where_only_the_spelling_differs(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.sql('create table "tags" (\n  "id" integer primary key,\n  "label" text, unique (label)\n)')
    scene.record("004")
    document = scene.diagnose()
    assert (causes(document), executed(document)["004_tags"]) == (set(), "yes")


SETTINGS = (
    "CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT, scope TEXT);\n"
    "CREATE INDEX settings_by_scope ON settings (scope);\n"
)


def test_masked_create(tmp_path: Path) -> None:
    narrow = "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT)"
    scene = shop(tmp_path, *ALL, sources={"boot.py": f"DDL = '''{narrow}'''\n"})
    scene.edit("005_settings.sql", SETTINGS)
    scene.sql(narrow)
    document = scene.diagnose()
    finding = one(document, "masked-create")
    assert (finding["scope"], finding["severity"], finding["migrations"]) == ("environment", "error", ["005"])
    assert {"kind": "column", "table": "settings", "name": "scope", "state": "missing"} in finding["objects"]
    assert "boot.py:1" in said(finding)
    failure = document["next_failure"]
    assert (failure["version"], failure["cause"]) == ("005", "masked-create")
    assert failure["error"] == "no such column: scope"


def test_masked_create_by_the_chain_itself_is_a_warning(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("005_tags.sql", "CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, label TEXT, colour TEXT);\n")
    scene.run("005_tags.sql")
    scene.record("005")
    finding = one(scene.diagnose(), "masked-create")
    assert (finding["scope"], finding["severity"], finding["migrations"]) == ("chain", "warning", ["005"])


@pytest.mark.parametrize("ahead", [True, False])
def test_no_masked_create_over_the_same_shape(tmp_path: Path, ahead: bool) -> None:
    scene = shop(tmp_path, *ALL, sources={"boot.py": f"DDL = '''{SETTINGS.splitlines()[0]}'''\n"})
    scene.edit("005_settings.sql", SETTINGS)
    scene.sql(SETTINGS.splitlines()[0])
    if not ahead:
        scene.run("005_settings.sql")
        scene.record("005")
    document = scene.diagnose()
    assert not found(document, "masked-create")
    assert document["next_failure"] is None


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


def test_leftover_object(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("CREATE TABLE orders_old (id INTEGER PRIMARY KEY, customer_id INTEGER)")
    finding = one(scene.diagnose(), "leftover-object")
    assert (finding["severity"], finding["objects"][0]["name"]) == ("warning", "orders_old")


def test_leftover_object_of_a_rebuild_that_lost_the_table(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("ALTER TABLE tags RENAME TO _alembic_tmp_tags")
    finding = one(scene.diagnose(), "leftover-object")
    assert "tags itself is missing" in finding["summary"]


@pytest.mark.parametrize("table", ["bookings_old", "old_invoices", "temp_readings"])
def test_no_leftover_object_of_a_table_that_is_only_called_so(tmp_path: Path, table: str) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
    assert causes(scene.diagnose()) == {"manual-change"}


def test_no_leftover_object_that_the_application_keeps(tmp_path: Path) -> None:
    ddl = "CREATE TABLE IF NOT EXISTS orders_backup (id INTEGER PRIMARY KEY, body TEXT)"
    scene = shop(tmp_path, *ALL, sources={"backup.py": f'db.execute("{ddl}")\n'})
    scene.sql(ddl)
    assert causes(scene.diagnose()) == set()


def test_name_only_difference(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("DROP INDEX orders_by_customer; CREATE INDEX ix_orders_customer_id ON orders (customer_id);")
    document = scene.diagnose()
    finding = one(document, "name-only-difference")
    assert (finding["severity"], finding["objects"][0]["name"]) == ("info", "ix_orders_customer_id")
    assert causes(document) == set()
    assert executed(document)["002_orders"] == "yes"


def test_no_name_only_difference_where_the_definition_differs(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("DROP INDEX orders_by_customer; CREATE INDEX ix_orders_customer_id ON orders (customer_id DESC);")
    document = scene.diagnose()
    assert not found(document, "name-only-difference")
    assert causes(document)


def test_pending_will_fail(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.sql("CREATE TABLE tags (id INTEGER PRIMARY KEY, other TEXT)")
    document = scene.diagnose()
    finding = one(document, "pending-will-fail")
    assert (finding["severity"], finding["migrations"]) == ("critical", ["004"])
    assert document["next_failure"]["statement"].startswith("CREATE TABLE tags")
    assert document["next_failure"]["file"] == "004_tags.sql"


def test_no_pending_will_fail_where_it_goes_through(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.sql("CREATE TABLE labels (id INTEGER PRIMARY KEY, other TEXT)")
    assert not found(scene.diagnose(), "pending-will-fail")


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
