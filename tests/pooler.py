"""What stands between a reader and its server in tests: a pooler in transaction mode, and a line that breaks or falls silent."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# What PgBouncer keeps track of; anything else in the first packet is an error unless it is told to ignore it.
TRACKED = {"user", "database", "client_encoding", "datestyle", "timezone", "standard_conforming_strings", "application_name"}


def exactly(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = line.recv(count - len(found))
        if not part:
            raise OSError("closed")
        found += part
    return found


def message(line: socket.socket) -> tuple[bytes, bytes]:
    kind = exactly(line, 1)
    (length,) = struct.unpack("!i", exactly(line, 4))
    return kind, exactly(line, length - 4)


def framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", 4 + len(body)) + body


class Pooler:
    """Gives each transaction another one of its two sessions on the server, as a pooler in transaction mode may.

    ``dies_at`` closes everything, ``mute_at`` forwards nothing more, when that many queries have been sent.
    """

    def __init__(self, socket_path: str, *, dies_at: int = 0, mute_at: int = 0) -> None:
        self.path = socket_path
        self.dies_at, self.mute_at = dies_at, mute_at
        self.refused: list[str] = []
        self.transactions = 0
        self.queries = 0
        self._held: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for line in self._held:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._door.accept()
                self._held.append(line)
                threading.Thread(target=self._client, args=(line,), daemon=True).start()

    def _client(self, line: socket.socket) -> None:
        with suppress(OSError, struct.error):
            given = self._greeting(line)
            strange = [name for name in given if name.lower() not in TRACKED]
            if strange:
                self.refused += strange
                text = f"SFATAL\0C08P01\0Munsupported startup parameter: {strange[0]}\0\0".encode()
                line.sendall(framed(b"E", text))
                line.close()
                return
            sessions = [self._session(given) for _ in range(2)]
            line.sendall(sessions[0][1])
            turn = 0
            while True:
                server = sessions[turn][0]
                turn = self._transaction(line, server, turn)
                self.transactions += 1

    def _greeting(self, line: socket.socket) -> dict[str, str]:
        while True:
            length, code = struct.unpack("!ii", exactly(line, 8))
            rest = exactly(line, length - 8)
            if code in (80877103, 80877104):
                line.sendall(b"N")
                continue
            words = rest.decode().rstrip("\0").split("\0")
            return dict(zip(words[::2], words[1::2], strict=True))

    def _session(self, given: dict[str, str]) -> tuple[socket.socket, bytes]:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.path)
        self._held.append(server)
        body = struct.pack("!i", 196608) + b"".join(f"{key}\0{value}\0".encode() for key, value in given.items()) + b"\0"
        server.sendall(struct.pack("!i", 4 + len(body)) + body)
        said = b""
        while True:
            kind, text = message(server)
            said += framed(kind, text)
            if kind in b"ZE":
                return server, said

    def _transaction(self, line: socket.socket, server: socket.socket, turn: int) -> int:
        """Forward until the server is idle again; the next transaction is the other session's."""
        while True:
            kind, body = message(line)
            if kind == b"X":
                raise OSError("done")
            self.queries += kind in b"QP"
            if self.dies_at and self.queries >= self.dies_at:
                self.close()
                raise OSError("gone")
            if self.mute_at and self.queries >= self.mute_at:
                threading.Event().wait(60)
            server.sendall(framed(kind, body))
            if kind not in b"QS":
                continue
            while True:
                answer, text = message(server)
                line.sendall(framed(answer, text))
                if answer == b"Z":
                    break
            if text == b"I":
                return 1 - turn


@contextmanager
def pooler(socket_folder: str, **options: int) -> Iterator[Pooler]:
    made = Pooler(f"{socket_folder}/.s.PGSQL.5432", **options)
    try:
        yield made
    finally:
        made.close()
