"""Which PostgreSQL server an address leads to, so that none is taken for another one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from forensics.acquire.postgresql import open_postgresql

_HERE = frozenset(("", "localhost", "127.0.0.1", "::1"))


def same_place(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two sets of libpq's parameters name one server: the same host and port, as they are spelled.

    Every spelling of this machine counts as one host, a folder of sockets too where its port is the same.

    >>> same_place({"host": "localhost"}, {"host": "127.0.0.1", "port": "5432"})
    True
    """
    mine, theirs = _places(one), _places(other)
    return bool(mine & theirs)


def _places(given: Mapping[str, str]) -> set[tuple[str, str]]:
    hosts = (given.get("host") or given.get("hostaddr") or os.environ.get("PGHOST", "")).split(",")
    ports = (given.get("port") or os.environ.get("PGPORT", "")).split(",")
    found = set()
    for place, host in enumerate(hosts):
        port = ports[place] if len(ports) == len(hosts) else ports[0]
        name = host.casefold().rstrip(".")
        if name.startswith("/"):
            name = os.path.realpath(host)
            name = "" if name in ("/run/postgresql", "/tmp") else name
        found.add(("" if name in _HERE else name, port or "5432"))
    return found


def system_identifier(address: str) -> str:
    """Return the number that a cluster and its standbys have had since it was made.

    Raises `AcquisitionError` where the server cannot be read.
    """
    with open_postgresql(address) as found:
        return str(found.reader._ask("SELECT system_identifier::text FROM pg_control_system()")[0][0])
