"""``[scratch]`` of the case file: server programs by their folder, and a server that is lent for the replay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from cases import causes, check_schema, executed
from laboratory import OPS, chain, outside, run

import forensics as fx
from forensics import cli
from forensics.case.spec import ScratchSpec
from forensics.errors import CaseError, ReplayError
from forensics.replay.cluster import Cluster
from forensics.replay.inside import postmaster
from forensics.replay.lab import Lab

REVISIONS = {
    "a1.py": OPS.replace("'r'", "'a1'")
    + "def upgrade():\n    op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.Text))\n",
    "a2.py": OPS.replace("'r'", "'a2'").replace("None", "'a1'")
    + "import os\ndef upgrade():\n    op.execute('CREATE ROLE reader')\n    op.execute('GRANT SELECT ON users TO reader')\n"
    "    with op.get_context().autocommit_block():\n        op.execute('CREATE INDEX CONCURRENTLY by_name ON users (name)')\n",
}
PASSWORD = "s3cret-wörd"


@pytest.fixture(scope="module")
def lender() -> Iterator[Cluster]:
    """A server of somebody else, with things of their own on it, that asks for passwords."""
    usual = postmaster.choose()[1].split(".")[0]
    others = [postmaster.version(folder).split(".")[0] for folder in postmaster.folders()]
    # Clusters that are copies of one have one identifier; another major version has its own.
    with Cluster(next(int(major) for major in others if major != usual)) as made:
        with psycopg.connect(made.url(), autocommit=True) as admin:
            admin.execute("SET password_encryption = 'scram-sha-256'")
            admin.execute("CREATE ROLE theirs")
            admin.execute("CREATE DATABASE theirs")
            admin.execute(f"CREATE ROLE maker LOGIN CREATEDB PASSWORD '{PASSWORD}'")
            admin.execute(f"CREATE ROLE nobody_special LOGIN PASSWORD '{PASSWORD}'")
            rules = "local all postgres trust\nlocal all all scram-sha-256\n"
            Path(made.data, "pg_hba.conf").write_text(rules)
            admin.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        yield made


@pytest.fixture(autouse=True)
def unchanged(lender: Cluster) -> Iterator[None]:
    before = there(lender)
    yield
    assert there(lender) == before


def there(cluster: Cluster) -> set[tuple[str, ...]]:
    query = "SELECT 'database', datname FROM pg_database UNION ALL SELECT 'role', rolname FROM pg_roles"
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        return set(admin.execute(query).fetchall())


def address(cluster: Cluster, role: str = "", database: str = "postgres") -> str:
    user = f"{role}:{quote(PASSWORD)}" if role else "postgres"
    return f"postgresql+psycopg2://{user}@/{database}?host={cluster.socket}"


def lab(cluster: Cluster, role: str = "", files: dict[str, str] = REVISIONS, **options: object) -> Lab:
    spec = ScratchSpec(url="postgresql://***", address=address(cluster, role))
    return Lab(chain(files, tool="alembic"), dialect="postgresql", scratch=spec, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("isolation", ["auto", "guard"])
@pytest.mark.parametrize("role", ["", "maker"])
def test_what_comes_out_is_what_a_private_server_makes(lender: Cluster, role: str, isolation: str) -> None:
    files = (
        REVISIONS
        if not role
        else {**REVISIONS, "a2.py": REVISIONS["a2.py"].replace("op.execute('CREATE R", "('").replace("op.execute('GRANT", "('")}
    )
    with (
        lab(lender, role, files, isolation=isolation) as lent,
        Lab(chain(files, tool="alembic"), dialect="postgresql", version=int(lent.server_version.split(".")[0])) as own,
    ):
        assert lent.lent
        assert not own.lent
        made = []
        for each in (lent, own):
            first = run(each, "a1")
            second = run(each, "a2", first.state)
            assert second.error is None, second
            third = outside(each, "ALTER TABLE users ADD COLUMN age int", "CREATE TYPE mood AS ENUM ('a')", state=second.state)
            assert outside(each, "SELECT 1/0", state=third.state).error
            made.append([each.schema(item.state).groups for item in (first, second, third)])
        assert made[0] == made[1]
        assert lent.server_version == lender.server_version
        assert "not our own" in lent.caveat
        assert own.caveat == ""


def test_neither_the_role_nor_the_password_is_seen_by_a_migration(lender: Cluster) -> None:
    text = OPS + (
        "import os, pathlib\ndef upgrade():\n    bind = op.get_bind()\n"
        "    who = bind.exec_driver_sql('SELECT current_user, session_user').fetchall()\n"
        "    raise ValueError(repr([dict(os.environ), str(bind.engine.url), who, vars(bind.connection.dbapi_connection.info)"
        " if hasattr(bind.connection.dbapi_connection.info, '__dict__') else bind.connection.dbapi_connection.info.dsn]))\n"
    )
    for role in ("", "maker"):
        with lab(lender, role, {"1.py": text}) as lent:
            said = str(run(lent, "1").error)
            assert "ValueError" in said
            assert PASSWORD not in said
            assert quote(PASSWORD) not in said
            assert "theirs" not in said


def test_a_migration_reaches_no_other_database_of_the_server(lender: Cluster) -> None:
    reach = (
        "import psycopg\ndef upgrade():\n    url = op.get_bind().engine.url\n"
        "    where = f\"host={url.query['host']} port=5432 user={url.username}\".encode()\n"
        "    made = psycopg.pq.PGconn.connect(where + b' dbname=theirs')\n"
        "    raise ValueError(made.error_message.decode())\n"
    )
    owner = (
        OPS
        + "def upgrade():\n    op.execute(\"DO $$ BEGIN IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)\""
        + " \" THEN RAISE 'super'; END IF; END $$\")\n"
    )
    with lab(lender, "", {"1.py": OPS + reach, "2.py": owner}) as lent:
        assert "scratch databases only" in str(run(lent, "1").error)
        assert run(lent, "2").error is None


def test_roles_and_databases_that_a_step_makes_are_gone_before_the_next_and_others_stay(lender: Cluster) -> None:
    files = {
        "1.py": OPS + "def upgrade():\n    op.execute('CREATE ROLE app')\n    op.execute('CREATE ROLE \"Other One\"')\n",
        "2.py": OPS + "def upgrade():\n    with op.get_context().autocommit_block():\n        op.execute('CREATE DATABASE extra')\n",
    }
    with lab(lender, "", files) as lent:
        assert run(lent, "1").error is None
        with psycopg.connect(lender.url(), autocommit=True) as admin:
            admin.execute("CREATE ROLE newcomer")
        try:
            assert run(lent, "1", outside(lent, "CREATE TABLE t (x int)").state).error is None
            assert run(lent, "2").error is None
            assert ("role", "newcomer") in there(lender)
        finally:
            lent.close()
            with psycopg.connect(lender.url(), autocommit=True) as admin:
                admin.execute("DROP ROLE newcomer")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_on_the_server_when_the_program_is_killed(lender: Cluster, number: signal.Signals) -> None:
    code = (
        "import sys, time\nsys.path.insert(0, sys.argv[2])\nfrom laboratory import chain, outside\n"
        "from forensics.case.spec import ScratchSpec\nfrom forensics.replay.lab import Lab\n"
        "lab = Lab(chain({}), dialect='postgresql', scratch=ScratchSpec(url='x', address=sys.argv[1]))\n"
        "outside(lab, 'CREATE TABLE t (x int)')\nprint(lab._bench._lender._folder, flush=True)\ntime.sleep(60)\n"
    )
    before = there(lender)
    with subprocess.Popen(
        [sys.executable, "-c", code, address(lender), os.path.dirname(__file__)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        assert program.stdout is not None
        folder = program.stdout.readline().decode().strip()
        assert os.path.isdir(folder)
        assert there(lender) != before
        program.send_signal(number)
        program.wait(20)
    end = time.monotonic() + 20
    while (there(lender) != before or os.path.exists(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not os.path.exists(folder)


def test_what_a_machine_that_went_down_has_left_is_removed_by_the_next_run(lender: Cluster) -> None:
    with psycopg.connect(lender.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE forensics_0123abcd")
        admin.execute("CREATE DATABASE forensics_0123abcd_7 OWNER forensics_0123abcd")
        alive = "migration-forensics 89abcdef"
        with psycopg.connect(lender.url(), autocommit=True, application_name=alive):
            admin.execute("CREATE DATABASE forensics_89abcdef_1")
            with lab(lender):
                assert ("database", "forensics_0123abcd_7") not in there(lender)
                assert ("role", "forensics_0123abcd") not in there(lender)
                assert ("database", "forensics_89abcdef_1") in there(lender)
        admin.execute("DROP DATABASE forensics_89abcdef_1")


def test_why_a_server_cannot_be_lent_is_said_without_its_secrets(lender: Cluster, tmp_path: Path) -> None:
    wrong = {
        f"postgresql://maker:wr0ng-one@/postgres?host={lender.socket}": "authentication failed",
        f"postgresql://nobody_special:{quote(PASSWORD)}@/postgres?host={lender.socket}": "may not make databases",
        f"postgresql://maker:{quote(PASSWORD)}@/gone?host={lender.socket}": "gone",
        f"postgresql://maker:{quote(PASSWORD)}@/postgres?host={tmp_path}": "No such file",
        f"postgresql://maker:{quote(PASSWORD)}@/postgres?host={lender.socket}&sslmode=require": "encrypted",
    }
    for url, words in wrong.items():
        with (
            pytest.raises(ReplayError) as error,
            Lab(chain({"1.sql": "SELECT 1"}), dialect="postgresql", scratch=ScratchSpec(url="x", address=url)) as made,
        ):
            made.isolation  # noqa: B018
        assert words in str(error.value), url
        assert error.value.remedy
        for secret in (PASSWORD, quote(PASSWORD), "wr0ng-one"):
            assert secret not in str(error.value)
            assert secret not in repr(error.value.__cause__)


def case(root: Path, live: str, scratch: str, more: str = "") -> Path:
    folder = root / "migrations"
    folder.mkdir(exist_ok=True)
    for name, text in REVISIONS.items():
        (folder / name).write_text(text)
    file = root / "forensics.toml"
    file.write_text(
        '[chains.main]\npath = "migrations"\ngit = "none"\ntrust = true\n'
        f'[environments.live]\nurl = "{live}"\n{more}\n[scratch]\n{scratch}\n'
    )
    return file


@pytest.fixture
def live(clusters: Callable[[int | None], Cluster]) -> Iterator[str]:
    """A database of another server, built by the chain."""
    cluster = clusters(None)
    cluster.create("lent_live")
    with psycopg.connect(cluster.url("lent_live"), autocommit=True) as connection:
        connection.execute("CREATE TABLE users (id serial PRIMARY KEY, name text); CREATE INDEX by_name ON users (name)")
        connection.execute(
            "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
        connection.execute("INSERT INTO alembic_version VALUES ('a2')")
    yield cluster.url("lent_live")
    cluster.drop("lent_live")


def test_a_case_file_lends_a_server(
    lender: Cluster, live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCRATCH_URL", address(lender))
    file = case(tmp_path, live, 'postgresql = "${SCRATCH_URL}"')
    document = fx.open_case(file)["live"].document
    check_schema(document)
    assert executed(document) == {"a1": "yes", "a2": "yes"}
    assert causes(document) == set()
    scratch = document["explanation"]["scratch"]
    assert (scratch["server"], scratch["server_version"]) == ("lent", lender.server_version)
    assert "removed afterwards" in scratch["caveat"]
    assert cli.main(["--case", str(file), "audit", "--format", "json"]) == 0
    assert cli.main(["--case", str(file), "diagnose", "--explain"]) == 0
    assert cli.main(["--case", str(file), "compare", "live", "chain:main"]) == 0
    said = capsys.readouterr()
    assert "not promised" in said.out
    assert "removed afterwards" in " ".join(said.out.split())
    kept = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert lender.socket not in kept + said.out + said.err


def test_a_server_that_an_environment_lives_on_is_refused(
    live: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = live.replace("/lent_live?", "/postgres?")
    assert cli.main(["--case", str(case(tmp_path, live, f'postgresql = "{other}"')), "diagnose"]) == 2
    err = capsys.readouterr().err
    assert "'live'" in err
    assert "leave `postgresql` out" in err
    # By another way to the same server it is known all the same.
    link = tmp_path / "link"
    link.symlink_to(live.partition("host=")[2].replace("%2F", "/"))
    monkeypatch.setattr("forensics.replay.lent.same_place", lambda one, other: False)
    aside = f"postgresql://postgres@/postgres?host={link}"
    assert cli.main(["--case", str(case(tmp_path, live, f'postgresql = "{aside}"')), "diagnose"]) == 2
    assert "'live'" in capsys.readouterr().err
    with psycopg.connect(other, autocommit=True) as admin:
        assert admin.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'forensics%'").fetchone() == (0,)


def test_a_variable_that_is_not_set_stops_no_other_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    file = case(tmp_path, "sqlite:///app.db", 'postgresql = "${NOT_SET_HERE}"')
    (tmp_path / "app.db").touch()
    assert fx.open_case(file)["live"].document["environment"]["state"] == "not-initialised"
    with pytest.raises(CaseError, match="NOT_SET_HERE"):
        Lab(chain({"1.sql": "SELECT 1"}), dialect="postgresql", scratch=fx.open_case(file).scratch)


def test_an_address_of_another_kind_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"scratch.postgresql"):
        fx.open_case(case(tmp_path, "sqlite:///app.db", 'postgresql = "mysql://x/y"'))


def test_the_programs_that_the_case_names_are_used_and_another_major_version_is_said(live: str, tmp_path: Path) -> None:
    own = fx.open_case(case(tmp_path, live, ""))["live"].snapshot.record.server_version.split(".")[0]
    folder, version = next(
        (folder, postmaster.version(folder)) for folder in postmaster.folders() if postmaster.version(folder).split(".")[0] != own
    )
    document = fx.open_case(case(tmp_path, live, f'bin = "{folder}"'))["live"].document
    scratch = document["explanation"]["scratch"]
    assert (scratch["server"], scratch["server_version"]) == ("private", version)
    assert f"the live server is PostgreSQL {own}, the scratch server {version}" in scratch["caveat"]
    assert executed(document) == {"a1": "yes", "a2": "yes"}
