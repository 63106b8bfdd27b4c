"""A private, throw-away PostgreSQL cluster on a Unix socket, for replay, samples and tests."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Any
from urllib.parse import quote

from forensics.errors import ReplayError, UsageError
from forensics.replay.inside.postmaster import PORT, SUPERUSER, NoServer, Postmaster, choose, prepared

__all__ = ["Cluster"]


class Cluster:
    """One cluster that nobody else can see: started on entering, gone without a trace on leaving, whatever happens.

    ``version`` is the major version to prefer (that of the live server); `server_version` says what was found.
    ``bin`` is the folder of the server's programs where the case file names one. Root runs the server as an unprivileged
    account that exists already. With ``tcp`` it listens on the loopback too, at `port`. Raises `ReplayError` where no server can be had.
    """

    def __init__(self, version: int | None = None, bin: str | None = None, *, tcp: bool = False) -> None:
        self._wanted = (version, bin)
        self._tcp = tcp
        self._server: Postmaster | None = None
        self.server_version = ""
        self.port = PORT

    def start(self) -> Cluster:
        """Start the server and return self."""
        try:
            folder, self.server_version = choose(*self._wanted)
            self.port = _free_port() if self._tcp else PORT
            self._server = Postmaster(folder, tcp=self._tcp, port=self.port, ready=prepared(folder))
        except NoServer as error:
            raise ReplayError(error.what, remedy=error.remedy) from error
        return self

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._server is not None:
            self._server.stop()
        self._server = None

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _running(self) -> Postmaster:
        if self._server is None:
            raise UsageError("the cluster is not running", remedy="use it in a `with` statement")
        return self._server

    @property
    def socket(self) -> str:
        """The folder of the server's Unix socket, which nobody but this user can enter."""
        return self._running.socket

    @property
    def log_file(self) -> str:
        """The file into which the server writes its log; it is gone with the cluster."""
        return self._running.log_file

    @property
    def data(self) -> str:
        """The data folder of the server."""
        return f"{self._running.folder}/data"

    def url(self, dbname: str = SUPERUSER) -> str:
        """Return the address of one of its databases."""
        port = f"&port={self.port}" if self.port != PORT else ""
        return f"postgresql://{SUPERUSER}@/{quote(dbname, safe='')}?host={quote(self.socket, safe='/')}{port}"

    def create(self, dbname: str, template: str | None = None) -> None:
        """Make a database, as a copy of another where one is given."""
        copy = f" TEMPLATE {_quoted(template)}" if template else ""
        self._execute(f"CREATE DATABASE {_quoted(dbname)}{copy}")

    def drop(self, dbname: str) -> None:
        """Remove a database and whoever is connected to it; one that is not there is no error."""
        self._execute(f"DROP DATABASE IF EXISTS {_quoted(dbname)} WITH (FORCE)")

    def _execute(self, sql: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise ReplayError(
                "PostgreSQL is reached through psycopg, which is not installed",
                remedy="install the extra `postgresql` of this package",
            ) from error
        statement: Any = sql
        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                connection.execute(statement)
        except psycopg.Error as error:
            raise ReplayError(f"the private PostgreSQL refused: {str(error).strip()}") from error


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
