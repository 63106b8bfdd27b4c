"""What is known about one environment, or about all of them, as frames and as something to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from forensics import frames, wording

if TYPE_CHECKING:
    import pandas as pd

    from forensics.model import Event, Exhibit

Document = Mapping[str, Any]


class Diagnosis:
    """The diagnosis of one environment: a view of its document (``forensics/diagnosis/1``), which it never changes.

    Examples
    --------
    >>> from forensics.diagnosis import Diagnosis
    >>> Diagnosis({"environment": {"name": "dev", "state": "ok"}}).verdict
    'Nothing is wrong in dev.'
    """

    def __init__(self, document: Document, events: Iterable[Event] = (), exhibits: Iterable[Exhibit] = ()) -> None:
        self.document = document
        self.events = tuple(events)
        self.exhibits = tuple(exhibits)

    @property
    def environment(self) -> str:
        """The name of the environment."""
        return str(self.document["environment"]["name"])

    @property
    def state(self) -> str:
        """``ok``, ``pending``, ``needs-fixing``, ``not-initialised`` or ``unreadable``."""
        return str(self.document["environment"]["state"])

    @property
    def ok(self) -> bool:
        """Whether nothing at ``error`` or above was found."""
        return not any(item["severity"] in ("critical", "error") for item in self.document.get("findings", ()))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """How the migrations are named in findings, in the chain's order."""
        return tuple(wording.labels(self.document.get("migrations", ())))

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """How the migrations are named above the columns of a figure, in the chain's order."""
        return tuple(wording.headings(self.document.get("migrations", ())))

    @cached_property
    def marks(self) -> tuple[wording.Mark, ...]:
        """What is known of each migration, in the chain's order."""
        rows = self.document.get("migrations", ())
        return tuple(wording.mark(wording.claimed(item), item["executed"]) for item in rows)

    @property
    def marked(self) -> Mapping[wording.Mark, list[str]]:
        """The labels that each mark holds for, runs of them shortened: ``005 to 016``."""
        found = {
            mark: [label for label, each in zip(self.labels, self.marks, strict=True) if each is mark]
            for mark in wording.MARKS.values()
        }
        return {mark: wording.spans(labels, self.labels) for mark, labels in found.items() if labels}

    @cached_property
    def leading(self) -> Document | None:
        """The most serious finding; of several the first. None where nothing was found.

        Of a database that is empty or unreadable it is the one that says so: what is wrong with the chain comes after.
        """
        rows = self.document.get("findings", ())
        own = [item for item in rows if item["cause"] in ("uninitialised", "unreadable") and self.silent]
        return min(own or rows, key=wording.urgency, default=None)

    @property
    def stop(self) -> Document | None:
        """The failure at which the next run stops, or the first one where nothing is recorded yet; None where none is foreseen."""
        return self.document.get("next_failure") or (self.document.get("first_run") or {}).get("stops") or None

    @property
    def strays(self) -> tuple[str, ...]:
        """The recorded revisions that the migration tool cannot locate, so that it ends before any migration."""
        rows = self.document.get("findings", ())
        causes = ("foreign-chain", "orphan-revision", "ahead-of-code", "missing-file")
        named = {name for item in rows if item["cause"] in causes for name in item["migrations"]}
        tracker = self.document.get("tracker") or {}
        known = {item["version"] for item in self.document.get("migrations", ())}
        if tracker.get("tool") != "alembic":
            return ()
        return tuple(name for name in tracker.get("recorded", ()) if name in named and name not in known)

    @property
    def silent(self) -> bool:
        """Whether the database tells nothing: it is empty, or it could not be read."""
        return self.state in ("not-initialised", "unreadable")

    @property
    def verdict(self) -> str:
        """What is the matter, in a sentence."""
        name, finding = self.environment, self.leading
        failure = self.document.get("next_failure") or {}
        if self.state == "unreadable":
            return f"{name} could not be read: {_lower(finding['summary']) if finding else 'no reason is known.'}"
        if self.state == "not-initialised":
            stop = (self.document.get("first_run") or {}).get("stops")
            own = [item for item in self.document["findings"] if item["scope"] == "environment"]
            grave = next((item for item in own if item["severity"] in ("critical", "error")), None)
            if grave:
                return f"{name} is an empty database, but all is not well: {_lower(grave['summary'])}"
            if stop:
                return f"{name} is an empty database. Its first run will stop at {stop['version']}: {stop['error']}."
            return f"{name} is an empty database: nothing has been applied yet, and nothing is broken."
        if self.state == "needs-fixing" and finding:
            text = f"{name} needs fixing: {_lower(finding['summary'])}"
            if failure and finding["cause"] != "pending-will-fail":
                text += f" The next run will stop at {failure['version']}: {failure['error']}."
            return text
        explanation = self.document.get("explanation") or {}
        proof = " Replaying its story rebuilds the schema exactly." if explanation.get("reconstructed") else ""
        waiting = [item for item in self.document.get("migrations", ()) if not item["recorded"]]
        if self.state == "pending" and waiting:
            noun = wording.count(len(waiting), "migration")
            verb = "waits" if len(waiting) == 1 else "wait"
            return f"Nothing is wrong in {name}: {noun} {verb} to be applied.{proof}"
        return f"Nothing is wrong in {name}.{proof}"

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row a finding; columns as ``frames.SHAPES['findings']``."""
        return frames.frame(
            "findings",
            [
                (
                    item["id"], item["severity"], item["cause"], item["scope"], item["migrations"],
                    [wording.thing(each) for each in item["objects"]], item["summary"], item["confidence"],
                    item["would_overturn"], item["remedy"], item["prevention"], item.get("origin"),
                    item["contributing"], item["alternatives"],
                )
                for item in self.document.get("findings", ())
            ],
        )  # fmt: skip

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """One row a piece of evidence, ``for`` or ``against`` its finding; columns as ``frames.SHAPES['evidence']``."""
        return frames.frame(
            "evidence",
            [
                (item["id"], side, proof["source"], proof["detail"], proof.get("ref"))
                for item in self.document.get("findings", ())
                for side, key in (("for", "evidence"), ("against", "evidence_against"))
                for proof in item[key]
            ],
        )

    @cached_property
    def migrations(self) -> pd.DataFrame:
        """One row a migration, in the chain's order; columns as ``frames.SHAPES['migrations']``."""
        return frames.frame(
            "migrations",
            [
                (
                    item["id"], item["version"], item["name"], item["file"], item["recorded"], item["recorded_at"],
                    item["executed"], item["basis"],
                    *(item["effects"][key] for key in ("expected", "present", "absent", "superseded", "altered")),
                    *((item["content"] or {}).get(key) for key in ("sha256", "origin")),
                )
                for item in self.document.get("migrations", ())
            ],
        )  # fmt: skip

    @cached_property
    def story(self) -> pd.DataFrame:
        """What rebuilds the schema, one row a step; columns as ``frames.SHAPES['story']``."""
        explanation = self.document.get("explanation") or {}
        outside = explanation.get("outside", ())
        rows: list[tuple[Any, ...]] = []
        for number, step in enumerate(explanation.get("steps", ()), 1):
            if "migration" in step:
                rows.append(
                    (number, "migration", step["migration"], step.get("statements"), step.get("of"), "", "", "")
                )
            else:
                change = outside[step["outside"]]
                things = [wording.thing(each) for each in change["objects"]]
                rows.append((number, "outside", "", "", None, change["origin"], things, ";\n".join(change["ddl"])))
        return frames.frame("story", rows)

    @cached_property
    def criteria(self) -> pd.DataFrame:
        """What must be true for the incident to be over, one row a criterion of the case file that is asked here.

        Columns as ``frames.SHAPES['criteria']``: ``criterion``, ``kind``, ``subject``, ``found`` and ``evidence`` are
        ``str``, ``met`` is ``boolean`` and missing where it cannot be told.
        """
        return frames.frame(
            "criteria",
            [
                (
                    item["text"], item["kind"], item["subject"], item["met"], item["found"],
                    [wording.place(proof.get("ref", "")) or proof["source"] for proof in item["evidence"]],
                )
                for item in self.document.get("criteria") or ()
            ],
        )  # fmt: skip

    @cached_property
    def timeline(self) -> pd.DataFrame:
        """The dated facts of this environment; columns as ``frames.SHAPES['timeline']``."""
        return frames.timeline(self.events)

    def to_json(self) -> str:
        """Return the document as JSON, the same text that ``forensics diagnose --format json`` prints."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"

    def _repr_html_(self) -> str:
        from forensics.glance import diagnosis_html

        return diagnosis_html(self)

    def _repr_markdown_(self) -> str:
        from forensics.glance import diagnosis_markdown

        return diagnosis_markdown(self)

    def __repr__(self) -> str:
        lines = [self.verdict]
        for item in self.document.get("findings", ()):
            lines.append(f"  {item['id']} {item['severity']} {item['cause']}: {item['summary']}")
        return "\n".join(lines)


class Fleet:
    """The diagnoses of all environments of a case: a view of one document (``forensics/fleet/1``)."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @cached_property
    def diagnoses(self) -> Mapping[str, Diagnosis]:
        """The diagnosis of each environment by its name, in the order of the case."""
        return {item["environment"]["name"]: Diagnosis(item) for item in self.document["environments"]}

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a migration and environment; columns as ``frames.SHAPES['matrix']``."""
        return frames.frame(
            "matrix",
            [
                (item["id"], item["version"], name, item["recorded"], item["executed"], item["basis"])
                for name, diagnosis in self.diagnoses.items()
                for item in diagnosis.document["migrations"]
            ],
        )

    @cached_property
    def labels(self) -> dict[str, str]:
        """How each migration is named, by its id: all of any environment, each behind what stands before it there."""
        order: list[str] = []
        found: dict[str, str] = {}
        for diagnosis in self.diagnoses.values():
            place = 0
            for item, label in zip(diagnosis.document["migrations"], diagnosis.labels, strict=True):
                if item["id"] not in found:
                    order.insert(place, item["id"])
                    found[item["id"]] = label
                place = order.index(item["id"]) + 1
        return {each: found[each] for each in order}

    @cached_property
    def headings(self) -> dict[str, str]:
        """How each migration is named above the columns of a figure, by its id."""
        found = {
            item["id"]: heading
            for each in self.diagnoses.values()
            for item, heading in zip(each.document["migrations"], each.headings, strict=True)
        }
        return {each: found[each] for each in self.labels}

    def matrix(self) -> pd.DataFrame:
        """Return which migration really ran where: one row a migration, one column an environment.

        The words are ``yes``, ``no``, ``partial`` and ``unknown``, and nothing where an environment tells nothing
        (empty, unreadable). `recorded` has the same rows and columns.
        """
        return self._wide("executed", "", frames.TEXT)

    def recorded(self) -> pd.DataFrame:
        """Return which migration the tracker records where: rows and columns of `matrix`, missing where unknown."""
        return self._wide("recorded", None, frames.TRUTH)

    def _wide(self, key: str, nothing: Any, dtype: str) -> pd.DataFrame:
        import pandas as pd

        found = {
            name: {item["id"]: item[key] for item in diagnosis.document["migrations"]}
            for name, diagnosis in self.diagnoses.items()
        }
        ids = list(self.labels)
        rows = pd.Index(ids, dtype="str", name="migration")
        table = pd.DataFrame(
            {name: pd.Series([column.get(each, nothing) for each in ids], index=rows, dtype=dtype)
             for name, column in found.items()},
            index=rows,
        )  # fmt: skip
        return table.rename_axis(columns="environment")

    @cached_property
    def environments(self) -> pd.DataFrame:
        """One row an environment; columns as ``frames.SHAPES['environments']``."""
        rows = []
        for name, diagnosis in self.diagnoses.items():
            document = diagnosis.document
            explanation = document.get("explanation") or {}
            done = [item["executed"] for item in document["migrations"]]
            rows.append(
                (
                    name, diagnosis.state, sum(item["recorded"] for item in document["migrations"]),
                    done.count("yes"), done.count("partial"), len(document["findings"]),
                    sum(item["severity"] == "critical" for item in document["findings"]),
                    explanation.get("reconstructed"), (document.get("next_failure") or {}).get("migration"),
                    document["environment"].get("url"),
                )
            )  # fmt: skip
        return frames.frame("environments", rows)

    @cached_property
    def criteria(self) -> pd.DataFrame:
        """One row a criterion of the case and environment in which it is asked.

        Columns as ``frames.SHAPES['criteria_matrix']``: ``criterion``, ``kind``, ``subject``, ``environment`` and ``found``
        are ``str``, ``met`` is ``boolean`` and missing where it cannot be told.
        """
        return frames.frame(
            "criteria_matrix",
            [
                (item["text"], item["kind"], item["subject"], name, item["met"], item["found"])
                for name, diagnosis in self.diagnoses.items()
                for item in diagnosis.document.get("criteria") or ()
            ],
        )

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Findings with one cause over several environments; columns as ``frames.SHAPES['groups']``."""
        return frames.frame(
            "groups",
            [
                (
                    item["id"], item["cause"], item["migrations"], item["environments"], len(item["findings"]),
                    item["summary"],
                )
                for item in self.document.get("groups", ())
            ],
        )  # fmt: skip

    @property
    def verdict(self) -> str:
        """How many environments are in which state, in a sentence."""
        states = [diagnosis.state for diagnosis in self.diagnoses.values()]
        parts = [f"{states.count(state)} {words}" for state, words in _ORDER if state in states]
        parts = [part.replace("needs", "need") if not part.startswith("1 ") else part for part in parts]
        return f"{wording.count(len(states), 'environment')}: {wording.listing(parts)}."

    def to_json(self) -> str:
        """Return the document as JSON."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"

    def _repr_html_(self) -> str:
        from forensics.glance import fleet_html

        return fleet_html(self)

    def _repr_markdown_(self) -> str:
        from forensics.glance import fleet_markdown

        return fleet_markdown(self)

    def __repr__(self) -> str:
        return "\n".join([self.verdict, *(f"  {each.verdict}" for each in self.diagnoses.values())])


_ORDER = [(state, wording.STATES[state]) for state in wording.STATES_BY_GRAVITY]


def _lower(text: str) -> str:
    """Return a sentence ready to follow a colon: its first letter small, unless it is a name or an abbreviation."""
    word = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if word.istitle() and word.isalpha() else text
