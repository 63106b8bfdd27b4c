"""The command line: verbs, exit codes, and messages in place of tracebacks.

Only ``argparse`` is loaded here; a verb loads what it needs when it runs.

Exit codes: 0 nothing at or above ``--fail-on``, 1 findings, 2 wrong usage or case file, 3 some evidence could not be
read. Where several hold, 2 comes before 3 and 3 before 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from forensics.errors import ForensicsError

_EPILOG = """\
exit codes:
  0  nothing at or above --fail-on (default: error)
  1  findings
  2  wrong usage or case file
  3  some evidence could not be read; what could be read is still reported

examples:
  forensics --case sample:architect status
  forensics diagnose dev prod
  forensics diagnose --db app.db --migrations migrations
  forensics audit --migrations migrations
  forensics compare dev prod
  forensics compare chain:main chain:old
  forensics report --all

No database is ever changed.
"""
_DIALECTS = ("sqlite", "postgresql")
_SEVERITIES = ("critical", "error", "warning", "info")
_EVIDENCE = "use saved evidence (default: what was last acquired) and touch no database"
_TRUST = (
    "run Python migrations also where this system offers no isolation; what they open is refused and reported there, but a "
    "migration that means to reach another database, a file or the network can"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        code = int(import_module(f"forensics.commands.{options.command}").run(options))
        sys.stdout.flush()
        return code
    except ForensicsError as error:
        return _failed(error.what, error.remedy, error.exit_code)
    except BrokenPipeError:
        # Whoever read this has seen enough; the interpreter must not complain about it when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _failed("interrupted", "", 130)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(f"{place}{error.strerror or error}", "check the space and the rights there", 3)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="forensics",
        description="Which migration, what happened to it, where, and what proves it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--case", metavar="FILE", help="case file, its folder, or sample:NAME (default: forensics.toml)")
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")

    status = _verb(verbs, "status", "one line an environment, and which migration really ran where")
    _formats(status)
    _evidence(status)

    diagnose = _verb(
        verbs, "diagnose", "root causes with evidence, the story that rebuilds the schema, what fails next"
    )
    diagnose.add_argument("environments", nargs="*", metavar="ENV", help="environments (default: all)")
    _formats(diagnose)
    diagnose.add_argument("--explain", action="store_true", help="show the hypotheses and why the winner won")
    _fail_on(diagnose)
    _evidence(diagnose)
    without = _without_case(diagnose)
    without.add_argument("--db", metavar="URL", help="a database: a path or sqlite:///path")
    without.add_argument("--logs", metavar="FILE", action="append", default=[], help="a log; may be repeated")

    audit = _verb(verbs, "audit", "the chain alone: order, duplicates, heads, files, whether it builds an empty database")
    audit.add_argument("chains", nargs="*", metavar="CHAIN", help="chains of the case (default: all)")
    _formats(audit)
    _fail_on(audit)
    _dialect(audit)
    _evidence(audit)
    _without_case(audit)

    compare = _verb(verbs, "compare", "in what two environments, snapshots, databases or chains differ")
    sides = "an environment, chain:NAME, chain:FOLDER, snapshot:FOLDER, a path or a URL"
    compare.add_argument("left", metavar="A", help=sides)
    compare.add_argument("right", metavar="B", help="the same")
    _formats(compare)
    _dialect(compare)
    _evidence(compare)

    report = _verb(verbs, "report", "write Markdown, HTML and figures by running the notebooks")
    report.add_argument("environments", nargs="*", metavar="ENV", help="environments")
    report.add_argument("--all", action="store_true", help="all environments, and the index of the fleet")
    report.add_argument("--output", metavar="DIR", default="reports", help="where to write (default: reports)")
    _evidence(report)
    return top


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from forensics import __version__

        print(f"forensics {__version__}")
        parser.exit(0)


def _verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    # Given after the verb it means the same as before it.
    verb.add_argument("--case", metavar="FILE", default=argparse.SUPPRESS, help="case file, its folder, or sample:NAME")
    return verb


def _formats(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--format", choices=("text", "json"), default="text", help="text for people, json for programs")


def _fail_on(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--fail-on", choices=_SEVERITIES, default="error", metavar="SEVERITY",
        help="exit with 1 from this severity on: critical, error, warning, info (default: error)",
    )  # fmt: skip


def _dialect(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--dialect", choices=_DIALECTS, help="what chains are replayed on (default: what the environments are)"
    )


def _without_case(verb: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    without = verb.add_argument_group("without a case file")
    without.add_argument("--migrations", metavar="DIR", help="the folder of migrations")
    without.add_argument("--archived", metavar="DIR", action="append", default=[], help="an old chain; may be repeated")
    without.add_argument("--tool", metavar="T", help="the migration tool (default: recognised)")
    return without


def _evidence(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--evidence", metavar="DIR", nargs="?", const=True, default=None, help=_EVIDENCE)
    verb.add_argument("--trust-migrations", action="store_true", help=_TRUST)


def _failed(what: str, remedy: str, code: int) -> int:
    from forensics.console import visible
    from forensics.redact import redact_text

    print(f"forensics: {visible(redact_text(what))}", file=sys.stderr)
    if remedy:
        print(f"  {visible(redact_text(remedy))}", file=sys.stderr)
    return code
