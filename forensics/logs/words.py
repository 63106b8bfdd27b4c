"""The words that lines of many formats share: times, levels, and the name of who writes."""

from __future__ import annotations

import re
from functools import lru_cache

from forensics.clock import Instant, instant, zone
from forensics.logs.entry import LEVELS, Entry

TIME = (
    r"\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?"
    r"(?:\s?(?:Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b|[+-]\d{2}\b))?"
)
# Abbreviations that mean one offset all over the world; the others (CST, IST, BST ...) mean several.
OFFSETS = {
    "CET": "+01:00", "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "WET": "+00:00", "WEST": "+01:00",
    "EDT": "-04:00", "MDT": "-06:00", "PDT": "-07:00", "PST": "-08:00", "MSK": "+03:00", "JST": "+09:00",
    "KST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00", "ACST": "+09:30", "AWST": "+08:00", "NZST": "+12:00",
    "NZDT": "+13:00", "HST": "-10:00", "SGT": "+08:00", "HKT": "+08:00",
}  # fmt: skip
_LEVEL = re.compile(rf"[\[(<|]?\b(?P<level>{'|'.join(LEVELS)})\b[\])>|]?:?", re.I)
_NAME = re.compile(r"[\[(]?(?P<name>[A-Za-z_][\w.\-/]{0,80})[\])]?\s*(?::\s|\s-\s|\|\s)(?P<rest>.*)", re.S)
_BARE = re.compile(r"(?:\[(?P<name>[A-Za-z_][\w.\-/]{0,80})\]|(?P<engine>sqlalchemy\.engine[\w.]*))\s+(?P<rest>.*)", re.S)
_ABBREVIATED = re.compile(r"(?P<time>.*\d)\s(?P<short>[A-Z]{2,5})\Z", re.S)


def moment(text: str, name: str) -> Instant | None:
    """Return the moment that a text of a log means; ``name`` is the zone of one without any.

    A zone's abbreviation counts where it means one offset only, or where it is the one that the named zone uses then.
    Any other is noted beside the zone that was assumed.
    """
    text = text.replace(",", ".")
    found = _ABBREVIATED.match(text)
    if found is None or found["short"] in ("UTC", "GMT", "Z"):
        return instant(text, name)
    short = found["short"]
    local = instant(found["time"], name)
    if local is not None and _short(name, local) == short:
        return Instant(at=local.at, precision=local.precision)
    if short in OFFSETS:
        return instant(f"{found['time']}{OFFSETS[short]}", name)
    if local is None:
        return None
    return Instant(at=local.at, precision=local.precision, assumed=f"{local.assumed} (the log says {short})")


@lru_cache(maxsize=4096)
def _short(name: str, local: Instant) -> str:
    return local.at.astimezone(zone(name)).tzname() or ""


def spoken(at: Instant | None, text: str) -> Entry:
    """Return the entry of a text that comes after its time: a level and a name in either order, then the message."""
    level, actor = "info", ""
    found = _LEVEL.search(text[:120])
    if found and len(text[: found.start()].split()) <= 4 and not _prose(text[: found.start()]):
        level = LEVELS[found["level"].lower()]
        actor = text[: found.start()].strip(" -|:[]()\t")
        text = text[found.end() :].lstrip(" -|\t")
    if not actor:
        named = _NAME.match(text)
        if named:
            actor, text = named["name"], named["rest"]
        elif bare := _BARE.match(text):
            actor, text = bare["name"] or bare["engine"], bare["rest"]
    return Entry(at=at, level=level, actor=actor, message=text.strip())


def levelled(text: str) -> bool:
    """Whether a text begins with a level, as the first line of an entry does."""
    found = _LEVEL.match(text)
    return found is not None


def _prose(before: str) -> bool:
    # "an error" in a sentence is no level: what stands before a level is short and no prose.
    return bool(re.search(r"[a-z]+ [a-z]+ ?$", before)) and not re.search(r"[-|:\]]\s*$", before)
