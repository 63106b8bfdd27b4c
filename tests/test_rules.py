"""What the schema and the story say of a tracker: for each rule a case that fires, and near misses that must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import ALL, causes, executed, found, one, said, shop


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
