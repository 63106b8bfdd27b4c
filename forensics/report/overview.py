"""The fleet at a glance: which database is in which state, and what several of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.case.file import folder_name
from forensics.diagnosis import Diagnosis, Fleet
from forensics.markdown import Markdown, code, escape
from forensics.report.text import Section, bullets, clip, codes, cut_table, prose, section

_FIRST = 7
_STEPS = 30
_ELSEWHERE = "the others are in the reports of their environments"


def overview(fleet: Fleet) -> Section | None:
    """Return the title, the verdict, and what is broken, why and where, over all environments."""
    case = fleet.document["case"]
    title = f"# {escape(clip(case.get('title') or case.get('name') or 'All environments', 200))}"
    incident = f"Incident {escape(case['incident'])}." if case.get("incident") else ""
    broken, reasons = _broken(fleet)
    answers = [
        _answer("What is broken", [_line(item) for item in broken]),
        _answer("Why", [_line(item) for item in reasons]),
        _answer("Where", list(_states(fleet))),
        _answer("Two databases, or two moments", [prose(item["summary"], 900) for item in fleet.document.get("moments") or ()]),
    ]
    return section(title, f"**{escape(fleet.verdict)}** {incident}".rstrip(), bullets(filter(None, answers)))


def _answer(question: str, lines: Sequence[str]) -> str:
    return f"**{question}.**\n{bullets(lines)}" if lines else ""


def _broken(fleet: Fleet) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return what hurts several environments or one, the most serious first, and what it comes from."""
    known = {
        (name, item["id"]): item for name, each in fleet.diagnoses.items() for item in each.document["findings"]
    }  # fmt: skip
    entries = [(item, [known[pair[0], pair[1]] for pair in item["findings"]]) for item in fleet.document["groups"]]
    grave = [(item, found) for item, found in entries if found and min(map(wording.severity_rank, found)) <= 1]
    wanted = {
        (pair[0], reason)
        for item, found in grave
        for pair, each in zip(item["findings"], found, strict=True)
        for reason in each["contributing"]
    }
    behind = [item for item, _ in entries if any((pair[0], pair[1]) in wanted for pair in item["findings"])]
    broken = [item for item, _ in grave if item not in behind] or [item for item, _ in grave]
    return broken[:_FIRST], [item for item in behind[:_FIRST] if item not in broken[:_FIRST]]


def _line(group: Mapping[str, Any]) -> str:
    return f"{prose(group['summary'], 500)} ([{escape(group['id'])}](#{_anchor(group['id'])}))"


def _anchor(number: str) -> str:
    return "".join(each for each in number.lower() if each.isalnum())


def _states(fleet: Fleet) -> Sequence[str]:
    found: dict[str, list[str]] = {}
    for name, each in fleet.diagnoses.items():
        found.setdefault(each.state, []).append(name)
    return [
        f"{wording.STATES[state]}: {escape(wording.listing(found[state], 14))}" for state in wording.STATES_BY_GRAVITY
        if state in found
    ]  # fmt: skip


def environments(fleet: Fleet, *, links: bool = False) -> Section | None:
    """Return one row an environment; with ``links`` each name leads to the report of that environment."""
    rows = [_environment(name, each, links) for name, each in fleet.diagnoses.items()]
    heads = ["environment", "state", "what is the matter", "the next run", "schema rebuilt"]
    return section(cut_table(heads, rows, limit=100, more="the others are in the figure"))


def _environment(name: str, diagnosis: Diagnosis, links: bool) -> Sequence[object]:
    explanation = diagnosis.document.get("explanation") or {}
    shown = Markdown(f"[{escape(name)}]({folder_name(name)}/report.md)") if links else Markdown(escape(name))
    finding = diagnosis.leading
    rebuilt = "" if not explanation else "exactly" if explanation["reconstructed"] else "not completely"
    if rebuilt == "not completely" and not explanation["residual"] and not explanation["executed"] and not explanation["partial"]:
        rebuilt = "exactly, but by no migration"
    matter = _abroad(diagnosis) or (clip(finding["summary"], 320) if finding else "nothing")
    return shown, wording.STATES[diagnosis.state], matter, _ahead(diagnosis), rebuilt


def _abroad(diagnosis: Diagnosis) -> str:
    """Return where a tracker stands that speaks of another chain, whose the schema is, and what suffices, in a few words."""
    told, way = diagnosis.document.get("foreign") or (), diagnosis.document.get("way_out")
    if not told or not told[0]["chains"] or way is None:
        return ""
    chain = told[0]["chains"][0]
    whose = "that chain's" if chain["fits"] else "the active chain's"
    count = len(way["statements"])
    suffices = f"{wording.count(count, 'statement')} and a stamp suffice" if count else "A stamp suffices"
    stands = f"The tracker stands at {told[0]['version']} of {chain['path']}, and the schema is {whose}."
    return f"{stands} {suffices}: {wording.listing(way['to'], 3)}."


def _ahead(diagnosis: Diagnosis) -> str:
    """Return what the next run does, in a few words."""
    document = diagnosis.document
    failure, first = document.get("next_failure") or {}, document.get("first_run") or {}
    if failure:
        return f"stops at {failure['version']}"
    if diagnosis.strays:
        return f"ends at once: the tool cannot locate {wording.listing(diagnosis.strays, 3)}"
    if first.get("stops"):
        return f"the first run stops at {first['stops']['version']}"
    if diagnosis.silent or not document.get("explanation"):
        return ""
    waiting = any(not item["recorded"] for item in document["migrations"])
    return "no failure foreseen" if waiting or not document["migrations"] else "does nothing: all is recorded"


def groups(fleet: Fleet) -> Section | None:
    """Return the findings that several environments share, each once: in words where they do not stand above already."""
    above = [item["id"] for part in _broken(fleet) for item in part]
    total = len(fleet.diagnoses)
    rows = [_group(item, fleet, _order(fleet), total, item["id"] in above) for item in fleet.document["groups"]]
    if not rows:
        return None
    heads = ["", "cause", "migrations", "environments", "what, and which where"]
    return section(cut_table(heads, rows, limit=60, more=_ELSEWHERE))


def _group(item: Mapping[str, Any], fleet: Fleet, order: Sequence[str], total: int, above: bool) -> Sequence[object]:
    where = _which_where(item, fleet, order)
    everywhere = total > 1 and len(item["environments"]) == total
    number = Markdown(f'<a id="{_anchor(item["id"])}"></a>{escape(item["id"])}')
    summary = "" if above else item["summary"]
    return (
        number,
        code(item["cause"]),
        codes(wording.spans(item["migrations"], order), 12),
        f"all {total}" if everywhere else wording.listing(item["environments"], 8),
        " ".join(filter(None, (summary, where))) or "as said above",
    )


def _which_where(item: Mapping[str, Any], fleet: Fleet, order: Sequence[str]) -> str:
    """Return for each set of migrations in which environments it is found; nothing where that is the same everywhere."""
    found: dict[tuple[str, ...], list[str]] = {}
    by_environment: dict[str, list[str]] = {}
    for name, number in item["findings"]:
        findings = fleet.diagnoses[name].document["findings"]
        labels: list[str] = next((each["migrations"] for each in findings if each["id"] == number), [])
        by_environment.setdefault(name, []).extend(labels)
    place = {label: number for number, label in enumerate(order)}
    for name, labels in by_environment.items():
        ranked = sorted(dict.fromkeys(labels), key=lambda label: (place.get(label, len(place)), label))
        found.setdefault(tuple(wording.spans(ranked, order)), []).append(name)
    if len(found) < 2:
        return ""
    parts = [f"{wording.listing(names, 8)}: {wording.listing(spans, 12)}" for spans, names in found.items()]
    return "; ".join(parts) + "."


def _order(fleet: Fleet) -> list[str]:
    return list(fleet.labels.values())


def next_steps(fleet: Fleet) -> Section | None:
    """Return where nothing may be run, then the remedies, each once with the environments that need it, the most serious first."""
    found: dict[object, tuple[str, dict[str, None]]] = {}
    entries = [
        (item, name)
        for name, each in fleet.diagnoses.items()
        for item in each.document["findings"]
        if (each.state != "not-initialised" or item["scope"] != "chain") and item["cause"] != "pending-will-fail"
    ]
    # What still runs an abandoned chain undoes every repair.
    for item, name in sorted(entries, key=lambda entry: (entry[0]["cause"] != "stale-runner", wording.urgency(entry[0]))):
        if item["remedy"] and wording.severity_rank(item) <= 1:
            chained = item["scope"] == "chain"
            key: object = (item["cause"], tuple(item["migrations"])) if chained else item["remedy"]
            text, names = found.get(key, ("", {}))
            # What is said of the chain differs in what is known here: the fullest text stands for all.
            found[key] = (max(text, item["remedy"], key=len), {**names, name: None})
    lines = [*_stops(fleet)]
    total = len(fleet.diagnoses)
    for text, places in found.values():
        where = f"all {total}" if total > 1 and len(places) == total else wording.listing(places, 8)
        lines.append(f"{prose(text, 1600)} ({escape(where)})")
    shown = "\n".join(f"{place}. {line}" for place, line in enumerate(lines[:_STEPS], 1))
    rest = f"{_STEPS} of {len(lines)} steps are shown; the rest are in the reports of the environments."
    return section(shown, rest if len(lines) > _STEPS else None) if lines else None


def _stops(fleet: Fleet) -> Sequence[str]:
    """Return the stop sign over all environments in which the next run fails."""
    places: dict[str, list[str]] = {}
    for name, each in fleet.diagnoses.items():
        failure = each.document.get("next_failure") or {}
        if failure:
            places.setdefault(failure["version"], []).append(name)
    if not places:
        return []
    where = [f"{wording.listing(names, 8)} (stops at {version})" for version, names in places.items()]
    named = escape(wording.listing(where, 12))
    return [f"**Do not run migrations** in {named}, and start no application that may run them, before the steps below."]
