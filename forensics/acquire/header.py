"""What the first bytes of a file say, before SQLite is let near it."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.errors import DatabaseUnreadable

MAGIC = b"SQLite format 3\x00"
SIZE = 100
_PAGE_SIZES = frozenset(2**power for power in range(9, 17))
_FRACTIONS = bytes((64, 32, 32))
_OTHERS = (
    (b"** This file contains an SQLite 2", "an SQLite 2 database", "convert it with the old sqlite program first"),
    (b"version https://git-lfs", "a Git LFS pointer, not the database itself", "run git lfs pull"),
    (b"\x1f\x8b", "a gzip file", "unpack it and give the database inside"),
    (b"PK\x03\x04", "a zip file", "unpack it and give the database inside"),
    (b"BZh", "a bzip2 file", "unpack it and give the database inside"),
    (b"\xfd7zXZ\x00", "an xz file", "unpack it and give the database inside"),
    (b"(\xb5/\xfd", "a zstd file", "unpack it and give the database inside"),
    (b"PGDMP", "a PostgreSQL dump", "restore it into a server"),
    (b"DUCK", "perhaps a DuckDB database", "only SQLite files are read"),
    (b"\x37\x7f\x06\x82", "a write-ahead log, not the database", "give the file without -wal"),
    (b"\x37\x7f\x06\x83", "a write-ahead log, not the database", "give the file without -wal"),
    (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", "a rollback journal, not the database", "give the file without -journal"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The facts of an SQLite header that decide how the file may be opened."""

    page_size: int
    wal: bool
    pages: int
    bare: bool


def read_header(content: bytes, size: int, name: str) -> Header:
    """Return what a header says. Raises `DatabaseUnreadable` for a file that is no SQLite 3 database.

    Source of the layout: the SQLite documentation, "Database File Format", section 1.3.
    """
    if not content.startswith(MAGIC):
        raise _stranger(content, name)
    page_size = int.from_bytes(content[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    if size >= SIZE and (page_size not in _PAGE_SIZES or content[21:24] != _FRACTIONS):
        raise DatabaseUnreadable(
            f"{name} begins like an SQLite database, but the rest of its header is damaged or encrypted",
            remedy="decrypt it into a private copy and give that, or restore it from a backup",
        )
    pages = int.from_bytes(content[28:32], "big")
    # A file that ends inside its first page holds no schema; where its header promises more pages it was cut off.
    short = size < max(page_size, SIZE)
    if short and (pages > 1 or size < SIZE):
        raise DatabaseUnreadable(
            f"{name} is cut off: it has {size} bytes, its header speaks of {max(pages, 1) * max(page_size, 512)}",
            remedy="copy the file again, or restore it from a backup",
        )
    return Header(page_size=page_size, wal=content[18:20] != b"\x01\x01", pages=pages, bare=short)


def _stranger(content: bytes, name: str) -> DatabaseUnreadable:
    for magic, what, remedy in _OTHERS:
        if content.startswith(magic):
            return DatabaseUnreadable(f"{name} is {what}", remedy=remedy)
    if not any(content):
        return DatabaseUnreadable(f"{name} holds only zero bytes where a database begins",
                                  remedy="the file is damaged; restore it from a backup")  # fmt: skip
    if _is_text(content):
        return DatabaseUnreadable(f"{name} is a text file, not an SQLite database", remedy="check the path")
    return DatabaseUnreadable(
        f"{name} is not an SQLite database, or it is encrypted",
        remedy="decrypt it into a private copy (SQLCipher: sqlcipher_export) and give that, or check the path",
    )


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(content) - 3:
            return False
        text = content[: error.start].decode("utf-8")
    return all(char.isprintable() or char in "\r\n\t\f" for char in text)
