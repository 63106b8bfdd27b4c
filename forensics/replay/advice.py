"""Which hint of the case file would help where a migration cannot be loaded or fails outside the database."""

from __future__ import annotations

import re
from typing import Any

UNTRUSTED = (
    "this system offers no isolation, and the migration does more than Alembic's operations; "
    "run it with --trust-migrations or `trust = true` if you trust it"
)

NO_PROMISE = (
    "this system offers no isolation: what Python code opens is refused and reported, but not what a library does by "
    "itself past Python's own hooks, so a migration that means to reach another database, a file or the network can"
)

LENT = (
    "the scratch server is not our own: its databases and its role are removed afterwards, but what SQL does to the whole "
    "server (roles, settings, load) is done to it, and extensions that need a superuser must be there already"
)

OTHER_VERSION = (
    "the live server is PostgreSQL {live}, the scratch server {here}: what only one of the two knows can come out "
    "differently; set `bin` under [scratch] to the programs of that version"
)


def advice(sort: str, message: str, missing: str) -> str:
    """Return what to write into the case file, or an empty text where no hint is known to help.

    ``sort`` is the class of the error, ``missing`` the name that was not found.
    """
    if sort in ("ModuleNotFoundError", "ImportError"):
        name = missing.split(".")[0] or "the module"
        return f"set `python` to the interpreter that has {name!r} installed, or put its folder into `sys_path`"
    if sort == "KeyError" and re.fullmatch(r"[A-Z][A-Z0-9_]*", missing):
        return f"give {missing} a value in `environment`"
    if sort == "Unloadable":
        return "name the function that your manager calls in `entry`, if it is another"
    if sort == "Refused":
        return "the replay does not let it do this; if it needs a value or a file, see `environment` and `setup`"
    return ""


def failed_hint(reply: dict[str, Any], file: str) -> str:
    """Return in words why something of the project failed that is no migration: where, what, and what would help.

    ``file`` is what the hint names.
    """
    if reply["type"] == "untrusted":
        return f"{file}: {UNTRUSTED}"
    origin = reply.get("origin")
    place = f"{file}:{reply['line']}" if reply.get("line") else f"{origin[0]}:{origin[1]}" if origin else file
    hint = advice(reply["type"], str(reply["error"]), reply["missing_name"])
    return f"{place}: {reply['error']}" + (f" ({hint})" if hint else "")


def server_advice(message: str) -> str:
    """Return what would help where a statement needs what the scratch server does not have, or an empty text."""
    found = re.search(r'extension "([^"]+)" is not available|extension control file "[^"]*?([^"/]+)\.control"', message)
    if found:
        name = found.group(1) or found.group(2)
        return f"the scratch server has no extension {name!r}: set `bin` under [scratch] to a PostgreSQL that has it"
    found = re.search(r'permission denied to create extension "([^"]+)"', message)
    if found:
        return f"the scratch server lets only a superuser make the extension {found.group(1)!r}: make it in its template1"
    found = re.search(r'role "([^"]+)" does not exist', message)
    return f"create the role {found.group(1)!r} in `setup`" if found else ""
