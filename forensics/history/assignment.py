"""Which file, and which text of it, each row of a tracker speaks of."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from forensics.adapters.numbered import comment_line
from forensics.adapters.revisions import ancestors
from forensics.model import Applied, Chain, Content, FileVersion, History, Migration

_SUM = re.compile(r"-?[0-9a-fA-F]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMatch:
    """What one row of a tracker speaks of.

    ``migration_id`` is None where no file of the chain is meant (an orphan; ``note`` says what is known of it).
    ``content`` is the text that was applied, where anything tells: the file's own, an archived one, or one from git.
    ``by`` is the witness: ``checksum``, ``description``, ``version``, or ``nothing``. ``mismatch`` says that the row
    has a real checksum which no known text has.
    """

    row: Applied
    migration_id: str | None
    content: Content | None
    by: str
    note: str = ""
    mismatch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """One text that some migration file has or had: ``version`` is the number under which it stood."""

    version: str
    file: str
    content: Content
    migration_id: str | None
    says: frozenset[str]


def recorded(chain: Chain, history: History) -> tuple[str, ...]:
    """Return the ids of the migrations that a tracker implies, in the chain's order.

    For one that keeps only the head these are all ancestors, through ``depends_on`` too. Where several files share a
    version a row stands for all of them, unless it names one. Rows that mark a failure imply nothing.
    """
    named: list[str] = []
    for row in history.rows:
        if row.success:
            named += _ids(chain, row.version)
    implied = ancestors(chain.by_id, named) if history.keeps == "head" else frozenset(named)
    return tuple(item.id for item in chain.migrations if item.id in implied)


def assign(chain: Chain, history: History, versions: Sequence[FileVersion] = ()) -> Mapping[str, RowMatch]:
    """Return for each recorded version which file, and which of its texts, the row speaks of.

    The checksum decides (MD5, SHA-1, SHA-256, SHA-512 or CRC32, of the bytes or of the text with either line end)
    over the files, the archived chains and every text in git, wherever it stands today; then the description, where it
    is a file's first comment or names one of several files of the version; then the version alone. Placeholders are no
    checksums. Of several rows with one version the one with the better witness is kept.
    """
    texts = _texts(chain, versions)
    sums: dict[str, list[_Text]] | None = None
    found: dict[str, RowMatch] = {}
    for row in history.rows:
        if sums is None and _real(row.checksum):
            sums = _index(texts)
        match = _match(chain, row, texts, sums or {})
        old = found.get(row.version)
        if old is None or _WITNESS[match.by] > _WITNESS[old.by]:
            found[row.version] = match
    return found


def renames(versions: Sequence[FileVersion]) -> Mapping[str, str]:
    """Return where git says that files went: old path to new path."""
    return {item.old_path: item.path for item in sorted(versions, key=lambda item: item.at) if item.old_path}


def follow(path: str, moved: Mapping[str, str]) -> str:
    """Return the last path that a file was moved to; see `renames`."""
    seen = {path}
    while path in moved and moved[path] not in seen:
        path = moved[path]
        seen.add(path)
    return path


_WITNESS = {"nothing": 0, "version": 1, "description": 2, "checksum": 3}


def _match(chain: Chain, row: Applied, texts: Sequence[_Text], sums: Mapping[str, list[_Text]]) -> RowMatch:
    ids = _ids(chain, row.version)
    real = _real(row.checksum)
    if real:
        known = _find(row.checksum, sums)
        if known:
            return _by_checksum(chain, row, ids, known)
    if row.description:
        told = [text for text in texts if row.description.strip().casefold() in text.says]
        mine = [text for text in told if _fits(row.version, text, ids)]
        moved = {text.migration_id: text for text in told if text.content.origin == "worktree"}
        if mine or (len(moved) == 1 and len(row.description.split()) > 2):
            best = min(mine or moved.values(), key=_preference)
            return RowMatch(
                row=row,
                migration_id=best.migration_id,
                content=None if real else best.content,
                by="description",
                note=_where(chain, best, ids),
                mismatch=real,
            )
    if ids:
        named = [name for name in ids if len(ids) > 1 and _named(chain.by_id[name], row.description)]
        first = chain.by_id[named[0] if named else ids[0]]
        return RowMatch(
            row=row,
            migration_id=first.id,
            content=None if real else first.content,
            by="description" if len(named) == 1 else "version",
            note=f"{len(ids)} files share this version" if len(ids) > 1 else "",
            mismatch=real,
        )
    once = [text for text in texts if _fits(row.version, text, ids)]
    if once:
        best = min(once, key=_preference)
        return RowMatch(
            row=row, migration_id=best.migration_id, content=best.content, by="version", note=_where(chain, best, ids)
        )
    return RowMatch(row=row, migration_id=None, content=None, by="nothing", note="no known file has this version")


def _by_checksum(chain: Chain, row: Applied, ids: Sequence[str], known: Sequence[_Text]) -> RowMatch:
    best = min((text for text in known if _fits(row.version, text, ids)), key=_preference, default=None)
    best = best or min(known, key=_preference)
    content = best.content
    if best.migration_id is not None and chain.by_id[best.migration_id].content.text == content.text:
        content = chain.by_id[best.migration_id].content
    return RowMatch(
        row=row, migration_id=best.migration_id, content=content, by="checksum", note=_where(chain, best, ids)
    )


def _where(chain: Chain, text: _Text, ids: Sequence[str]) -> str:
    """Say where a text stands today, where that is not under the version of its row."""
    origin = text.content.origin
    if text.migration_id is None:
        place = "an archived chain" if origin == "archived" else origin
        gone = "the chain has no such file now" if not ids else f"{', '.join(ids)} has its version now"
        return f"{text.file} in {place}; {gone}"
    today = chain.by_id[text.migration_id]
    if text.migration_id not in ids:
        return (
            f"ran as {text.file}, stands as {today.file} now"
            if text.file != today.file
            else f"stands as {today.file} now"
        )
    return "" if origin == "worktree" or today.content.text == text.content.text else f"{text.file} as in {origin}"


def _texts(chain: Chain, versions: Sequence[FileVersion]) -> list[_Text]:
    """Return every text that is known: the files', the archived chains', then git's, newest first."""
    found = [
        _Text(version=item.version, file=item.file or item.id, content=item.content, migration_id=item.id,
              says=_says(item.content, item.description))
        for item in chain.migrations
    ]  # fmt: skip
    for old in chain.archived:
        for item in old.migrations:
            content = replace(item.content, origin="archived")
            found.append(
                _Text(version=item.version, file=item.file or item.id, content=content, migration_id=None,
                      says=_says(content, item.description))
            )  # fmt: skip
    by_file = {item.file: item.id for item in chain.migrations}
    by_text = {item.content.text: item.id for item in reversed(chain.migrations)}
    moved = renames(versions)
    for version in sorted(versions, key=lambda version: version.at, reverse=True):
        if version.content is not None:
            content = version.content
            here = by_file.get(version.path) or by_text.get(content.text) or by_file.get(follow(version.path, moved))
            number = _version(version)
            if here is not None and chain.by_id[here].file == version.path:
                number = chain.by_id[here].version
            found.append(
                _Text(version=number, file=version.path, content=content, migration_id=here, says=_says(content, ""))
            )
    return found


def _version(item: FileVersion) -> str:
    if item.content is not None and item.path.endswith(".py"):
        declared = re.search(r"(?m)^revision\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]+)['\"]", item.content.text)
        if declared:
            return declared[1]
    number = re.match(r"\d+", item.path.rpartition("/")[2])
    return number[0] if number else _stem(item.path)


def _index(texts: Sequence[_Text]) -> dict[str, list[_Text]]:
    found: dict[str, list[_Text]] = {}
    for text in texts:
        for value in _sums(text.content):
            found.setdefault(value, []).append(text)
    return found


@lru_cache(maxsize=4096)
def _sums(content: Content) -> frozenset[str]:
    return frozenset(_plain(value) for value in _hashes(content))


def _hashes(content: Content) -> Iterator[str]:
    yield content.md5
    yield content.sha256
    for text in {content.text, content.text.replace("\n", "\r\n"), content.text.strip(), "\ufeff" + content.text}:
        data = text.encode("utf-8", "surrogatepass")
        yield hashlib.md5(data, usedforsecurity=False).hexdigest()
        yield hashlib.sha1(data, usedforsecurity=False).hexdigest()
        yield hashlib.sha256(data).hexdigest()
        yield hashlib.sha512(data).hexdigest()
        crc = zlib.crc32(data)
        yield from (f"{crc:08x}", str(crc), str(crc - 2**32 if crc >= 2**31 else crc))


def _plain(checksum: str) -> str:
    value = checksum.strip().casefold()
    return value.partition(":")[2] if re.match(r"(?:md5|sha-?\d+|crc32):", value) else value


def _real(checksum: str) -> bool:
    value = _plain(checksum)
    return bool(_SUM.fullmatch(value)) and len(value) >= 8 and len(set(value)) > 2


def _find(checksum: str, sums: Mapping[str, list[_Text]]) -> list[_Text]:
    value = _plain(checksum)
    if value in sums or len(value) in (32, 40, 64, 128):
        return sums.get(value, [])
    # Some managers keep only the beginning of a hash.
    return [text for full, texts in sums.items() if len(full) > len(value) and full.startswith(value) for text in texts]


def _fits(version: str, text: _Text, ids: Sequence[str]) -> bool:
    return text.migration_id in ids or _same_version(version, text.version) or _stem(text.file) == version


def _same_version(one: str, two: str) -> bool:
    return one == two or (one.isdecimal() and two.isdecimal() and int(one) == int(two))


def _says(content: Content, description: str) -> frozenset[str]:
    """Return what a row's description may be where it speaks of this text."""
    comment = comment_line(content.text)
    constant = re.search(r"(?m)^DESCRIPTION\s*(?::[^=\n]+)?=\s*(['\"])(.+)\1\s*$", content.text)
    said = (description, comment, constant[2] if constant else "")
    return frozenset(text.strip().casefold() for text in said if text.strip())


def _named(item: Migration, description: str) -> bool:
    """Whether a description names this file, as hand-written ones do (``add_orders - skipped``)."""
    words, name = (re.sub(r"[\W_]+", " ", text).casefold().strip() for text in (description, item.name))
    return bool(name) and f" {name} " in f" {words} "


def _preference(text: _Text) -> tuple[bool, bool, bool]:
    return (text.content.origin != "worktree", text.migration_id is None, text.content.origin == "archived")


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0]


def _ids(chain: Chain, version: str) -> list[str]:
    if version in chain.by_version:
        return [item.id for item in chain.by_version[version]]
    return [version] if version in chain.by_id else []
