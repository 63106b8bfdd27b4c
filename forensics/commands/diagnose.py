"""``forensics diagnose``: what is wrong, what proves it, what to do, what really happened and what fails next."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from forensics.commands.outcome import exit_code, open_for
from forensics.console import Console
from forensics.errors import UsageError


def run(options: argparse.Namespace) -> int:
    """Print the diagnosis of the chosen environments, or of one database without a case."""
    document = _without_case(options) if options.db or options.migrations else _of_case(options)
    single = document["schema"] == "forensics/diagnosis/1"
    if options.format == "json":
        print(json.dumps(document, indent=2))
    else:
        from forensics.commands.prose import show_diagnosis, show_fleet

        console = Console(sys.stdout)
        (show_diagnosis if single else show_fleet)(console, document, explain=options.explain)
    return exit_code([document] if single else document["environments"], options.fail_on)


def _without_case(options: argparse.Namespace) -> dict[str, Any]:
    if not options.db:
        raise UsageError("--migrations needs a database", remedy="add --db PATH, or name environments of a case")
    if not options.migrations:
        raise UsageError("--db needs the migrations", remedy="add --migrations DIR")
    if options.environments or options.case or options.evidence:
        raise UsageError(
            "--db stands for itself: it takes neither environments nor --case nor --evidence",
            remedy="leave them out, or leave out --db and --migrations",
        )
    from forensics.opening import adhoc

    environment = adhoc(
        options.db, migrations=options.migrations, archived=options.archived, tool=options.tool or "auto",
        logs=options.logs, trust=options.trust_migrations,
    )  # fmt: skip
    return environment.document


def _of_case(options: argparse.Namespace) -> dict[str, Any]:
    if options.archived or options.tool or options.logs:
        raise UsageError(
            "--archived, --tool and --logs go with --db and --migrations", remedy="write them in the case file"
        )
    case = open_for(options)
    names = list(dict.fromkeys(options.environments)) or list(case.names)
    chosen = [case[name] for name in names]
    return chosen[0].document if len(chosen) == 1 else case.document(names)
