"""A diagnosis in words for a terminal, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.console import SEVERITY, STATE, Console, visible
from forensics.diagnosis import Diagnosis, Fleet

Document = Mapping[str, Any]
_PROOFS = 6
_UNSAID = ("", "none needed", "this is the backup", "It only reads.")


def show_fleet(console: Console, document: Document, *, explain: bool = False) -> None:
    """Write what several environments have in common, then each of them."""
    fleet = Fleet(document)
    console.paragraph(fleet.verdict, colour="bold")
    groups = document.get("groups") or []
    if groups:
        console.line()
        console.line("Found in several environments")
        for group in groups:
            head = f"  {visible(group['id']):<4}"
            where = wording.listing([str(name) for name in group["environments"]], limit=20)
            console.paragraph(f"{group['summary']} ({where})", indent=head, hanging=" " * len(head))
    for item in document["environments"]:
        console.line()
        console.line(console.paint("-" * console.width, "dim"))
        show_diagnosis(console, item, explain=explain)


def show_diagnosis(console: Console, document: Document, *, explain: bool = False) -> None:
    """Write one diagnosis: the verdict, the findings, what really happened, what fails next."""
    diagnosis = Diagnosis(document)
    console.paragraph(diagnosis.verdict, colour="bold" if diagnosis.ok else STATE.get(diagnosis.state, "bold"))
    console.paragraph(_facts(document), colour="dim")
    findings = sorted(document["findings"], key=wording.severity_rank)
    steps = document.get("plan") or []
    for item in findings:
        console.line()
        _finding(console, item, brief=item["severity"] == "info" and not explain, steps=_steps_of(item, steps))
    if steps:
        console.line()
        _plan(console, steps)
    failure = document.get("next_failure")
    if failure:
        console.line()
        console.line(console.paint("The next run fails", "bold"))
        _failure(console, failure)
    again = [item for item in document.get("failures") or [] if item.get("when") == "if-rerun"]
    if again:
        console.line()
        console.line(console.paint("Recorded, and would fail if somebody ran them again", "bold"))
        for item in again if explain else again[:5]:
            _failure(console, item)
        if len(again) > 5 and not explain:
            console.line(f"  ... and {len(again) - 5} more (--explain shows them)")
    _criteria(console, document, explain=explain)
    explanation = document.get("explanation")
    if explanation:
        console.line()
        _story(console, document, explanation, explain=explain)
        if explain:
            console.line()
            _hypotheses(console, document, explanation)


def _facts(document: Document) -> str:
    environment, tracker, chain = document["environment"], document.get("tracker"), document.get("chain")
    parts = [str(environment.get("url") or "")]
    if environment.get("dialect"):
        parts.append(f"{environment['dialect']} {environment.get('server_version') or ''}".strip())
    if tracker:
        table = f" in {tracker['table']}" if tracker.get("table") else ""
        parts.append(f"tracker {tracker['state']}{table}: {len(tracker['recorded'])} recorded")
    if chain:
        parts.append(
            f"chain {chain['name']} ({chain['tool'] or 'not read'}): {wording.count(chain['count'], 'migration')}"
        )
    return "; ".join(part for part in parts if part)


def _finding(console: Console, item: Document, *, brief: bool, steps: str = "") -> None:
    severity = console.paint(item["severity"].upper(), SEVERITY[item["severity"]])
    about = ", ".join(visible(name) for name in item["migrations"])
    console.line(f"{visible(item['id'])}  {severity}  {item['cause']}{'  ' + about if about else ''}")
    console.paragraph(item["summary"], indent="    ")
    if brief:
        return
    for proof in item["evidence"][:_PROOFS]:
        console.field("proof", _proof(proof))
    if len(item["evidence"]) > _PROOFS:
        console.field("", f"... and {len(item['evidence']) - _PROOFS} more")
    for proof in item["evidence_against"]:
        console.field("against", _proof(proof))
    if item["objects"]:
        things = [f"{wording.thing(each)} {each['state']}" for each in item["objects"]]
        console.field("objects", wording.listing(things, limit=8))
    if item.get("origin"):
        console.field("origin", wording.ORIGINS.get(item["origin"], item["origin"]))
    if item["contributing"]:
        console.field("due to", ", ".join(item["contributing"]))
    if item["alternatives"]:
        console.field("or else", "; ".join(item["alternatives"]))
    console.field("certainty", f"{wording.sure(item['confidence'])}; overturned by: {item['would_overturn']}")
    console.field("do", steps or item["remedy"])
    console.field("prevent", item["prevention"])


def _steps_of(item: Document, steps: Sequence[Document]) -> str:
    """Return which steps of the plan are for a finding."""
    numbers = [str(step["number"]) for step in steps if item["id"] in step["for"]]
    if not numbers:
        return ""
    spans = wording.listing(wording.spans(numbers, [str(step["number"]) for step in steps]), 8)
    return f"step{'' if len(numbers) == 1 else 's'} {spans} of what to do, below"


def _plan(console: Console, steps: Sequence[Document]) -> None:
    """Write the plan: each step with its statements, then what there is to know before it is run."""
    console.paragraph(f"What to do, in this order. {wording.no_return(steps)}", colour="bold")
    for step in steps:
        why = f" ({', '.join(step['for'])})" if step["for"] else ""
        head = f"  {step['number']:>2}  "
        marks = f"{'POINT OF NO RETURN. ' if step['point_of_no_return'] else ''}{'Optional. ' if step['optional'] else ''}"
        console.paragraph(f"{marks}{step['do']}{why}", indent=head, hanging=" " * len(head), colour="bold")
        if step["command"]:
            console.line(f"        $ {visible(step['command'])}")
        if step["command"] and step["sql"]:
            console.line("        or, to the same effect:")
        for line in step["sql"]:
            console.statement(f"{line};", indent="        ", limit=12)
        tried = (step["tried"] or "").removeprefix("Tried ").rstrip(".")
        for name in ("tried", "risk", "backup", "verify"):
            text = tried if name == "tried" else step[name]
            if text not in _UNSAID:
                console.field(name, text, indent="        ", width=8)
        if step["back"] not in _UNSAID:
            console.field("back", step["back"], indent="        ", width=8)
            for line in step["undo"]:
                console.statement(f"{line};", indent="                ", limit=12)


def _proof(proof: Document) -> str:
    place = wording.place(proof.get("ref", ""))
    reference = f" [{place}]" if place else ""
    return f"{proof['source']}: {proof['detail']}{reference}"


def _failure(console: Console, failure: Document) -> None:
    name = failure.get("file") or failure["migration"]
    console.paragraph(f"{failure['version']}  {name}: {failure['error']}", indent="  ", hanging="      ")
    if failure.get("statement"):
        console.statement(failure["statement"], limit=4)
    if failure.get("cause"):
        console.field("because", wording.cause(failure["cause"]), indent="      ", width=9)


def _criteria(console: Console, document: Document, *, explain: bool) -> None:
    """Write whether it is over: what is not met first, then what nobody can tell; what is met is only named."""
    items = document.get("criteria") or []
    if not items:
        return
    console.line()
    console.paragraph(f"Is it over? {wording.over(items)}", colour="green" if all(item["met"] for item in items) else "bold")
    for item in sorted(items, key=lambda each: (each["met"] is True, each["met"] is None)):
        head = f"  {wording.MET[item['met']]:<12}"
        text = item["text"] if item["met"] and not explain else f"{item['text']}: {item['found']}"
        console.paragraph(text, indent=head, hanging=" " * len(head), colour="dim" if item["met"] else "")


def _story(console: Console, document: Document, explanation: Document, *, explain: bool) -> None:
    proven = explanation["reconstructed"]
    residual = explanation["residual"]
    if proven and not residual:
        how = "replaying this from empty rebuilds the schema exactly"
    elif proven:
        how = f"replaying this from empty rebuilds the schema apart from {wording.count(len(residual), 'object')}"
    else:
        how = "replaying this from empty does not rebuild the schema: take it as the nearest story, not as proven"
    console.paragraph(f"What really happened: {how}", colour="bold" if proven else "yellow")
    if not explanation["steps"]:
        console.line("  no statement of any migration ran")
    for line, statements in _steps(document, explanation):
        console.paragraph(line, indent="  ", hanging="      ")
        for sql in statements if explain else statements[:3]:
            console.statement(sql, limit=40 if explain else 4)
        if len(statements) > 3 and not explain:
            console.line(f"      ... and {wording.count(len(statements) - 3, 'more statement')}")
    for item in residual[: None if explain else 8]:
        console.line(f"  left over: {visible(wording.thing(item))} {item['state']}")
    if len(residual) > 8 and not explain:
        console.line(f"  ... and {len(residual) - 8} more")


def _steps(document: Document, explanation: Document) -> list[tuple[str, Sequence[str]]]:
    """Return the story line by line, runs of whole migrations in one line."""
    order = wording.labels(document["migrations"])
    names = {item["id"]: label for item, label in zip(document["migrations"], order, strict=True)}
    found: list[tuple[str, Sequence[str]]] = []
    run: list[str] = []

    def close() -> None:
        if run:
            found.append((", ".join(wording.spans(run, order)), ()))
            run.clear()

    for step in explanation["steps"]:
        if "outside" in step:
            close()
            outside = explanation["outside"][step["outside"]]
            found.append((f"then outside the migrations, by {wording.ORIGINS[outside['origin']]}:", outside["ddl"]))
            continue
        label = names.get(step["migration"], step["migration"])
        if step.get("statements") is None:
            run.append(label)
            continue
        close()
        numbers = wording.spans([str(number) for number in step["statements"]], [str(n) for n in range(1, 10_000)])
        total = f" of {step['of']}" if step.get("of") else ""
        found.append((f"{label} in part: only statement {', '.join(numbers)}{total}", ()))
    close()
    return found


def _hypotheses(console: Console, document: Document, explanation: Document) -> None:
    console.line(console.paint("Why this story", "bold"))
    baseline = explanation["baseline"]["residual"]
    own = len(explanation["residual"])
    console.field("tracker's", f"leaves {wording.count(baseline, 'object')} unexplained", indent="  ", width=12)
    console.field(
        "this one", f"leaves {wording.count(own, 'object')} unexplained, with "
        f"{wording.count(len(explanation['outside']), 'outside change')}", indent="  ", width=12,
    )  # fmt: skip
    order = wording.labels(document["migrations"])
    best = explanation.get("hypotheses", [])[:1]
    for number, item in enumerate(explanation.get("hypotheses", []), 1):
        cost = item["cost"]
        dearer = cost["total"] - best[0]["cost"]["total"]
        price = f"costs {cost['total']:g}" if number == 1 else f"costs {dearer:g} more" if dearer > 0 else "costs no more"
        parts = (
            f"{price} ({cost['deviations_from_tracker']:g} against the tracker, {cost['outside_changes']:g} outside, "
            f"{cost['unexplained']:g} unexplained, {cost['differing_traces']:g} differing traces)"
        )
        console.field(f"story {number}", f"{_against(item, best[0], order)}; {parts}", indent="  ", width=12)
        for word in ("for", "against"):
            for said in item.get(word, ()):
                console.field(word, visible(said), indent="    ", width=10)
    for number, tie in enumerate(explanation["ties"], 1):
        text = tie.get("summary") or json_line(tie)
        console.field(f"equal {number}", str(text), indent="  ", width=12)
    scratch = explanation["scratch"]
    console.field(
        "replayed on", f"{scratch['server_version'] or 'nothing'}, isolation: {scratch['isolation']}", indent="  ",
        width=12,
    )  # fmt: skip
    if scratch.get("caveat"):
        console.field("not promised", scratch["caveat"], indent="  ", width=12)
    width = max((len(visible(label)) for label in order), default=0)
    for item, label in zip(document["migrations"], order, strict=True):
        effects = item["effects"]
        counts = ", ".join(
            f"{effects[key]} {key}" for key in ("present", "absent", "superseded", "altered") if effects[key]
        )
        recorded = "recorded" if item["recorded"] else "not recorded"
        why = f"{wording.BASES[item['basis']]}; {counts or 'no effects'} of {effects['expected']}"
        console.line(f"  {visible(label):<{width}}  {recorded:<12}  {item['executed']:<7}  {why}")


def json_line(value: object) -> str:
    """Return a value as one line of JSON."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _against(item: Document, best: Document, order: list[str]) -> str:
    """Say how one story differs from the best one."""
    if item is best:
        return "the one above"
    said = []
    for key, words in (("executed", "ran"), ("partial", "in part")):
        more = [name for name in item[key] if name not in best[key]]
        less = [name for name in best[key] if name not in item[key]]
        said += [f"{words}: {wording.listing(wording.spans(more, order))}"] if more else []
        said += [f"not {words}: {wording.listing(wording.spans(less, order))}"] if less else []
    return ", ".join(said) or "the same migrations, other changes from outside"
