"""The chain that the tracker speaks of in place of the active one: what ran of it, why it cannot build, in what it differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import Markdown, code, escape
from forensics.report.text import Section, bullets, clip, codes, cut_table, prose, section

_MORE = "all of them are in [findings.json](findings.json)"
_RAN = {"yes": "✓ ran", "no": "did not run", "partial": "◐ ran in part", "unknown": "? the schema cannot tell"}
_HOW = {
    "dropped": "{} has dropped the {} {} already",
    "made": "{} has made the {} {} already",
    "never": "no migration of the chain creates the {1} {2}",
}
_STATES = {"missing": "only the active chain builds it", "extra": "only the other chain builds it", "altered": "both build it, differently"}
_MOST = 3


def foreign(diagnosis: Diagnosis) -> Section | None:
    """Return the chains that know the recorded revision: what ran of them, whether they build, old against active by object."""
    told: Sequence[Mapping[str, Any]] = diagnosis.document.get("foreign") or ()
    parts = [part for item in told for place, chain in enumerate(item["chains"][:_MOST]) for part in _chain(diagnosis, item, chain, place)]
    return section(*parts, _left(diagnosis) if parts else None)


def _chain(diagnosis: Diagnosis, item: Mapping[str, Any], chain: Mapping[str, Any], place: int) -> Iterator[str | None]:
    path, total = chain["path"], len(item["chains"])
    yield f"### {escape(item['version'])} in {escape(path)}"
    file = next((each["file"] for each in chain["migrations"] if each["version"] == item["version"]), None)
    yield " ".join(filter(None, (_which(diagnosis, item, chain, file, total), _builds(chain))))
    if place and not chain["fits"]:
        count = len((chain["difference"] or {}).get("changes", ()))
        if count:
            yield f"What it builds differs from what the active chain builds in {wording.count(count, 'object')}."
        return
    yield cut_table(["migration", "file", "here", "the tracker"], list(_migrations(chain)), limit=40, more=_MORE)
    if chain["failures"]:
        rows = [(code(each["migration"]), code(clip(each["statement"], 160)), each["error"], _because(each)) for each in chain["failures"]]
        yield "Run alone on an empty database, these of its statements fail:"
        yield cut_table(["migration", "first statement that fails", "error", "why"], rows, limit=20, more=_MORE)
    yield from _difference(diagnosis, chain)


def _which(diagnosis: Diagnosis, item: Mapping[str, Any], chain: Mapping[str, Any], file: str | None, total: int) -> str:
    kind = {"archived": "the archived chain", "beside": "another history in the same folder"}.get(chain["kind"], "the chain")
    where = f"The tracker's {code(item['version'])} stands in {kind} {code(chain['path'])}{f', file {code(file)}' if file else ''}."
    if total > 1:
        where += f" It is one of {total} chains that know this id."
    if chain["fits"]:
        outside = f", with what something else made in between ({codes(chain['outside'], 4)})" if chain["outside"] else ""
        done = "rebuilds the live schema exactly" if chain["reconstructed"] else "comes nearest to the live schema"
        return f"{where} Its story {done}{outside}: this is the chain that ran here."
    own = any(other["fits"] for other in item["chains"])
    active = diagnosis.document["chain"].get("path", "")
    better = "the other one" if own else f"the active chain {code(active)}"
    return f"{where} But it is not what made this schema: {better} explains it better."


def _builds(chain: Mapping[str, Any]) -> str:
    if chain["builds_from_empty"] is None:
        return "Whether it builds an empty database could not be told here."
    return "It builds an empty database." if chain["builds_from_empty"] else "**It cannot build an empty database, and never could.**"


def _migrations(chain: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for item in chain["migrations"]:
        here = _RAN[item["executed"]]
        yield code(item["version"]), code(item["file"] or item["id"]), here, "implies it" if item["recorded"] else ""


def _because(failure: Mapping[str, Any]) -> Markdown:
    why = failure["because"]
    said = escape(_HOW[why["how"]].format(why["migration"], why["kind"].replace("_", " "), why["name"])) if why else ""
    if failure["supplied"]:
        said += f"{'; ' if said else ''}it goes through where something outside the chain has made {codes(failure['supplied'], 4)} before"
    return Markdown(said)


def _difference(diagnosis: Diagnosis, chain: Mapping[str, Any]) -> Iterator[str | None]:
    found = chain["difference"]
    if found is None:
        return
    active = diagnosis.document["chain"].get("path", "")
    if not found["changes"] and not found["reordered"]:
        yield f"What it builds and what the active chain {code(active)} builds is the same, object by object."
        return
    supplied = list(dict.fromkeys(name for each in chain["failures"] for name in each["supplied"]))
    given = f" (given {codes(supplied, 6)} where it needs them)" if supplied else ""
    count = wording.count(len(found["changes"]), "object")
    differ = "differs" if len(found["changes"]) == 1 else "differ"
    yield f"What it builds{given} against what the active chain {code(active)} builds, object by object: {count} {differ}."
    rows = [_change(each) for each in found["changes"]] + [_reordered(each) for each in found["reordered"]]
    yield cut_table(["object", "the active chain", "this chain", "made so by"], rows, limit=40, more=_MORE)


def _change(item: Mapping[str, Any]) -> Sequence[object]:
    sides: list[object] = []
    for place, state in ((1, "missing"), (2, "extra")):
        if item["state"] != "altered":
            sides.append("builds it" if item["state"] == state else "does not build it")
        else:
            sides.append(codes([f"{each[0]}: {_value(each[place])}" for each in item["attributes"]], 6))
    makers = [f"{maker} ({side})" for maker, side in ((item["active_by"], "active"), (item["other_by"], "this chain")) if maker]
    return code(wording.thing(item)), *sides, ", ".join(makers)


def _value(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _reordered(item: Mapping[str, Any]) -> Sequence[object]:
    return (
        Markdown(f"the order of the columns of {code(item['table'])}: no difference in meaning"),
        ", ".join(item["active"]), ", ".join(item["other"]), ", ".join(item["by"]),
    )  # fmt: skip


def _left(diagnosis: Diagnosis) -> str | None:
    left = (diagnosis.document.get("way_out") or {}).get("left") or ()
    if not left:
        return None
    return "What can stay as it is:\n\n" + bullets(f"{escape(each['what'])}: {escape(each['why'])}." for each in left)


def logged(diagnosis: Diagnosis) -> Section | None:
    """Return each statement of the logs that only another chain contains, with the file that holds it, and what nobody could locate."""
    said: Mapping[str, Any] = diagnosis.document.get("logs") or {}
    rows = [_statement(each) for each in said.get("foreign", ())]
    lost = [
        (code(each["revision"]), each["times"], each["first"] or "no time told", each["last"] or "", code(each["ref"]))
        for each in said.get("cannot_locate", ())
    ]
    active = diagnosis.document["chain"].get("path")
    named = f"the active chain {code(active)}" if active else "the active chain"
    lost_head = "Revisions of which the migration tool said \"Can't locate revision identified by\", and ended before any migration:"
    heads = ["statement", "the file that holds it", "what came of it", "times", "first (UTC)", "last (UTC)", "where"]
    return section(
        f"Statements that nothing in {named} contains:" if rows else None,
        cut_table(heads, rows, limit=20, more=_MORE) if rows else None,
        lost_head if lost else None,
        cut_table(["revision", "times", "first (UTC)", "last (UTC)", "where"], lost, limit=20, more=_MORE) if lost else None,
        _contradictions(diagnosis),
    )


def _statement(item: Mapping[str, Any]) -> Sequence[object]:
    files = [f"{each['file']}:{each['line']}" if each["line"] else each["file"] for each in item["files"]]
    came = f"failed: {item['error']}" if item["failed"] else "was executed"
    return (
        code(clip(item["statement"], 120)), Markdown(f"{codes(files, 3)} of {code(item['chain'])}"), came, item["times"],
        item["first"] or "no time told", item["last"] or "", code(item["ref"]),
    )  # fmt: skip


def _contradictions(diagnosis: Diagnosis) -> str | None:
    """Return what in the logs cannot be said of this database as it stands."""
    found = [
        proof["detail"]
        for item in diagnosis.document["findings"]
        if item["cause"] == "stale-runner"
        for proof in item["evidence_against"]
        if "two databases" in proof["detail"]
    ]
    if not found:
        return None
    head = "**Not all of this is said of one database at one moment:**"
    return f"{head}\n\n" + bullets(prose(text[:1].upper() + text[1:] + ".", 1200) for text in dict.fromkeys(found))
