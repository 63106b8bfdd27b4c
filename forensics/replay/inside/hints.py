"""Hints that are code of the project: the set-up script, and the object that names constraints. Where one fails, that is told."""

from __future__ import annotations

from typing import Any

from .record import Record


def run_setup(server: Any) -> dict[str, Any]:
    """Run the set-up script with the scratch database's ``url`` and ``engine``. Return what was wrong with it."""
    path = server.hints["setup"]
    if not path:
        return {}
    names = {"__name__": "__main__", "__file__": path, "url": server.scratch.url}
    server.watch(path)
    Record.current = record = Record()
    try:
        names["engine"] = server.engine()
    except ImportError:
        names["engine"] = None
    try:
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec", dont_inherit=True), names)
    except BaseException as error:
        found: dict[str, Any] = server.failure(error, "setup", path, record)
        return found
    finally:
        server.guard.disarm()
        record.close()
        Record.current = None
        server.settled_path()
    return {}


def read_convention(server: Any) -> dict[str, Any]:
    """Import the object that the hint names for the names of constraints; where that fails, say why and go without."""
    hint = server.hints["naming_convention"]
    if server.config["tool"] != "alembic" or not isinstance(hint, str) or not hint:
        return {}
    if not server.config["trusted"] and server.config["isolation"] == "guard":
        server.hints["naming_convention"] = ""
        return {"error": "untrusted", "type": "untrusted", "missing_name": "", "origin": None}
    server.watch(hint)
    try:
        if not hasattr(server.alembic().metadata(), "naming_convention"):
            raise TypeError("it is no MetaData object, and has none")
    except BaseException as error:
        server.hints["naming_convention"] = ""
        server.alembic().forget()
        found: dict[str, Any] = server.failure(error, "convention", hint, Record())
        return found
    finally:
        server.unwatch()
    return {}
