"""How Alembic is told where its revisions are: ``alembic.ini`` and ``pyproject.toml``, read as text and never run."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

INI, TOML = "alembic.ini", "pyproject.toml"
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_LEVELS = 6
_USUAL = ("alembic", "migrations", "db/migrations", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where an Alembic project keeps what.

    ``home`` is the script folder (the one with ``env.py``), ``folders`` hold the revisions (``recursive``: below them
    too), ``sys_path`` is what Alembic would put in front of the import path. ``source`` is the file that says so, None
    where nothing does; ``problem`` says what in it could not be followed.
    """

    home: Path
    folders: tuple[Path, ...]
    recursive: bool = False
    sys_path: tuple[str, ...] = ()
    source: Path | None = None
    file_template: str = ""
    problem: str = ""


def find_settings(root: Path) -> Settings:
    """Return the settings for a folder: the project's, that of ``alembic.ini``, the script folder, or ``versions``.

    A configuration counts where it stands in the folder itself, or further up and leads back to it. Without one the
    usual layout is taken. Nothing is raised for a file that is wrong.
    """
    own = next(_configured(root), None)
    if own is not None and own.folders and not _holds_revisions(root):
        return own
    for place in _above(root):
        for found in _configured(place):
            if root.resolve() in {item.resolve() for item in (found.home, *found.folders)} and found.folders:
                return found
    plain = _plain(root)
    problem = own.problem if own is not None and not own.folders and not _holds_revisions(root) else ""
    return Settings(home=plain.home, folders=plain.folders, problem=problem)


def _holds_revisions(root: Path) -> bool:
    # A script folder that has a stray alembic.ini beside its versions is still that script folder.
    return (root / "versions").is_dir() and (root / "env.py").is_file()


def _plain(root: Path) -> Settings:
    if (root / "versions").is_dir():
        return Settings(home=root, folders=(root / "versions",))
    if (root / INI).is_file() or (root / TOML).is_file():
        for name in _USUAL:
            if (root / name / "versions").is_dir():
                return Settings(home=root / name, folders=(root / name / "versions",))
    return Settings(home=root, folders=(root,))


def _above(root: Path) -> Iterator[Path]:
    place = root.absolute()
    for _ in range(_LEVELS):
        yield place
        if (place / ".git").exists() or place.parent == place:
            return
        place = place.parent


def _configured(folder: Path) -> Iterator[Settings]:
    """Yield what the configuration files of a folder say, those of ``alembic.ini`` first, as Alembic reads them."""
    ini, toml = _ini(folder / INI), _toml(folder / TOML)
    if ini is None and toml is None:
        return
    values = {**(toml or {}), **(ini or {})}
    if values.get("script_location"):
        yield _settings(folder, values, folder / (INI if ini else TOML))


def _ini(file: Path) -> dict[str, str | list[str]] | None:
    if not file.is_file():
        return None
    parser = configparser.ConfigParser({"here": str(file.parent)}, interpolation=None, strict=False)
    try:
        parser.read(file, encoding="utf-8-sig")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return {}
    named = [name for name in parser.sections() if "script_location" in parser[name]]
    section = "alembic" if parser.has_section("alembic") else named[0] if len(named) == 1 else ""
    if not section:
        return {}
    raw = dict(parser.items(section))
    return {key: _interpolated(text, raw) for key, text in raw.items() if text}


def _toml(file: Path) -> dict[str, str | list[str]] | None:
    if not file.is_file():
        return None
    try:
        found = tomllib.loads(file.read_bytes().decode("utf-8-sig")).get("tool", {}).get("alembic")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, AttributeError):
        return {}
    if not isinstance(found, dict):
        return None
    names = {"here": str(file.parent)}
    values: dict[str, str | list[str]] = {}
    for key, value in found.items():
        if isinstance(value, list):
            values[key] = [_interpolated(item, names) for item in value if isinstance(item, str)]
        elif isinstance(value, str | bool):
            values[key] = _interpolated(str(value), names)
    return values


def _interpolated(text: str, names: Mapping[str, str], depth: int = 0) -> str:
    def value(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        found = names.get(match[1].lower())
        return match[0] if found is None or depth > 9 else _interpolated(found, names, depth + 1)

    return re.sub(r"%%|%\((\w+)\)s", value, text)


def _settings(folder: Path, values: Mapping[str, str | list[str]], source: Path) -> Settings:
    paths = _listed(values.get("prepend_sys_path", ""), values, legacy=r", *| +|:", names=("path_separator",))
    sys_path = tuple(_path(folder, item) for item in paths)
    home = _script(folder, str(values["script_location"]).strip(), sys_path)
    names = ("path_separator", "version_path_separator")
    listed = _listed(values.get("version_locations", ""), values, legacy=r", *| +", names=names)
    wanted = [_script(folder, item, sys_path) for item in listed] or [home / "versions"]
    folders = tuple(dict.fromkeys(item for item in wanted if item.is_dir()))
    missing = [item.name for item in wanted if not item.is_dir()]
    what = "the script folder" if not home.is_dir() else ", ".join(missing)
    return Settings(
        home=home,
        folders=folders,
        recursive=str(values.get("recursive_version_locations", "")).strip().casefold() in ("true", "1", "yes", "on"),
        sys_path=sys_path,
        source=source,
        file_template=str(values.get("file_template", "")),
        problem=f"{source.name} names {what}, which is not there" if missing else "",
    )


def _listed(
    value: str | list[str], values: Mapping[str, str | list[str]], *, legacy: str, names: tuple[str, ...]
) -> list[str]:
    if isinstance(value, list):
        return [item.strip() for item in value if item.strip()]
    said = next((str(values[name]).strip() for name in names if values.get(name)), "")
    separator = _SEPARATORS.get(said)
    parts = value.split(separator) if separator else re.split(legacy, value)
    return [part.strip() for part in parts if part.strip()]


def _path(folder: Path, text: str) -> str:
    return os.path.normpath(folder / Path(text).expanduser())


def _script(folder: Path, text: str, sys_path: tuple[str, ...]) -> Path:
    """Return the folder that a location names.

    ``package:folder`` is looked for where Python would find the package; what is relative is so to the folder where the command
    is run, which can be one further up.
    """
    if ":" in text and not os.path.isabs(text):
        package, *rest = text.split(":")
        for base in (*map(Path, sys_path), folder, folder / "src", *_above(folder)):
            found = Path(base, *package.split("."), *rest)
            if found.is_dir():
                return Path(os.path.normpath(found))
    for base in _above(folder):
        if os.path.isdir(found := Path(_path(base, text))):
            return found
    return Path(_path(folder, text))
