"""What the three formats of PostgreSQL's own log share: severities, parts of a report, and statements in messages."""

from __future__ import annotations

import csv
import re

from forensics.logs.entry import LEVELS

SEVERITIES = "DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC"
PARTS = "DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE"
_CODE = re.compile(r"(?P<code>[0-9A-Z]{5}): (?P<rest>.*)", re.S)
_STATEMENT = re.compile(
    r"(?:duration: [\d.]+ ms\s+)?(?:statement|(?:execute|parse|bind) (?:<unnamed>|[^:\s]+)): (?P<sql>.*)", re.S
)
_VALUES = re.compile(r"(?s)(=\()(.*?)(\)(?= (?:already|is|conflicts|still)|\.|$))|(contains \()(.*)(\))")
_PARAMETERS = re.compile(r"(?is)(parameters: |unnamed portal with parameters: )(.*)")


def level(severity: str, code: str = "") -> str:
    """Return the level of a severity; one in another language counts by the class of its error code."""
    known = LEVELS.get(severity.lower())
    if known is not None:
        return known
    return "error" if code and code[:2] not in ("00", "01", "02") else "info"


def coded(message: str) -> tuple[str, str]:
    """Return the error code that ``log_error_verbosity = verbose`` puts before a message, and the message."""
    found = _CODE.match(message)
    if found and any(letter.isdigit() for letter in found["code"]):
        return found["code"], found["rest"]
    return "", message


def logged_statement(message: str) -> str:
    """Return the statement that a message reports (``log_statement``, ``log_min_duration_statement``, pgAudit)."""
    if found := _STATEMENT.match(message):
        return found["sql"].strip()
    if message.startswith("AUDIT: "):
        row = next(csv.reader([message.removeprefix("AUDIT: ").replace("\n", " ")]), [])
        return row[7].strip() if len(row) > 7 else ""
    return ""


def modest(part: str, text: str) -> str:
    """Return a part of a report without the values of rows and parameters, which are nobody's business here."""
    if part not in ("DETAIL", "CONTEXT"):
        return text
    text = _PARAMETERS.sub(r"\1***", text)
    return _VALUES.sub(lambda found: f"{found[1] or found[4]}***{found[3] or found[6]}", text)
