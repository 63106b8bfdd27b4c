"""PostgreSQL's errors in words that name the limit, the cause and the way out, and no user and no password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from forensics.catalogs.postgresql import LOCK_LIMIT, STATEMENT_LIMIT
from forensics.errors import AcquisitionError, DatabaseBusy, DatabaseUnreadable
from forensics.redact import redact_text

if TYPE_CHECKING:
    import psycopg

CONNECT_LIMIT = 10
READ_LIMIT = 120

Words = tuple[str, str, str, bool]

_RUNNING = "check that the server runs and that host and port are right"
_LATER = "try again later"
# Of a failed connection only the text is known: what to look for, what happened, what to do, whether it passes by.
_CONNECTING: tuple[Words, ...] = (
    ("password authentication failed|no password supplied|SASL authentication failed|SCRAM|fe_sendauth"
     "|wrong password|authentication failed", "the server refuses the user or the password",
     "check both in the address; special characters in a password must be percent-encoded", False),
    (r'role "?.*"? does not exist', "the server does not know the user of the address",
     "check the user, or create the role", False),
    (r'database "?.*"? does not exist|no such database', "the server has no database of that name",
     "check the name at the end of the address", False),
    ("translate host name|Name or service not known|nodename nor servname|Temporary failure in name"
     "|No address associated|failed to resolve host", "the host of the address is not known",
     "check the host name and the name service", False),
    ("No such file or directory|Is the server running locally", "there is no server at the socket of the address",
     _RUNNING, False),
    ("Connection refused|could not connect to server", "no server answers at that host and port", _RUNNING, False),
    ("timeout expired|connection timeout|timed out", f"the server did not answer within {CONNECT_LIMIT} seconds",
     "check host, port and firewall", False),
    ("Network is unreachable|No route to host|Host is down", "the network does not lead to the host",
     "check the host and the network", False),
    ("no pg_hba.conf entry|pg_hba.conf rejects", "the server lets nobody in from here with this user",
     "add a line to its pg_hba.conf, or read from a host that may", False),
    ("too many (?:clients|connections)|remaining connection slots|no more connections|too many connections",
     "the server has no connection to spare", _LATER, True),
    ("starting up|shutting down|recovery mode|not yet accepting|hot standby|not accepting connections",
     "the server is not ready to accept connections",
     "try again when it is up; a standby needs hot_standby = on", True),
    ("permission denied for database|not permitted to log in|no privilege", "the user may not connect to the database",
     "GRANT CONNECT ON DATABASE to the user, or give another one", False),
    ("unsupported startup parameter", "the pooler in between refuses a setting of the connection",
     "add it to ignore_startup_parameters of PgBouncer, or give the port of the server itself", False),
    ("session characteristics|target_session_attrs|not in hot standby|not read-only|is read-only",
     "none of the servers is of the kind that target_session_attrs asks for", "take it out of the address", False),
    ("invalid response|unsupported frontend protocol|server closed the connection unexpectedly|expected authentication",
     "what answers there does not speak the protocol of PostgreSQL, or closed the connection at once", _RUNNING, False),
    ("invalid (?:port|integer|connection option|sslmode|URI)|invalid .* value", "the address is not a valid one",
     "write it as postgresql://user:password@host:5432/database", False),
    ("does not support SSL|SSL is not enabled|server does not support SSL", "the server offers no SSL",
     "take sslmode out of the address, or set it to prefer", False),
    (r"\bSSL\b|certificate|GSSAPI", "the server and this client do not agree on encryption",
     "check sslmode and the certificates in the address", False),
)  # fmt: skip
_STATES: Mapping[str, Words] = {
    "57014": ("", f"a query of the catalogue took longer than its limit of {STATEMENT_LIMIT} seconds",
              "try again when the server is less busy", True),
    "55P03": ("", f"another session holds a lock on a table, also after {LOCK_LIMIT} seconds",
              "wait for its transaction to end; pg_locks and pg_stat_activity name it", True),
    "40001": ("", "the recovery of this standby kept cancelling the queries",
              "try again, or set max_standby_streaming_delay or hot_standby_feedback", True),
    "40P01": ("", "the recovery of this standby kept cancelling the queries", _LATER, True),
    "57P01": ("", "the server was shut down or ended the connection in the middle", _LATER, False),
    "57P02": ("", "the server crashed in the middle", "look into its log, and try again", False),
    "57P03": ("", "the server is not ready to accept connections", _LATER, True),
    "57P05": ("", "the server ended the connection for being idle", _LATER, False),
    "42501": ("", "the user may not read the system catalogue", "read as a user with the usual rights", False),
    "53300": ("", "the server has no connection to spare", _LATER, True),
    "25P02": ("", "the transaction was aborted", _LATER, True),
}  # fmt: skip
_STATEMENT_POOL = "transaction blocks not allowed"
_POOL_WAIT = "query_wait_timeout"


def in_words(error: psycopg.Error, shown: str, given: Mapping[str, str]) -> AcquisitionError:
    """Return what an error of the driver means for the reader of a database that is called ``shown``.

    ``given`` are the parameters of the connection, of which user and password are masked wherever they stand.
    """
    text = str(error).strip()
    words = _STATES.get(error.sqlstate or "")
    if _STATEMENT_POOL in text:
        words = ("", "the pooler in between gives each statement another session",
                 "give the port of the server itself, or of a pool in transaction mode", False)  # fmt: skip
    elif _POOL_WAIT in text:
        words = ("", "the pooler in between had no session to give", _LATER, True)
    elif words is None and error.sqlstate is None and given:
        words = next((each for each in _CONNECTING if re.search(each[0], text, re.IGNORECASE)), None)
    elif words is None and (error.sqlstate is None or error.sqlstate.startswith("08")):
        words = ("", "the connection to the server was lost in the middle", "check that it runs, and try again", False)
    elif words is None and (error.sqlstate or "").startswith("42"):
        said = f"its catalogue is not that of PostgreSQL 13 or newer ({error.diag.message_primary})"
        words = ("", said, "only PostgreSQL 13 to 18 and what behaves like it can be read", False)
    if words is None:
        secrets = [given[name] for name in ("password", "user", "sslpassword") if given.get(name)]
        said = redact_text(text.splitlines()[0] if text else type(error).__name__, secrets)
        words = ("", f"the server says: {said}", "check the address and the log of the server", False)
    kind = DatabaseBusy if words[3] else DatabaseUnreadable
    return kind(f"{shown} cannot be read: {words[1]}", remedy=words[2])


def silent(shown: str, limit: float) -> DatabaseUnreadable:
    """Return the error for a server that did not answer at all."""
    return DatabaseUnreadable(
        f"{shown} cannot be read: no answer within {limit:g} seconds", remedy="check host, port and name service"
    )


def late(shown: str) -> DatabaseUnreadable:
    """Return the error for a server that stopped answering while it was read."""
    return DatabaseUnreadable(
        f"{shown} cannot be read: it was not done within {READ_LIMIT} seconds, and the connection was cut",
        remedy="check that the server and the network answer, and try again",
    )
