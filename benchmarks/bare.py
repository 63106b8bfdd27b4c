"""The least that could be done: the statements without which nothing can be known of a schema, and their bare rows."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

SQLITE = (
    "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master",
    "SELECT m.name, c.* FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type IN ('table', 'view')",
    "SELECT m.name, l.* FROM sqlite_master m JOIN pragma_index_list(m.name) l WHERE m.type = 'table'",
    "SELECT l.name, x.* FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x"
    " WHERE m.type = 'table'",
    "SELECT m.name, k.* FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) k WHERE m.type = 'table'",
)

_USERS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
_JOIN = "JOIN pg_namespace n ON n.oid = c.relnamespace"
POSTGRESQL = (
    f"SELECT n.nspname, c.relname, c.relkind, c.relpersistence FROM pg_class c {_JOIN} WHERE {_USERS}"
    " AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
    "SELECT n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,"
    " a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attcollation FROM pg_attribute a"
    f" JOIN pg_class c ON c.oid = a.attrelid {_JOIN} LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid"
    f" AND d.adnum = a.attnum WHERE a.attnum > 0 AND NOT a.attisdropped AND {_USERS}"
    " AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
    "SELECT n.nspname, c.relname, k.conname, k.contype, pg_get_constraintdef(k.oid) FROM pg_constraint k"
    f" JOIN pg_class c ON c.oid = k.conrelid {_JOIN} WHERE {_USERS}",
    "SELECT n.nspname, c.relname, x.relname, i.indisunique, i.indisprimary, i.indisvalid, pg_get_indexdef(i.indexrelid)"
    f" FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid {_JOIN}"
    f" WHERE {_USERS}",
    f"SELECT n.nspname, c.relname, pg_get_viewdef(c.oid) FROM pg_class c {_JOIN} WHERE c.relkind IN ('v', 'm') AND {_USERS}",
    "SELECT n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t"
    f" JOIN pg_class c ON c.oid = t.tgrelid {_JOIN} WHERE NOT t.tgisinternal AND {_USERS}",
    "SELECT n.nspname, c.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle"
    f" FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid {_JOIN} WHERE {_USERS}",
    "SELECT t.typname, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid ORDER BY 1, e.enumsortorder",
    "SELECT n.nspname, p.proname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    f" WHERE p.prokind = 'f' AND {_USERS}",
)


def sqlite_rows(path: str) -> list[list[Any]]:
    """Open a file and return the rows of the five statements."""
    connection = sqlite3.connect(path)
    try:
        return [connection.execute(statement).fetchall() for statement in SQLITE]
    finally:
        connection.close()


def postgresql_rows(connection: Any) -> list[list[Any]]:
    """Return the rows of the nine queries."""
    return [connection.execute(query).fetchall() for query in POSTGRESQL]


def fingerprint(path: str) -> str:
    """Return a digest of the ordered texts of a database and of the rows of its history."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        seal = hashlib.sha256()
        for row in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"):
            seal.update(repr(row).encode())
        for row in connection.execute("SELECT * FROM schema_version ORDER BY rowid"):
            seal.update(repr(row).encode())
        return seal.hexdigest()
    finally:
        connection.close()


def pragmas(connection: Any) -> None:
    """Make a connection as quick as one can be whose file need not survive."""
    connection.execute("PRAGMA journal_mode=MEMORY")
    connection.execute("PRAGMA synchronous=OFF")
