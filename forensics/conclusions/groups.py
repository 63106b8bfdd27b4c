"""What several environments have in common: findings of one cause, drawn together and said in one sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from forensics.model import SEVERITIES
from forensics.rules.facts import listing, sentence
from forensics.wording import labels, spans

Document = dict[str, Any]
Member = tuple[str, Document]


def groups(documents: Sequence[Document]) -> list[Document]:
    """Group findings of one cause over environments: the same scope and cause are one group, whatever the number of findings.

    What is true of the chain is grouped by its migrations too, and changes from outside by their origin.
    """
    found: dict[tuple[str, str, tuple[str, ...]], list[Member]] = defaultdict(list)
    for item in documents:
        for finding in item["findings"]:
            which = tuple(finding["migrations"]) if finding["scope"] == "chain" else ()
            found[finding["scope"], finding["cause"], (*which, finding.get("origin", ""))].append(
                (item["environment"]["name"], finding)
            )
    ranked = sorted(
        found.items(),
        key=lambda pair: (
            min(SEVERITIES.index(f["severity"]) for _e, f in pair[1]), -len({e for e, _f in pair[1]}), pair[0]
        ),
    )  # fmt: skip
    order = _order(documents)
    return [
        _group(number, cause, members, order, documents) for number, ((_scope, cause, _which), members) in enumerate(ranked, 1)
    ]


def _order(documents: Iterable[Document]) -> list[str]:
    """Return how findings name the migrations of any environment, each behind what stands before it there."""
    order: list[str] = []
    for item in documents:
        place = 0
        for label in labels(item["migrations"]):
            if label not in order:
                order.insert(place, label)
            place = order.index(label) + 1
    return order


def _group(number: int, cause: str, members: list[Member], order: list[str], documents: Sequence[Document]) -> Document:
    ranks = {name: place for place, name in enumerate(order)}
    names = sorted(
        {name for _env, finding in members for name in finding["migrations"]},
        key=lambda name: (ranks.get(name, len(ranks)), name),
    )
    environments = list(dict.fromkeys(name for name, _finding in members))
    return {
        "id": f"G{number}",
        "cause": cause,
        "migrations": names,
        "environments": environments,
        "findings": [[name, finding["id"]] for name, finding in members],
        "summary": sentence(_summary(cause, members, names, _where(environments, len(documents)), order, documents)),
    }


def _summary(
    cause: str, members: list[Member], names: list[str], where: str, order: list[str], documents: Sequence[Document]
) -> str:
    one = str(members[0][1]["summary"])
    said = listing(spans(names, order), 12)
    if cause == "pending-will-fail":
        return f"The next run will stop {_stops(members, order)}."
    if all(finding["scope"] == "chain" for _env, finding in members):
        return one + (_ran(names, documents) if cause == "replay-escape" else "")
    if cause == "masked-create":
        tables = [each["name"] for _env, item in members for each in item["objects"] if each["kind"] == "table"]
        listed = listing(list(dict.fromkeys(tables)), 6)
        creates = "creates" if len(names) == 1 else "create"
        tabled = "a table that was" if len(set(tables)) == 1 else "tables that were"
        return f"{said} {creates} {tabled} there already in another shape ({listed}) {where}."
    if all(finding["summary"] == one for _env, finding in members):
        return f"{one.rstrip('.')} ({where})."
    if cause == "manual-change":
        by_text: dict[str, list[str]] = defaultdict(list)
        for name, finding in members:
            by_text[finding["summary"].rstrip(".")].append(name)
        told = [f"{listing(envs, 8)}: {text}" for text, envs in by_text.items()]
        return f"The schema was changed outside the migrations {where}. {'; '.join(told[:6])}."
    if cause == "foreign-chain":
        return _belong(members, names, where, documents)
    if cause == "stale-runner" and (runs := _still_runs(members, where)):
        return runs
    words = _WORDS.get(cause, cause.replace("-", " "))
    plural = len(names) != 1
    for one_word, many in (("is", "are"), ("was", "were"), ("it", "they")):
        words = words.replace("{" + one_word + "}", many if plural else one_word)
    return f"{said + ' ' if said else ''}{words} {where}."


def _belong(members: Sequence[Member], names: Sequence[str], where: str, documents: Sequence[Document]) -> str:
    """Return one sentence for revisions that belong to other chains than the active one."""
    wanted = {name for name, _finding in members}
    paths = [
        told["chains"][0]["path"]
        for item in documents
        if item["environment"]["name"] in wanted
        for told in item.get("foreign") or ()
        if told["chains"]
    ]
    chain = f"of {listing(list(dict.fromkeys(paths)), 4)}" if paths else "of another chain"
    verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return (
        f"{listing(names, 12)} {verb} recorded {where}, but {verb} {chain}: the active chain does not know {them}, so the tool "
        "stops there with \"Can't locate revision\" and runs nothing."
    )


def _still_runs(members: Sequence[Member], where: str) -> str:
    """Return one sentence for what still runs one abandoned chain, or nothing where that is not the same everywhere."""
    parts = [item["summary"].partition(": ") for _env, item in members]
    heads, said = {head for head, _, _ in parts}, {rest.partition(" fails ")[0] for _, _, rest in parts}
    if len(heads) != 1 or len(said) != 1 or any(" fails " not in rest for _, _, rest in parts):
        return ""
    times = [f"{env} {rest.partition(' fails ')[2].partition(', ')[0]}" for (env, _), (_, _, rest) in zip(members, parts, strict=True)]
    return f"{heads.pop()} {where}: {said.pop()} fails there ({listing(times, 8)})."


def _where(environments: Sequence[str], total: int) -> str:
    if len(environments) == 1:
        return f"in {environments[0]}"
    if len(environments) == total:
        return f"in all {total} environments"
    return f"in {len(environments)} environments: {listing(environments, 8)}"


def _stops(members: Sequence[Member], order: list[str]) -> str:
    by_migration: dict[str, list[str]] = defaultdict(list)
    for environment, finding in members:
        by_migration[finding["migrations"][0]].append(environment)
    ranked = sorted(by_migration, key=lambda name: (order.index(name) if name in order else len(order), name))
    return listing([f"at {name} in {listing(by_migration[name], 8)}" for name in ranked], 8)


def _ran(names: Sequence[str], documents: Sequence[Document]) -> str:
    """Say in which environments migrations ran."""
    where = [
        item["environment"]["name"]
        for item in documents
        for label, row in zip(labels(item["migrations"]), item["migrations"], strict=True)
        if label in names and row["executed"] in ("yes", "partial")
    ]
    return f" It ran in {listing(list(dict.fromkeys(where)), 8)}." if where else " It ran nowhere that can be told."


_WORDS = {
    "recorded-not-executed": "{is} recorded as applied, but never ran,",
    "executed-not-recorded": "ran, but {is} not recorded,",
    "partially-executed": "{was} executed only in part",
    "bulk-stamped": "{was} marked as applied by hand, not by a run,",
    "pending": "{is} not applied yet",
    "out-of-order": "{was} applied out of order",
    "modified-after-apply": "{was} edited after being applied",
    "equivalent-chain": "can be stamped without touching data, as the active chain builds the same schema,",
    "chain-cannot-build": "cannot run on an empty database",
    "race": "had not finished when something used what {it} made,",
    "missing-file": "{is} recorded, but the file is gone,",
    "failed-migration": "{is} marked as failed by the tracker itself",
    "inserted-behind-head": "{was} added behind what was applied already",
    "inconsistent-history": "{is} recorded, but not what it depends on,",
    "duplicate-record": "{is} recorded more than once",
    "leftover-object": "an interrupted rebuild left objects behind",
    "unreadable": "some evidence could not be read",
    "uninitialised": "never initialised",
    "untracked": "application objects without a tracker",
    "built-from-models": "created from the models and stamped",
}
