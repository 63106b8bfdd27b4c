"""What a finding tells to do: it was tried on a copy, and it works where somebody does it."""

from __future__ import annotations

import re
from pathlib import Path

from cases import ALL, SHOP, Scene, causes, found, md5, one, shop

PARTS = (
    "CREATE TABLE parcels (id INTEGER PRIMARY KEY, order_id INTEGER, state TEXT);\n"
    "CREATE INDEX parcels_by_order ON parcels (order_id);\n"
    "CREATE INDEX parcels_by_state ON parcels (state);\n"
    "CREATE TABLE couriers (id INTEGER PRIMARY KEY, name TEXT);\n"
)
SETTINGS = (
    "CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT, scope TEXT);\n"
    "CREATE INDEX settings_by_scope ON settings (scope);\n"
)


def statements(text: str) -> list[str]:
    """Return the SQL that a remedy shows."""
    return [piece for piece in re.findall(r"`([^`]+)`", text) if piece.split()[0] in ("ALTER", "CREATE")]


def test_the_statements_that_are_left_are_named_and_were_tried(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("005_parcels.sql", PARTS)
    scene.sql(PARTS.splitlines()[0])
    scene.record("005")
    finding = one(scene.diagnose(), "partially-executed")
    assert "Run statements 2 to 4 of 005. Tried on a copy of the schema: it goes through." in finding["remedy"]
    scene.sql("".join(PARTS.splitlines()[1:]))
    assert causes(scene.diagnose()) == set()


def test_what_has_to_run_first_is_found_by_trying(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {
        "001_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);\n",
        "002_b.sql": "CREATE TABLE b (id INTEGER PRIMARY KEY);\nCREATE INDEX b_name ON b (name);\nCREATE TABLE c (id);\n",
        "003_names.sql": "ALTER TABLE b ADD COLUMN name TEXT;\n",
    })  # fmt: skip
    scene.run("001_a.sql")
    scene.record("001")
    scene.sql("CREATE TABLE b (id INTEGER PRIMARY KEY)")
    finding = one(scene.diagnose(), "partially-executed")
    assert finding["remedy"].startswith("Run 003 first, then statements 2 and 3 of 002. Tried on a copy of the schema")
    assert "not recorded; statement 1 of 3 took effect" in finding["summary"]


def test_statements_whose_object_is_there_are_skipped(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("005_colour.sql", "ALTER TABLE tags ADD COLUMN colour TEXT;\n")
    scene.run("005_colour.sql")
    scene.edit(
        "006_more.sql",
        "CREATE TABLE shades (id INTEGER PRIMARY KEY);\nALTER TABLE tags ADD COLUMN colour TEXT;\nCREATE TABLE hues (id);\n",
    )
    scene.sql("CREATE TABLE shades (id INTEGER PRIMARY KEY)")
    scene.record("005", "006")
    remedy = one(scene.diagnose(), "partially-executed")["remedy"]
    assert remedy.startswith("Of 006 skip statement 2 (column colour exists already")
    assert "and run statement 3. Tried on a copy of the schema: it goes through." in remedy


def test_the_columns_that_are_missing_come_as_statements_that_help(tmp_path: Path) -> None:
    narrow = "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT)"
    scene = shop(tmp_path, *ALL, sources={"boot.py": f"DDL = '''{narrow}'''\n"})
    scene.edit("005_settings.sql", SETTINGS.replace("scope TEXT", "scope TEXT NOT NULL"))
    scene.sql(narrow)
    scene.sql("INSERT INTO settings VALUES ('a', 'b')")
    finding = one(scene.diagnose(), "masked-create")
    (statement,) = statements(finding["remedy"])
    assert "NOT NULL without a default" in finding["remedy"]
    assert "then 005 goes through" in finding["remedy"]
    scene.sql(statement)
    assert scene.diagnose()["next_failure"] is None


def test_a_row_that_stands_for_another_file_is_told_with_its_story(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.run("004_tags.sql")
    scene.record("004", checksum=md5(SHOP["004_tags.sql"]))
    scene.commit("Tags", "2026-02-01T10:00:00Z")
    scene.file("004_tags.sql").rename(scene.file("005_tags.sql"))
    scene.edit("004_stock.sql", "CREATE TABLE stock (id INTEGER PRIMARY KEY);\n")
    scene.commit("Stock comes before", "2026-02-12T10:00:00Z")
    document = scene.diagnose()
    lost, ran = one(document, "recorded-not-executed"), one(document, "executed-not-recorded")
    assert "Row 004 stands for another file" in lost["summary"]
    assert "004_tags.sql (now 005_tags.sql)" in lost["summary"]
    assert "renumber" in lost["prevention"]
    assert ran["id"] in lost["contributing"]
    assert "Stock comes before" in str(lost["evidence"])


def test_files_that_share_a_number_get_free_ones(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.edit("004_labels.sql", "CREATE TABLE labels (id INTEGER PRIMARY KEY);\n")
    finding = one(scene.diagnose(), "duplicate-version")
    assert "004_tags.sql has run here: leave 004 to 004_tags.sql, rename 004_labels.sql to 005_labels.sql" in finding["remedy"]


def test_the_first_run_of_a_database_without_a_tracker_is_foreseen(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP)
    scene.sql("CREATE TABLE tags (id INTEGER PRIMARY KEY)")
    document = scene.diagnose()
    assert (document["first_run"]["begins"], document["first_run"]["stops"]["version"]) == ("001", "004")
    assert "stop at 004: table tags already exists" in one(document, "untracked")["summary"]


def test_an_empty_database_is_told_where_its_chain_stops(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"001_a.sql": "CREATE TABLE a (id);\n", "002_b.sql": "DROP TABLE b;\n"})
    scene.database.touch()
    document = scene.diagnose()
    assert "its first run will stop at 002" in one(document, "uninitialised")["summary"]
    assert shop(tmp_path / "other", recorded=()).diagnose()["first_run"]["stops"] is None


def test_what_somebody_dropped_is_told_as_dropped_and_how_it_comes_back(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('no statement here')\n"})
    scene.sql("DROP INDEX orders_by_customer")
    findings = found(scene.diagnose(), "manual-change")
    for finding in findings:
        assert "dropped index orders.orders_by_customer" in finding["summary"]
        assert "CREATE INDEX orders_by_customer" in finding["remedy"]
