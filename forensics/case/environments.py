"""The ``[environments]`` and the ``[fleet]`` of a case file, as records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forensics.case.fleet import discovered
from forensics.case.keys import Table, UnsetVariable, expand
from forensics.case.spec import ChainSpec, EnvironmentSpec, Zones
from forensics.clock import zone
from forensics.errors import CaseError, UsageError
from forensics.redact import redact_url


def environments(
    top: Table, root: Path, zones: Zones, chains: tuple[ChainSpec, ...]
) -> tuple[EnvironmentSpec, ...]:  # fmt: skip
    """Return every environment: the named ones in the order of the file, then those of the fleet by name."""
    table = top.table("environments")
    keys = ("url", "chain", "logs", "evidence", "timezone")
    found = [_environment(table.table(name, keys), name, root, zones, chains) for name in table]
    if "fleet" in top:
        fleet = top.table("fleet", ("glob", "chain", "logs", "timezone"))
        chain, own = _chain_name(fleet, chains), zones_of(fleet, zones)
        taken = {item.name for item in found}
        files = {_file(item.address, root) for item in found}
        for name, file in discovered(expand(fleet.required("glob"), fleet.where("glob")), root):
            if name in taken or (root / file).resolve() in files:
                continue
            url = f"sqlite:///{file}"
            logs = tuple(item.replace("{env}", name) for item in fleet.texts("logs"))
            found.append(
                EnvironmentSpec(name=name, root=root, url=url, address=url, chain=chain, logs=logs, zones=own)
            )  # fmt: skip
    return tuple(found)


def _environment(
    table: Table, name: str, root: Path, zones: Zones, chains: tuple[ChainSpec, ...]
) -> EnvironmentSpec:  # fmt: skip
    if ("url" in table) == ("evidence" in table):
        raise CaseError(
            f"[{table.place}] needs either url or evidence",
            remedy='write url = "sqlite:///path/to/file.db", or evidence = "folder of saved evidence"',
        )
    written = table.text("url")
    if "url" in table and not written:
        raise CaseError(f"{table.where('url')} is empty", remedy='write url = "sqlite:///path/to/file.db"')
    spec = EnvironmentSpec(
        name=name,
        root=root,
        url=redact_url(written if "://" in written or written.startswith("${") else f"sqlite:///{written}"),
        chain=_chain_name(table, chains),
        logs=table.texts("logs"),
        zones=zones_of(table, zones),
    )
    try:
        if "evidence" in table:
            folder = root / expand(table.text("evidence"), table.where("evidence"))
            return replace(spec, url=None, evidence=folder)
        return replace(spec, address=expand(written, table.where("url")))
    except UnsetVariable as error:
        return replace(spec, problem=error.what, remedy=error.remedy)


def _chain_name(table: Table, chains: tuple[ChainSpec, ...]) -> str:
    names = [item.name for item in chains]
    if "chain" in table:
        return table.text("chain", among=names)
    if len(names) > 1:
        raise CaseError(f"[{table.place}] does not say which chain", remedy=f"add chain = one of {', '.join(names)}")
    return names[0]


def zones_of(table: Table, default: Zones) -> Zones:
    """Return the zones that a table's ``timezone`` states, one for all or by source; ``default`` where it has none."""
    value = table.raw("timezone")
    if value is None:
        return default
    if isinstance(value, str):
        zones = Zones(tracker=value, logs=value, events=value)
    else:
        names = dict(table.pairs("timezone", ("tracker", "logs", "events")))
        zones = replace(default, **names)
    for name in (zones.tracker, zones.logs, zones.events):
        try:
            zone(name)
        except UsageError as error:
            raise CaseError(f"{table.where('timezone')}: {error.what}", remedy=error.remedy) from None
    return zones


def _file(address: str, root: Path) -> Path | None:
    scheme, separator, rest = address.partition(":///")
    if not separator:
        return (root / address).resolve() if address and "://" not in address else None
    return (root / rest).resolve() if scheme.startswith("sqlite") else None
