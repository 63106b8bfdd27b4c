"""The lines of a file, packed or not, one at a time and none too long."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

# What one line may hold: a statement fits, a dump that somebody logged does not, and memory stays constant.
LONGEST = 64 * 1024


def opened(path: Path) -> IO[bytes]:
    """Open a log for reading. Raises `OSError` for what is no file: a folder, or a pipe that would wait for ever."""
    if not path.is_file():
        raise OSError(0, "there is no such file" if not path.exists() else "it is not a file")
    file = path.open("rb")
    if file.read(2) == b"\x1f\x8b":
        file.close()
        return cast("IO[bytes]", gzip.open(path, "rb"))
    file.seek(0)
    return file


def lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, from 1. Of a line without end only its beginning is kept."""
    number = 0
    while data := file.readline(LONGEST):
        number += 1
        whole = data
        while not whole.endswith(b"\n") and (whole := file.readline(LONGEST)):
            pass
        yield number, data.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n").replace("\0", "\ufffd")
