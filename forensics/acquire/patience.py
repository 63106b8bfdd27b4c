"""Limits for waiting that hold whatever the other side does: it may be stopped, cut off or mute."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

R = TypeVar("R")


class TooLong(Exception):
    """A wait came to its limit."""


class _Attempt(Generic[R]):
    """One call in a thread of its own, given up when it takes too long."""

    def __init__(self, call: Callable[[], R], discard: Callable[[R], object]) -> None:
        self._call, self._discard = call, discard
        self._lock = threading.Lock()
        self._given_up = False
        self._found: list[R] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            found = self._call()
        except BaseException as error:
            self._error = error
            return
        with self._lock:
            if not self._given_up:
                self._found.append(found)
                return
        self._discard(found)

    def result(self, limit: float) -> R:
        self._thread.start()
        self._thread.join(limit)
        with self._lock:
            self._given_up = not self._found
        if self._found:
            return self._found[0]
        if self._error is not None:
            raise self._error
        raise TooLong


def within(limit: float, call: Callable[[], R], discard: Callable[[R], object]) -> R:
    """Return what a call returns, or raise `TooLong` after ``limit`` seconds; what comes later is discarded."""
    return _Attempt(call, discard).result(limit)


@contextmanager
def cut_off(limit: float, descriptor: int) -> Iterator[Callable[[], bool]]:
    """Shut a socket down when what is done inside takes longer than ``limit`` seconds; yields whether it came to that.

    Whoever waits for the socket then gets an error, as if the other side had closed it.
    """
    fired = threading.Event()
    # A descriptor of our own: the number could belong to another file by then.
    own = os.dup(descriptor)

    def shut() -> None:
        fired.set()
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(own)) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit, shut)
    timer.daemon = True
    timer.start()
    try:
        yield fired.is_set
    finally:
        timer.cancel()
        os.close(own)
