"""A warm process that makes reports: it loads everything once, then forks a child for each report.

It reads jobs from its input, one JSON object a line, and answers each with one line on its output. Forking from a
process of our own, which has no thread and no connection, is safe where forking from the caller might not be.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import traceback
from typing import Any

_LONGEST = 3000


def answer(name: str, what: str = "", remedy: str = "") -> bytes:
    """Return the line that says how a report went; short enough that a pipe takes it in one piece."""
    found = {"name": name, "what": what[:_LONGEST], "remedy": remedy[:500]}
    line = json.dumps(found)
    while len(line) > 4000:
        found["what"] = found["what"][: len(found["what"]) // 2]
        line = json.dumps(found)
    return line.encode("ascii") + b"\n"


def serve(limit: int) -> None:
    """Make the reports that the input asks for, at most ``limit`` at once."""
    output = os.dup(1)
    os.dup2(2, 1)
    _warm()
    running: dict[int, str] = {}
    for number, line in enumerate(sys.stdin):
        while len(running) >= limit:
            _reap(running, output)
        job = json.loads(line)
        if number == 0:
            _open(job["parameters"])
        child = os.fork()
        if child == 0:
            _child(job, output)
        running[child] = job["name"]
    while running:
        _reap(running, output)


def _warm() -> None:
    # jsonschema, which checks notebooks, would build the grammar of a format that none of them uses: half of all the time.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import papermill  # noqa: F401

    import forensics.conclusions.diagnose
    import forensics.session  # noqa: F401
    from forensics import plots
    from forensics.model import Event
    from forensics.report import convert, make, sections, shell  # noqa: F401

    convert.warm()
    shell.shell()
    assert plots.timeline([Event(at=None, source="file", message="warm", ref="")]).png
    # Children come and go: they need no garbage collector, and leave the pages that they share alone.
    gc.disable()
    gc.freeze()


def _open(parameters: dict[str, Any]) -> None:
    """Open the case once for all children, and read its chains; where that fails, the child that tries again says why."""
    from forensics.errors import ForensicsError
    from forensics.opening import lend

    if parameters.get("evidence"):
        with contextlib.suppress(ForensicsError):
            case = lend(parameters["case"], evidence=parameters["evidence"], trust=parameters["trust"])
            assert case.environments[0].key


def _child(job: dict[str, Any], output: int) -> None:
    """Make one report and end this process."""
    from forensics.errors import ForensicsError
    from forensics.report.make import Job, make
    from forensics.report.shell import ENGINE

    try:
        make(Job(**{**job, "notebooks": tuple(job["notebooks"])}), engine=ENGINE)
        line = answer(job["name"])
    except ForensicsError as error:
        line = answer(job["name"], error.what, error.remedy)
    except BaseException:
        last = traceback.format_exc().strip().splitlines()[-6:]
        line = answer(job["name"], "\n".join(last), "this is a fault of forensics, please report it")
    os.write(output, line)
    os._exit(0)


def _reap(running: dict[int, str], output: int) -> None:
    """Wait for one child; one that died without an answer is answered for."""
    child, status = os.wait()
    name = running.pop(child, "")
    if name and status:
        os.write(output, answer(name, f"the process that made the report ended with status {status}", "try again"))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
