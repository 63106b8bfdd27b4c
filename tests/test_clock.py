"""Any source's time -> UTC, with what was assumed and how precise it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from forensics.clock import instant, iso, zone
from forensics.errors import UsageError

AT = datetime(2026, 2, 10, 19, 45, 37, tzinfo=UTC)
SECONDS = int(AT.timestamp())


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-10T19:45:37Z", "2026-02-10 19:45:37+00:00", "2026-02-10 11:45:37-0800", "2026-02-10 20:45:37 +01",
        "2026-02-10 19:45:37 UTC", "2026-02-10 11:45:37 America/Los_Angeles", "Tue, 10 Feb 2026 19:45:37 +0000",
        "10/Feb/2026:19:45:37 +0000", SECONDS, str(SECONDS), SECONDS * 1000, SECONDS * 10**6, SECONDS * 10**9,
        float(SECONDS), f"{SECONDS}.0", AT, AT.astimezone(timezone(timedelta(hours=5))), b"2026-02-10T19:45:37Z",
    ],
)  # fmt: skip
def test_times_that_know_their_zone(value: object) -> None:
    found = instant(value, "Asia/Tokyo")
    assert found is not None
    assert (found.at, found.assumed) == (AT, "")


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-10 11:45:37", "2026-02-10T11:45:37", "2026/02/10 11:45:37", "20260210114537", "20260210_114537",
        20260210114537, "Tue Feb 10 11:45:37 2026", "10.02.2026 11:45:37", datetime(2026, 2, 10, 11, 45, 37),
    ],
)  # fmt: skip
def test_times_without_a_zone_say_what_was_assumed(value: object) -> None:
    found = instant(value, "America/Los_Angeles")
    assert found is not None
    assert (found.at, found.assumed) == (AT, "America/Los_Angeles")


@pytest.mark.parametrize(
    ("value", "micro", "precision"),
    [
        ("2026-02-10 19:45:37.123456", 123456, 1e-6),
        ("2026-02-10 19:45:37,123", 123000, 1e-3),
        ("2026-02-10 19:45:37.1234567", 123456, 1e-6),
        (SECONDS * 1000 + 5, 5000, 1e-3),
        (SECONDS + 0.5, 500000, 1e-6),
        ("2026-02-10 19:45:37", 0, 1.0),
    ],
)
def test_fractions_are_kept_with_their_precision(value: object, micro: int, precision: float) -> None:
    found = instant(value)
    assert found is not None
    assert (found.at.microsecond, found.precision) == (micro, pytest.approx(precision))


def test_dates_and_minutes_are_no_more_precise_than_they_are() -> None:
    for value, precision in (
        ("2026-02-10", 86400),
        (date(2026, 2, 10), 86400),
        ("2026-02-10 19:45", 60),
        (20260210, 86400),
    ):
        found = instant(value)
        assert found is not None
        assert found.precision == precision


def test_julian_day() -> None:
    found = instant(2461082.323345, "Asia/Tokyo")
    assert found is not None
    assert abs((found.at - AT).total_seconds()) < 1


@pytest.mark.parametrize(
    "value", [None, "", "  ", "soon", "2026-13-45", "2026-02-30 10:00", 0, -5, float("nan"), float("inf"), True, [],
              1e30,               "9" * 200, "2026-02-10 25:00:00", "1", 12]
)  # fmt: skip
def test_what_is_no_time_is_none(value: object) -> None:
    found = instant(value)
    assert found is None or (value == 12 and found.at.year == 1970)


def test_the_hour_that_comes_twice_is_uncertain() -> None:
    found = instant("2026-11-01 01:30:00", "America/Los_Angeles")
    assert found is not None
    assert (iso(found.at), found.precision) == ("2026-11-01T08:30:00Z", 3600)
    sure = instant("2026-11-01 03:30:00", "America/Los_Angeles")
    assert sure is not None
    assert sure.precision == 1


def test_iso() -> None:
    assert iso(AT) == "2026-02-10T19:45:37Z"
    assert iso(AT.replace(microsecond=5)) == "2026-02-10T19:45:37.000005Z"
    assert iso(None) is None


def test_zones() -> None:
    assert zone("UTC") is UTC
    assert zone("+02:00").utcoffset(None) == timedelta(hours=2)
    assert zone("UTC-8").utcoffset(None) == timedelta(hours=-8)
    with pytest.raises(UsageError, match="did you mean 'America/Los_Angeles'"):
        zone("America/Los_Angles")
    for name in ("", "../../etc/passwd", "Nowhere"):
        with pytest.raises(UsageError, match="unknown time zone"):
            zone(name)
