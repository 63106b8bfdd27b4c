"""Rebuild a schema from a diagnosis, without the toolkit, and compare it with the live one (exit code 0: equal).

python -I rebuild_postgresql.py DIAGNOSIS.json PROJECT SERVER DATABASE [ENVIRONMENT] [--pg-dump PROGRAM]

The story is told again on a new, empty database of the same server: Alembic runs the migrations of the folder that the
diagnosis names, below PROJECT; what happened outside them stands in the diagnosis. Then `pg_dump --schema-only` of both."""

import argparse, json, re, subprocess, sys, uuid  # noqa: E401, I001
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text


def rebuild(document, project, engine):
    story = document["explanation"]
    folder = project / story.get("chain", document["chain"]["path"])
    scripts = ScriptDirectory(str(folder.parent), version_locations=[str(folder)])
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        for step in story["steps"]:
            if "outside" in step or "statements" in step:
                for statement in step["sql"] if "statements" in step else story["outside"][step["outside"]]["ddl"]:
                    connection.exec_driver_sql(statement.replace("%", "%%"))
            else:
                scripts.get_revision(step["migration"]).module.upgrade()


def dump(program, address, hidden):
    words = [program, "--schema-only", "--no-owner", "--no-privileges", *(f"--exclude-table={name}" for name in hidden)]
    url = address.set(drivername="postgresql").render_as_string(hide_password=False)
    said = subprocess.run([*words, f"--dbname={url}"], capture_output=True, text=True, timeout=240, check=True).stdout
    return [line for line in said.splitlines() if line and not re.match(r"--|\\(un)?restrict |SET |SELECT pg_catalog\.set_config", line)]


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("diagnosis", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("server", type=make_url)
    parser.add_argument("database")
    parser.add_argument("environment", nargs="?")
    parser.add_argument("--pg-dump", default="pg_dump")
    given = parser.parse_args(words)
    document = json.loads(given.diagnosis.read_text(encoding="utf-8"))
    document = next((item for item in document.get("environments", []) if item["environment"]["name"] == given.environment), document)
    sys.path.insert(0, str(given.project))  # what the migrations import
    server = given.server.set(drivername="postgresql+psycopg")
    name = f"rebuilt_{uuid.uuid4().hex}"
    keeper = create_engine(server, isolation_level="AUTOCOMMIT")
    with keeper.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        engine = create_engine(server.set(database=name))
        rebuild(document, given.project, engine)
        engine.dispose()
        hidden = [item["table"] for item in [document["tracker"], *document["trackers"]] if item.get("table")]
        one, other = (dump(given.pg_dump, server.set(database=each), hidden) for each in (name, given.database))
    finally:
        with keeper.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        keeper.dispose()
    return [f"- {line}" for line in one if line not in other] + [f"+ {line}" for line in other if line not in one] or (
        [] if one == other else ["the same lines in another order"]
    )


if __name__ == "__main__":
    differences = main(sys.argv[1:])
    print("\n".join(differences) or "equal")
    sys.exit(bool(differences))
