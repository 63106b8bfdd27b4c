"""A papermill engine that needs no kernel: cells run in this process, which is a forked child made for one report."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Iterator
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output
from papermill.engines import Engine, papermill_engines

from forensics.report.notebooks import ONLY_INTERACTIVE

ENGINE = "forensics"


class _Publisher(DisplayPublisher):
    """Collects what cells display."""

    outputs: list[Any]

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **_: Any) -> None:
        """Keep what a cell displays as an output of it."""
        self.outputs.append(new_output("display_data", data=data, metadata=metadata or {}))


class _Hook(DisplayHook):
    """Collects the value of a cell's last line."""

    def write_output_prompt(self) -> None:
        """Print nothing."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Keep the value as an output of the cell."""
        shell: Any = self.shell
        count = shell.execution_count
        value = new_output("execute_result", data=format_dict, metadata=md_dict or {}, execution_count=count)
        shell.display_pub.outputs.append(value)

    def log_output(self, format_dict: dict[str, Any]) -> None:
        """Keep no log."""

    def finish_displayhook(self) -> None:
        """Print no line break."""


class _Shell(InteractiveShell):
    """A shell without a terminal, a history or a file of its own."""

    displayhook_class = _Hook
    display_pub_class = _Publisher

    def _showtraceback(self, etype: type, evalue: BaseException, stb: Any) -> None:
        """Print nothing: the error becomes an output."""

    def init_virtualenv(self) -> None:
        """Leave the import path as it is."""

    def init_sys_modules(self) -> None:
        """Leave ``__main__`` as it is."""


def shell() -> Any:
    """Return the shell of this process, made on first use: made before a fork, it serves every child."""
    if _Shell.initialized():
        return _Shell.instance()
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    made: Any = _Shell.instance(config=settings)
    made.display_pub.outputs = []
    return made


class ShellEngine(Engine):  # type: ignore[misc]
    """Runs a notebook's cells in this process, save those meant for people at work in it.

    Use it in a process that ends afterwards.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
        """Run every cell in order; stop at the first that fails."""
        made = shell()
        # What `reset` does besides is to collect garbage, which costs more than a report.
        made.user_ns.clear()
        made.init_user_ns()
        made.execution_count = 1
        for index, cell in enumerate(nb_man.nb.cells):
            if ONLY_INTERACTIVE in cell.metadata.get("tags", ()):
                continue
            nb_man.cell_start(cell, index)
            if cell.cell_type == "code" and not _run(made, cell):
                nb_man.cell_exception(cell, cell_index=index)
                break
            nb_man.cell_complete(cell, cell_index=index)


papermill_engines.register(ENGINE, ShellEngine)


def _run(made: Any, cell: Any) -> bool:
    """Run one cell, give it its outputs, and return whether it went through."""
    collected: list[Any] = []
    made.display_pub.outputs = collected
    with _streams() as (out, err):
        result = made.run_cell(cell.source, store_history=True, silent=False)
    for name, stream in (("stdout", out), ("stderr", err)):
        if stream.getvalue():
            collected.append(new_output("stream", name=name, text=stream.getvalue()))
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        lines = [line.rstrip() for line in traceback.format_exception(error)]
        collected.append(new_output("error", ename=type(error).__name__, evalue=str(error), traceback=lines))
    cell.outputs = collected
    cell.execution_count = made.execution_count - 1
    return error is None


@contextlib.contextmanager
def _streams() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err
