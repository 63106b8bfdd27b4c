"""Whose hand wrote the stored text of SQLite's tables: that of the migrations, or another one.

SQLite keeps the statement that made a table, and what an `ALTER TABLE ... ADD COLUMN` appended to it. Where a schema means what the
chain builds but its tables are spelled otherwise, and the count of schema changes does not fit either, something else made them (a
`create_all`, an export) and the tracker was stamped. Spelling alone says nothing: libraries change it from version to version.
"""

from __future__ import annotations

from dataclasses import replace

from forensics.explain.cookie import counted
from forensics.explain.judge import Judged
from forensics.explain.lettering import alike, appended, names, text
from forensics.explain.search import Search
from forensics.explain.story import Played


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
        ours, theirs = text(rebuilt), text(live)
        if ours and theirs and not alike(ours, theirs):
            found[name] = names(appended(theirs) & appended(ours))
    return found


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
            columns = tables.get(trace.key[1])
            if columns is None or trace.after is None or trace.key[0] in ("index", "trigger"):
                continue
            added = trace.key[0] == "column" and trace.before is None and trace.key[2] in columns
            own[item.id] = own.get(item.id, False) or added
    doubtful = [search.order[name] for name, added in own.items() if not added and judged[name].executed == "yes"]
    last = max(doubtful, default=-1)
    made = [name for name in played.final.keys() & search.subject.live.keys() if text(search.subject.live[name])]
    most = 2 * len(tables) > len(made)  # then another hand made the schema, and not only these tables
    return {
        name: replace(answer, executed="unknown", basis="none")
        if answer.executed == "yes" and search.order[name] <= last and not own.get(name, not most)
        else answer
        for name, answer in judged.items()
    }
