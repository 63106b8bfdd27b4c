"""All reports of a case: evidence first, then the notebooks side by side, then each folder into its place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from forensics.case.file import folder_name
from forensics.errors import ReportError, UsageError
from forensics.report.make import Job, make, seal
from forensics.timeline import to_csv, to_jsonl

if TYPE_CHECKING:
    from forensics.session import Case

Progress = Callable[[str], None]
INDEX = "index"


def publish(
    case: Case, environments: Iterable[str] | None, *, output: Path, jobs: int | None, progress: Progress | None
) -> list[Path]:
    """Do what `forensics.report.report` says."""
    if case.file.path is None:
        raise UsageError("a report needs a case file", remedy="write one with [chains] and [environments]")
    names = [name for name in case if environments is None or name in set(environments)]
    for name in environments or ():
        case[name]
    with _press(jobs or min(2, os.cpu_count() or 1)) as press:
        diagnoses = case.diagnoses(names)
        place = output / case.name
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(f"{place} cannot be made: {error.strerror}", remedy="choose another --output") from None
        with tempfile.TemporaryDirectory(prefix=".making-", dir=place) as staging:
            wanted = []
            for number, name in enumerate(names):
                target = Path(staging) / f"{number}"
                target.mkdir()
                (target / "findings.json").write_text(diagnoses[name].to_json(), encoding="utf-8", newline="\n")
                (target / "timeline.csv").write_text(to_csv(diagnoses[name].events), encoding="utf-8", newline="")
                (target / "timeline.jsonl").write_text(to_jsonl(diagnoses[name].events), encoding="utf-8", newline="\n")
                wanted.append(_job(case, name, target))
            if environments is None:
                wanted.append(_index(case, Path(staging) / INDEX))
            _finish(press(wanted), case, place, {job.name: Path(job.target) for job in wanted}, progress)
    return [place / folder_name(name) for name in names]


def _job(case: Case, name: str, target: Path) -> Job:
    return Job(
        name=f"environment {name}",
        title=f"{name}: {case.title}",
        notebooks=("root_cause", "timeline"),
        parameters={**_parameters(case), "environment": name},
        runs=str(case.workspace.runs / folder_name(name)),
        target=str(target),
    )


def _index(case: Case, target: Path) -> Job:
    target.mkdir()
    return Job(
        name=INDEX, title=case.title, notebooks=("fleet",), parameters={**_parameters(case), "links": True},
        runs=str(case.workspace.runs), target=str(target), stem=INDEX,
    )  # fmt: skip


def _parameters(case: Case) -> dict[str, Any]:
    """Return the notebooks' parameters: they work from the evidence that was just stored, and touch no database."""
    evidence = case.saved or case.workspace.evidence
    stored = evidence.is_dir() and all((evidence / folder_name(name)).is_dir() or case[name].spec.evidence for name in case)
    return {"case": str(case.file.path), "evidence": str(evidence) if stored else "", "trust": case.trust}


def _finish(
    answers: Iterator[dict[str, str]], case: Case, place: Path, made: dict[str, Path], progress: Progress | None
) -> None:
    """Move each finished report into its place; raise at the end for those that failed."""
    failed = []
    for found in answers:
        name = found["name"]
        if found["what"]:
            failed.append(ReportError(f"the report of {name}: {found['what']}", remedy=found["remedy"]))
            continue
        if name == INDEX:
            for path in sorted(made[name].iterdir()):
                _replace(path, place / path.name)
        else:
            seal(made[name])
            _replace(made[name], place / folder_name(name.removeprefix("environment ")))
        if progress:
            progress("index" if name == INDEX else name.removeprefix("environment "))
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise ReportError("\n".join(error.what for error in failed), remedy=failed[0].remedy)


def _replace(new: Path, place: Path) -> None:
    """Put a file or a folder in the place of an older one, which is gone only when the new one is complete."""
    if place.is_dir():
        aside = new.with_name(new.name + ".old")
        place.rename(aside)
        new.rename(place)
        shutil.rmtree(aside)
    else:
        os.replace(new, place)


@contextmanager
def _press(limit: int) -> Iterator[Callable[[Sequence[Job]], Iterator[dict[str, str]]]]:
    """Start the warm process at once, so that it is ready when the evidence is; without `fork`, use kernels here."""
    if not hasattr(os, "fork"):
        yield _one_by_one
        return
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    # A process that is forked must have no threads, and numpy's library would start some.
    surroundings = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as complaints:
        server = subprocess.Popen(
            [sys.executable, "-m", "forensics.report.server", str(limit)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, env=surroundings,
        )  # fmt: skip
        try:
            yield lambda wanted: _served(server, complaints, wanted)
        finally:
            for pipe in (server.stdin, server.stdout):
                if pipe is not None:
                    pipe.close()
            server.kill()
            server.wait()


def _served(server: subprocess.Popen[bytes], complaints: IO[bytes], wanted: Sequence[Job]) -> Iterator[dict[str, str]]:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b"".join(json.dumps(asdict(job)).encode("ascii") + b"\n" for job in wanted))
    server.stdin.close()
    waiting = {job.name for job in wanted}
    for line in server.stdout:
        found = json.loads(line)
        waiting.discard(found["name"])
        yield found
    if waiting:
        complaints.seek(0)
        last = complaints.read().decode("utf-8", "replace").strip().splitlines()[-3:]
        raise ReportError("the process that makes reports ended early: " + " ".join(last), remedy="try again")


def _one_by_one(wanted: Sequence[Job]) -> Iterator[dict[str, str]]:
    for job in wanted:
        try:
            make(job)
            yield {"name": job.name, "what": "", "remedy": ""}
        except ReportError as error:
            yield {"name": job.name, "what": error.what, "remedy": error.remedy}
