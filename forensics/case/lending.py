"""The ``[scratch]`` of a case file: the server programs to use, or a server that holds nothing of value."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from forensics.case.keys import Table, UnsetVariable, expand
from forensics.case.spec import EnvironmentSpec, ScratchSpec
from forensics.errors import CaseError
from forensics.redact import redact_url

_SCHEMES = ("postgresql", "postgres")


def scratch(table: Table, root: Path, environments: Iterable[EnvironmentSpec]) -> ScratchSpec:
    """Return what ``[scratch]`` says; the environments on PostgreSQL servers are noted, as none of them may be lent.

    A server comes before programs. Raises `CaseError` for an address of another dialect.
    """
    bin, written = table.text("bin"), table.text("postgresql")
    folder = os.path.normpath(root / Path(expand(bin, table.where("bin"))).expanduser()) if bin else ""
    if not written:
        return ScratchSpec(bin=folder)
    others = tuple((item.name, item.address) for item in environments if _scheme(item.address) in _SCHEMES)
    shown = redact_url(written)
    try:
        address = expand(written, table.where("postgresql"))
    except UnsetVariable as error:
        return ScratchSpec(url=shown, others=others, problem=error.what, remedy=error.remedy)
    if _scheme(address) not in _SCHEMES:
        raise CaseError(
            f"{table.where('postgresql')} is no address of a PostgreSQL server",
            remedy='write postgresql = "postgresql://user@host/database"',
        )
    return ScratchSpec(url=shown, address=address, others=others)


def _scheme(address: str) -> str:
    return address.partition("://")[0].partition("+")[0].lower() if "://" in address else ""
