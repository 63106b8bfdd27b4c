"""Rebuild a schema from a diagnosis, without the toolkit, and compare it with the live one (exit code 0: equal).

python rebuild.py DIAGNOSIS.json MIGRATIONS LIVE.db [ENVIRONMENT]"""

import json, re, shutil, sqlite3, sys, tempfile  # noqa: E401, I001
from pathlib import Path


def pieces(script):
    found, text = [], ""
    for part in re.split(r"(?<=;)", script + ";"):
        text += part
        if sqlite3.complete_statement(text):
            code = re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.S).strip(" \n\t;")
            found += [text] if code and not re.match(r"(?i)(select|explain)\b", code) else []
            text = ""
    return found


def shape(connection, hidden):
    shapes = {}
    for kind, name, table, sql in connection.execute("select type, name, tbl_name, sql from sqlite_master").fetchall():
        ask = lambda pragma, of: connection.execute(f"select * from pragma_{pragma}(?)", (of,)).fetchall()  # noqa: E731
        if name.startswith("sqlite_") or table.lower() in hidden:
            continue
        shapes[kind, name] = re.sub(r"[\s\"'`;]+|if not exists", "", sql, flags=re.I).lower() if kind != "table" else (
            sorted((*row[1:5], bool(row[5]), row[6]) for row in ask("table_xinfo", name)),
            sorted(row[2:8] for row in ask("foreign_key_list", name)),
            sorted(repr([part[2:] for part in ask("index_xinfo", row[1])]) for row in ask("index_list", name) if row[3] != "c"),
            len(re.findall(r"(?i)\bcheck\s*\(", sql)),
        )  # fmt: skip
    return shapes


def main(diagnosis, migrations, live, environment=None):
    document = json.loads(Path(diagnosis).read_text())
    document = next((item for item in document.get("environments", []) if item["environment"]["name"] == environment), document)
    files = {key: item["file"] for item in document["migrations"] for key in (item["version"], item["id"])}
    rebuilt, story = sqlite3.connect(":memory:", isolation_level=None), document["explanation"]
    for step in story["steps"]:
        statements = story["outside"][step["outside"]]["ddl"] if "outside" in step else step.get("sql")
        if statements is None:
            every = pieces((Path(migrations) / files[step["migration"]]).read_text())
            statements = [every[number - 1] for number in step.get("statements", range(1, len(every) + 1))]
        for statement in statements:
            rebuilt.execute(statement)
    with tempfile.TemporaryDirectory() as folder:
        for file in Path(live).parent.glob(Path(live).name + "*"):
            shutil.copy(file, folder)
        found = sqlite3.connect(Path(folder) / Path(live).name)
        hidden = {(item.get("table") or "").lower() for item in [document["tracker"], *document["trackers"], *story["residual"]]}
        one, other = shape(rebuilt, hidden), shape(found, hidden)
    return sorted(" ".join(key) for key in one.keys() | other.keys() if one.get(key) != other.get(key))


if __name__ == "__main__":
    differences = main(*sys.argv[1:])
    print("\n".join(differences) or "equal")
    sys.exit(bool(differences))
