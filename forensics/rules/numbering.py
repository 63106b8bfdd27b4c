"""Which of several files keeps a version that they share, and which free number the others could have."""

from __future__ import annotations

from collections.abc import Mapping

from forensics.rules.facts import Facts


def renumbering(facts: Facts) -> Mapping[str, str]:
    """Return a free version for each migration that shares its version with one that keeps it; nothing where none is a number.

    The one that ran here keeps it, of several (or none) the first. A copy of another file gets none. Numbers follow the
    highest one that the chain or the tracker knows.
    """
    chain = facts.chain
    if chain is None or facts.explanation is None:
        return {}
    copies = facts.explanation.copies()
    known = [item.version for item in chain.migrations] + list(facts.history.versions)
    numbers = [text for text in known if text.isdecimal()]
    if not numbers:
        return {}
    highest, width = max(map(int, numbers)), max(map(len, numbers))
    found: dict[str, str] = {}
    for version, items in chain.by_version.items():
        files = [item for item in items if item.id not in copies]
        if len(files) < 2 or not version.isdecimal():
            continue
        ran = [item for item in files if facts.judged[item.id].executed in ("yes", "partial")]
        kept = (ran or files)[0]
        for item in files:
            if item is not kept:
                highest += 1
                found[item.id] = f"{highest:0{width}d}"
    return found


def renamed(facts: Facts, name: str, number: str) -> str:
    """Return the file of a migration under another number."""
    item = facts.chain.by_id[name] if facts.chain else None
    file = (item.file or name) if item else name
    version = item.version if item else ""
    return number + file.removeprefix(version) if version and file.startswith(version) else f"{number}_{file}"
