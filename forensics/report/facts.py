"""The facts: what was read, with its hashes; what was assumed; what was not examined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import Markdown, code, escape
from forensics.model import Event, Exhibit
from forensics.plots.bursts import SOURCES, Burst, bursts
from forensics.report.text import Section, bullets, clip, codes, cut_table, section

_ALL = "all of them are in [findings.json](findings.json)"
_ISOLATION = {
    "namespaces": "in a child process of its own, in empty Linux namespaces (no network, no files of the project)",
    "guard": "in a child process under a guard that refuses every connection, without help of the operating system",
    "none": "without isolation",
}


def what_was_read(diagnosis: Diagnosis) -> Section | None:
    """Return the database, its tracker and the chain as they were found."""
    document = diagnosis.document
    environment, tracker, chain = document["environment"], document["tracker"] or {}, document["chain"] or {}
    rows: list[tuple[str, object]] = [
        ("database", code(environment["url"]) if environment.get("url") else "saved evidence"),
        ("kind", " ".join(filter(None, (environment.get("dialect"), environment.get("server_version"))))),
        ("fingerprint of the schema", code(environment["fingerprint"]) if environment.get("fingerprint") else ""),
        ("tracker", _tracker(tracker)),
        *(("another tracker", _tracker(each)) for each in document["trackers"]),
        ("chain", _chain(chain)),
        ("the chain alone", _builds(chain.get("builds_from_empty")) if chain else ""),
    ]
    found = [row for row in rows if row[1]]
    return section(cut_table(["fact", "as it was found"], found, limit=20, more=_ALL))


def _tracker(tracker: Mapping[str, Any]) -> str:
    if not tracker:
        return ""
    if tracker["state"] == "absent":
        return "there is none"
    head = f"{code(tracker['table'])} ({escape(tracker['tool'] or 'unknown tool')})"
    recorded = tracker["recorded"]
    if not recorded:
        return Markdown(f"{head}, {tracker['state']}")
    spans = wording.spans(recorded, sorted(recorded))
    return Markdown(f"{head}, {wording.count(len(recorded), 'version')}: {codes(spans)}")


def _chain(chain: Mapping[str, Any]) -> str:
    if not chain:
        return ""
    ends = f"from {codes(chain['bases'], 3)} to {codes(chain['heads'], 3)}" if chain["bases"] else ""
    text = f"{code(chain['path'])} ({escape(chain['tool'])}), {wording.count(chain['count'], 'migration')} {ends}"
    return Markdown(text.rstrip())


def _builds(builds: bool | None) -> str:
    if builds is None:
        return "could not be replayed from an empty database here"
    return "builds an empty database" if builds else "fails on an empty database, by itself"


def exhibits(diagnosis: Diagnosis) -> Section | None:
    """Return everything that was read, with the hash by which a change would show."""
    rows = [
        (item.kind, code(clip(item.name, 160)), _size(item), code(item.sha256) if item.sha256 else "", item.how)
        for item in diagnosis.exhibits
    ]  # fmt: skip
    if not rows:
        return None
    return section(cut_table(["what", "name", "size", "SHA-256", "how it was read"], rows, limit=60,
                             more="the others are in the evidence folder"))  # fmt: skip


def _size(item: Exhibit) -> str:
    """Return the size in the unit of its kind: what was selected is counted in rows."""
    if item.size is None:
        return ""
    return wording.count(item.size, "row") if item.how.startswith("SELECT") else wording.count(item.size, "byte")


def assumptions(diagnosis: Diagnosis) -> Section | None:
    """Return what was assumed (zones, precision, the replay) and what was not examined."""
    zones: dict[str, set[str]] = {}
    for event in diagnosis.events:
        if event.assumed:
            zones.setdefault(event.assumed, set()).add(event.source)
    lines = [
        f"{escape(zone)} was assumed for the times of the {wording.listing(sorted(sources))}, which name no zone."
        for zone, sources in sorted(zones.items())
    ]
    explanation = diagnosis.document.get("explanation") or {}
    if explanation:
        scratch = explanation["scratch"]
        version = f" of version {escape(scratch['server_version'])}" if scratch["server_version"] else ""
        lines.append(f"The chain was replayed on a scratch database{version}, {_ISOLATION[scratch['isolation']]}.")
        if caveat := scratch.get("caveat"):
            lines.append(f"Not promised: {escape(caveat)}.")
    return section(bullets([*lines, *_not_examined(diagnosis)]))


def _not_examined(diagnosis: Diagnosis) -> Iterable[str]:
    asked = any(item["kind"] == "query" and item["met"] is not None for item in diagnosis.document.get("criteria") or ())
    beyond = ", beyond the one value that each query of a criterion gives" if asked else "; only the schema and the tracker were read"
    yield f"Not examined: the rows of user data{beyond}."
    if diagnosis.state in ("unreadable", "not-initialised"):
        return
    sources = {event.source for event in diagnosis.events}
    for source, words in (("log", "an application log"), ("git", "the history of the migration files in git")):
        if source not in sources:
            yield f"Not examined: {words}; there was none."
    untold = [label for label, mark in zip(diagnosis.labels, diagnosis.marks, strict=True) if mark.glyph == "?"]
    if untold:
        yield f"Cannot be told from the schema: whether {codes(wording.spans(untold, diagnosis.labels))} ran."


def chronicle(events: Iterable[Event]) -> Section | None:
    """Return the timeline as a table: bursts as one row, each with source, place, assumed zone and precision."""
    found = bursts(events, limit=60)
    if not found:
        return None
    rows = [_row(burst) for burst in found]
    told: dict[str, set[tuple[str, str]]] = {}
    for burst, row in zip(found, rows, strict=True):
        told.setdefault(str(row[1]), set()).update({(str(row[4]), str(row[5]))} if burst.start else ())
    uniform = all(len(each) < 2 for each in told.values())
    heads = ["at (UTC)", "source", "what", "where", "zone", "precision"]
    rows, heads = ([row[:4] for row in rows], heads[:4]) if uniform else (rows, heads)
    more = "all of them are in [timeline.csv](timeline.csv) and [timeline.jsonl](timeline.jsonl)"
    table = cut_table(heads, rows, limit=60, more=more)
    return section(table, _zones(told) if uniform else None, f"Every event by itself: {more.removeprefix('all of them are in ')}.")


def _zones(told: Mapping[str, Iterable[tuple[str, str]]]) -> str:
    # One entry a source: all of its times have the same.
    parts = [
        f"{source}: {zone}, to the {precision.removeprefix('1 ')}"
        for source, found in sorted(told.items())
        for zone, precision in sorted(found)
    ]
    return escape(f"Zone and precision: {'; '.join(parts)}.") if parts else ""


def _row(burst: Burst) -> tuple[object, ...]:
    first = burst.events[0]
    at = "unknown" if burst.start is None else f"{burst.start:%Y-%m-%d %H:%M:%S}"
    if burst.start is not None and burst.source == "log" and first.precision < 1:
        at += f".{burst.start.microsecond // 1000:03d}"
    where = code(clip(first.ref, 120)) if first.ref else ""
    if len(burst.events) > 1:
        where = Markdown(f"{where} and {len(burst.events) - 1} more")
    zone = f"{first.assumed} (assumed)" if first.assumed else "its own"
    return at, SOURCES.get(burst.source, burst.source), clip(burst.text), where, zone, _precise(first)


def _precise(event: Event) -> str:
    if event.at is None:
        return ""
    for size, unit in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"), (1e-3, "millisecond")):
        if event.precision >= size:
            return f"1 {unit}" if event.precision == size else f"{event.precision / size:g} {unit}s"
    return "1 microsecond"
