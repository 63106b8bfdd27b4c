"""What a finished entry tells: its statement, its error code, and whether it only echoes an earlier error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forensics.logs.entry import GRAVE, Entry
from forensics.logs.postgres import logged_statement, modest
from forensics.sqltext import mentions, tokens

# https://www.postgresql.org/docs/current/errcodes-appendix.html, by the names that psycopg and asyncpg give them.
_CODES = {
    "UndefinedTable": "42P01", "UndefinedColumn": "42703", "UndefinedObject": "42704", "UndefinedFunction": "42883",
    "DuplicateTable": "42P07", "DuplicateColumn": "42701", "DuplicateObject": "42710", "UniqueViolation": "23505",
    "NotNullViolation": "23502", "ForeignKeyViolation": "23503", "CheckViolation": "23514",
    "InFailedSqlTransaction": "25P02", "InFailedSQLTransaction": "25P02", "LockNotAvailable": "55P03",
    "DeadlockDetected": "40P01", "InsufficientPrivilege": "42501", "DependentObjectsStillExist": "2BP01",
    "InvalidSchemaName": "3F000", "InvalidCatalogName": "3D000", "SyntaxError": "42601", "QueryCanceled": "57014",
}  # fmt: skip
_CLASS = re.compile(rf"\b(?P<name>{'|'.join(_CODES)})(?:Error)?\b[')>:]")
_QUOTED = re.compile(r"\[SQL: (?P<sql>.*?)\](?=\s*(?:\[parameters: |\(Background on this error|\Z))", re.S)
_PARAMETERS = re.compile(r"(?s)\[parameters: .*?\](?=\s*(?:\(Background|\n|\Z))")
_ENGINE = re.compile(r"sqlalchemy\.engine(?:\.\w+)*")
_ECHO = re.compile(r"current transaction is aborted|InFailedSqlTransaction|PendingRollbackError", re.I)
_DEFINE = "create drop alter comment truncate reindex refresh begin commit rollback savepoint pragma"
_ACT = "insert update delete select with grant revoke do call set lock copy release replace vacuum analyze"
_DEFINING = frozenset(_DEFINE.split())
_VERBS = _DEFINING | frozenset(_ACT.split())
_PARTS = ("DETAIL", "HINT", "QUERY", "CONTEXT")
_MARKED = re.compile(r"(?i)\b\w*(?:alembic_version|migration|schema_version|schema_info)\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was found in an entry's text."""

    message: str
    statement: str = ""
    code: str = ""
    echo: bool = False


def tell(text: str, entry: Entry, parts: Mapping[str, Sequence[str]]) -> Said:
    """Return the message with the parts of a report that explain it, and what it tells.

    Values of rows and parameters are masked.
    """
    statement = logged_statement(text)
    if not statement and _ENGINE.match(entry.actor) and _verb(text) in _VERBS:
        statement = text.strip()
    code = ""
    if entry.level in GRAVE or "Traceback" in text or "[SQL: " in text:
        quoted = list(_QUOTED.finditer(text))
        statement = quoted[-1]["sql"].strip() if quoted else statement
        classes = [match["name"] for match in _CLASS.finditer(text)]
        code = _CODES[classes[0]] if classes else ""
    if "[parameters: " in text:
        text = _PARAMETERS.sub("[parameters: ***]", text)
    if "DETAIL:" in text:  # a report of the server inside of a message
        text = modest("DETAIL", text)
    shown = [text] if text else []
    shown += [f"{name}: {modest(name, chr(10).join(parts[name]))}" for name in _PARTS if name in parts]
    first = text.partition("\n")[0]
    echo = entry.code == "25P02" or (entry.level in GRAVE and bool(_ECHO.search(first)) and code in ("", "25P02"))
    return Said(message="\n".join(shown), statement=statement, code=code, echo=echo)


def statement_in(statement: str, message: str) -> str:
    """Return the statement that a session ran last where an error names something in it, else nothing."""
    named = {match.casefold() for match in re.findall(r'"([^"]+)"', message)}
    return statement if named & mentions(statement) else ""


def presentable(statement: str, longest: int) -> str:
    """Return a statement without row values: of one that defines nothing the literals are masked.

    The literals of statements on a tracker stay, as they are versions and no one's data.
    """
    if _verb(statement) in _DEFINING or _MARKED.search(statement[:2000]):
        return statement
    statement = statement[:longest]
    pieces: list[str] = []
    end = 0
    for token in tokens(statement):
        if token.kind in ("string", "dollar", "blob"):
            pieces += [statement[end : token.start], "'***'"]
            end = token.end
    return "".join([*pieces, statement[end:]])


def _verb(text: str) -> str:
    found = re.match(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*([A-Za-z]+)", text, re.S)
    return found[1].lower() if found else ""
