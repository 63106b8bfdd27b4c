"""The text of a file, its hashes, and why it has none where that is so."""

from __future__ import annotations

import hashlib
import io
import tokenize
from pathlib import Path

from forensics.model import Content

LIMIT = 64 * 1024 * 1024
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def content(data: bytes, *, python: bool = False, origin: str = "worktree") -> tuple[Content, str]:
    """Return the content that these bytes hold, and the problem with them (empty where there is none).

    The text is what `open` would give: line ends are ``\\n`` and a byte order mark is gone. The hashes are those of
    the bytes. Bytes that are no text still give a content, with replacement characters, so that nothing gets lost
    from a report.
    """
    text, problem = _decode(data, python=python)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (
        Content(
            text=text,
            sha256=hashlib.sha256(data).hexdigest(),
            md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
            origin=origin,
        ),
        problem,
    )


def read_content(path: Path, *, python: bool = False, origin: str = "worktree") -> tuple[Content, str]:
    """Return the content of a file and the problem with it. A file that cannot be read gives an empty content."""
    try:
        if path.stat().st_size > LIMIT:
            return content(b"", origin=origin)[0], f"is larger than {LIMIT // 1024 // 1024} MB, so it was not read"
        data = path.read_bytes()
    except OSError as error:
        return content(b"", origin=origin)[0], f"cannot be read: {error.strerror or type(error).__name__}"
    return content(data, python=python, origin=origin)


def readable(name: str) -> str:
    """Return the name of a file as text that can be written anywhere: bytes that are no text become ``\\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _decode(data: bytes, *, python: bool) -> tuple[str, str]:
    if data[:2] in _MARKS:
        return data.decode("utf-16", "replace"), f"is {_MARKS[data[:2]]} text, not UTF-8"
    if b"\0" in data:
        return data.decode("utf-8", "replace"), "is a binary file (it holds NUL bytes), not text"
    encoding = _declared(data) if python else "utf-8-sig"
    try:
        return data.decode(encoding), ""
    except UnicodeDecodeError as error:
        return data.decode("utf-8", "replace"), f"is not UTF-8 text (byte {error.start})"


def _declared(data: bytes) -> str:
    # PEP 263: a Python file may name another encoding in its first two lines.
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except (SyntaxError, UnicodeDecodeError):
        return "utf-8-sig"
