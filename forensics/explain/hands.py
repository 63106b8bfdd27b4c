"""Whose hand wrote the stored text of SQLite's tables: that of the migrations, or another one.

SQLite keeps the statement that made a table, and what an `ALTER TABLE ... ADD COLUMN` appended to it. Where a schema means what the
chain builds but its tables are spelled otherwise, and the count of schema changes does not fit either, something else made them (a
`create_all`, an export) and the tracker was stamped. Spelling alone says nothing: libraries change it from version to version.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from forensics.explain.cookie import counted
from forensics.explain.judge import Judged
from forensics.explain.search import Search
from forensics.explain.story import Played
from forensics.model import Group
from forensics.sqltext import fold, tokens


def foreign(search: Search, played: Played) -> dict[str, frozenset[str]]:
    """Return, by name, the tables that another hand wrote, each with the columns that were appended to it in the story's own words.

    Nothing where the count of schema changes fits the story, or is not known.
    """
    cookie = search.subject.cookie
    if cookie is None or counted(played) == cookie:
        return {}
    found = {}
    for name, live in search.subject.live.items():
        rebuilt = played.final.get(name)
        if rebuilt is None or rebuilt is live or search.ruler.measure(rebuilt, live).meaning:
            continue
        ours, theirs = _text(rebuilt), _text(live)
        if ours and theirs and _parts(ours) != _parts(theirs):
            found[name] = _appended(theirs) & _appended(ours)
    return {name: frozenset(column for column, _text in columns) for name, columns in found.items()}


def by_hands(search: Search, played: Played, judged: dict[str, Judged]) -> dict[str, Judged]:
    """Return the judgements without those that rest on tables which another hand wrote.

    What was appended to such a table in a migration's own words still says that this migration ran, and so do all after the
    last one whose work another hand wrote. Where that wrote most tables, the others up to there are in doubt as well.
    """
    tables = foreign(search, played)
    if not tables:
        return judged
    own: dict[str, bool] = {}
    for item in search.subject.migrations:
        for trace in search.reference.signatures.get(item.id, ()):
            appended = tables.get(trace.key[1])
            if appended is None or trace.after is None or trace.key[0] in ("index", "trigger"):
                continue
            added = trace.key[0] == "column" and trace.before is None and trace.key[2] in appended
            own[item.id] = own.get(item.id, False) or added
    doubtful = [search.order[name] for name, added in own.items() if not added and judged[name].executed == "yes"]
    last = max(doubtful, default=-1)
    made = [name for name in played.final.keys() & search.subject.live.keys() if _text(search.subject.live[name])]
    most = 2 * len(tables) > len(made)  # then another hand made the schema, and not only these tables
    return {
        name: replace(answer, executed="unknown", basis="none")
        if answer.executed == "yes" and search.order[name] <= last and not own.get(name, not most)
        else answer
        for name, answer in judged.items()
    }


def _text(group: Group) -> str:
    return group.source[0].strip() if group.source and group.source[0][:12].upper() == "CREATE TABLE" else ""


def _cuts(text: str) -> list[int]:
    """Return where the parts of a table's definition end: at the commas of its outermost parentheses, and where these close."""
    depth = 0
    ends = []
    for item in tokens(text):
        depth += (item.text == "(") - (item.text == ")")
        if (item.text == "," and depth == 1) or (item.text == ")" and not depth):
            ends.append(item.start)
    return ends


def _parts(text: str) -> list[str]:
    """Return the parts of a definition in a fixed order: a rebuild that reflects the table puts unnamed constraints in any."""
    ends = _cuts(text)
    starts = [text.find("("), *ends]
    return sorted(fold(text[at + 1 : end]) for at, end in zip(starts, ends, strict=False))


def _appended(text: str) -> frozenset[tuple[str, str]]:
    """Return the columns that `ADD COLUMN` appended to a stored text, each with its definition as it stands there.

    SQLite puts a comma and a blank before it. That can be told where the columns before it are set apart in another way.
    """
    items = tokens(text)
    found = set()
    usual = ""
    for at, end in pairwise(_cuts(text)):
        following = next(item for item in items if item.start > at)
        gap = text[at : following.start]
        usual = usual or gap
        if gap == ", " != usual:
            found.add((following.text.strip("\"`[]").casefold(), text[following.start : end].strip()))
    return frozenset(found)
