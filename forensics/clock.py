"""Any source's idea of time, turned into UTC, with what had to be assumed and how precise it is.

A time without a zone is never silently UTC: whoever reads it names the zone that its source is said to use, and the
`Instant` keeps that name. A time that cannot be understood is None, never an invented one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache

from forensics.errors import UsageError

_DAY = 86_400.0
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$", re.IGNORECASE)
_TEXT = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
    r"(?:[T\s_]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)?)?$",
    re.IGNORECASE,
)
_COMPACT = re.compile(
    r"(?P<year>(?:19|20|21)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[T_-]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})(?P<zone>Z)?)?$"
)
_FORMATS = ("%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S %Y", "%d %b %Y %H:%M:%S", "%d.%m.%Y %H:%M:%S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """One moment: ``at`` in UTC, the zone that was ``assumed`` (empty where the source said it), the precision in s."""

    at: datetime
    assumed: str = ""
    precision: float = 1.0


def instant(value: object, zone: str = "UTC") -> Instant | None:
    """Return the moment that ``value`` means, or None where it means none.

    Understood are ``datetime`` and ``date``, ISO 8601 and its relatives, the usual log and mail forms, compact dates
    (``20260210194537``), Unix seconds, milliseconds, microseconds and nanoseconds (as numbers or digits), and Julian
    days as SQLite's ``julianday()`` gives them. ``zone`` is used, and noted, where the value has none of its own. In
    the hour that a change of clocks repeats, the earlier reading is given with a precision of that hour.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        return _in_zone(value, zone, 1e-6 if value.microsecond else 1.0)
    if isinstance(value, date):
        return _in_zone(datetime(value.year, value.month, value.day), zone, _DAY)
    if isinstance(value, int | float):
        return _number(value, zone)
    return _text(value.strip(), zone) if isinstance(value, str) else None


def iso(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC with ``Z``; fractions appear only where there are some.

    >>> iso(datetime(2026, 2, 10, 11, 45, 37, tzinfo=timezone(timedelta(hours=-8))))
    '2026-02-10T19:45:37Z'
    """
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """Return the zone of a name (``America/Los_Angeles``, ``UTC``, ``+02:00``, ``UTC-8``).

    Raises `UsageError` for a name that no zone has.
    """
    from zoneinfo import ZoneInfo, available_timezones

    if name.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if match := _OFFSET.match(name):
        sign, hours, minutes = match.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if shift < timedelta(days=1):
            return timezone(-shift if sign == "-" else shift)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        from difflib import get_close_matches

        near = get_close_matches(name, sorted(available_timezones()), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "use a name such as 'UTC' or 'America/Los_Angeles'"
        raise UsageError(f"unknown time zone {name!r}", remedy=hint) from None


def _in_zone(value: datetime, name: str, precision: float) -> Instant | None:
    try:
        if value.tzinfo is not None:
            return Instant(at=value.astimezone(UTC), precision=precision)
        local = value.replace(tzinfo=zone(name))
        first, second = local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)
        if second > first:
            precision = max(precision, (second - first).total_seconds())
        return Instant(at=min(first, second), assumed=name, precision=precision)
    except OverflowError:
        return None


def _number(value: int | float, zone_name: str) -> Instant | None:
    if value != value or abs(value) == float("inf") or value <= 0:
        return None
    if isinstance(value, float) and 2_415_020 < value < 2_500_000:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=value - 2_440_587.5)
        return Instant(at=moment.replace(microsecond=moment.microsecond // 1000 * 1000), precision=1e-3)
    digits = str(int(value))
    if value == int(value) and len(digits) in (8, 14) and (found := _match(_COMPACT.match(digits), zone_name)):
        return found
    for limit, unit in ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e20, 1_000_000_000)):
        if value < limit:
            whole, rest = divmod(value, unit)
            micro = int(rest * 1_000_000 // unit) if unit > 1 else round((value - whole) * 1_000_000)
            fraction = isinstance(value, float) and value != int(value)
            precision = max(1e-6, 1 / unit) if unit > 1 else (1e-6 if fraction else 1.0)
            try:
                at = datetime.fromtimestamp(int(whole), UTC) + timedelta(microseconds=micro)
            except (OverflowError, OSError, ValueError):
                return None
            return Instant(at=at, precision=precision)
    return None


def _text(value: str, zone_name: str) -> Instant | None:
    if not value or len(value) > 100:
        return None
    found = _match(_TEXT.match(value) or _COMPACT.match(value), zone_name)
    if found:
        return found
    head, _, name = value.rpartition(" ")
    if "/" in name and (named := _match(_TEXT.match(head), name) if _known(name) else None):
        return Instant(at=named.at, precision=named.precision)
    if re.fullmatch(r"\d{9,19}", value):
        return _number(int(value), zone_name)
    if re.fullmatch(r"\d{7,12}\.\d+", value):
        return _number(float(value), zone_name)
    for form in _FORMATS:
        try:
            return _in_zone(datetime.strptime(value, form), zone_name, 1.0)
        except ValueError:
            continue
    try:
        return _in_zone(parsedate_to_datetime(value), zone_name, 1.0)
    except (ValueError, TypeError, IndexError):
        return None


def _match(match: re.Match[str] | None, zone_name: str) -> Instant | None:
    if match is None:
        return None
    part = match.groupdict()
    fraction = part.get("fraction") or ""
    precision = _DAY if part["hour"] is None else 60.0 if part["second"] is None else 10.0 ** -min(len(fraction), 6)
    try:
        moment = datetime(
            int(part["year"]),
            int(part["month"]),
            int(part["day"]),
            int(part["hour"] or 0),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            int((fraction + "000000")[:6]),
            tzinfo=zone(part["zone"]) if part.get("zone") else None,
        )
    except (ValueError, UsageError):
        return None
    return _in_zone(moment, zone_name, precision)


def _known(name: str) -> bool:
    try:
        zone(name)
    except UsageError:
        return False
    return True
