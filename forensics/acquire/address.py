"""What an address means: which dialect, which file. SQLAlchemy's spelling of URLs is understood without SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote

from forensics.errors import DatabaseMissing, DatabaseUnreadable
from forensics.redact import redact_url


def dialect_of(address: str) -> str:
    """Return the dialect that an address names; a plain path is SQLite.

    >>> dialect_of("postgresql+psycopg://db/shop"), dialect_of("data/app.db")
    ('postgresql', 'sqlite')
    """
    scheme, separator, _ = address.partition("://")
    if not separator:
        return "sqlite"
    name = scheme.partition("+")[0].lower()
    return {"postgres": "postgresql", "sqlite3": "sqlite", "file": "sqlite"}.get(name, name)


def database_file(address: str, root: Path) -> Path:
    """Return the file that an SQLite address names, relative ones below ``root``.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, a plain path, and ``file:`` URIs, alone or inside such a URL,
    are understood; the query string is left out, as its options are for writers. Raises `DatabaseUnreadable` for
    another dialect and for a database in memory, `DatabaseMissing` for an address without a path.
    """
    if (dialect := dialect_of(address)) != "sqlite":
        raise DatabaseUnreadable(
            f"'{redact_url(address)}' is a {dialect or 'strange'} address, not that of an SQLite file",
            remedy="give a path or sqlite:///path/to/file.db",
        )
    scheme, separator, rest = address.partition("://")
    if separator and scheme.lower() != "file":
        rest, _, query = rest.partition("?")
        if rest and not rest.startswith("/"):
            raise DatabaseUnreadable(
                f"'{redact_url(address)}' has two slashes where an SQLite address has three or four",
                remedy="write sqlite:///relative/path.db or sqlite:////absolute/path.db",
            )
        path = rest[1:]
        uri = path.startswith("file:") and "uri" in parse_qs(query)
    else:
        path = rest if separator else address
        uri = bool(separator) or address.startswith("file:")
    if uri:
        path = unquote(path.removeprefix("file:").partition("?")[0])
        path = path[2:] if path.startswith("///") else path
    if path == ":memory:" or "mode=memory" in address or (separator and not rest.strip("/")):
        raise DatabaseUnreadable(
            f"'{redact_url(address)}' is a database in memory, which only its own program can see",
            remedy="give the path of a database file",
        )
    if not path:
        raise DatabaseMissing("the address of the database is empty", remedy="give a path or sqlite:///path/to/file.db")
    return root / Path(path).expanduser()
