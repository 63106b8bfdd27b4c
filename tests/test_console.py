"""Text for a terminal: nothing in it that the terminal would obey, colour only where it is wanted."""

from __future__ import annotations

import io

import pytest

from forensics.console import Console, visible


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_control_characters_are_shown() -> None:
    assert visible("a\nb\r\nc\td\x1b[31m\u202e\udcff") == "a⏎b⏎c d\\x1b[31m\\x202e\\xdcff"
    assert visible("naïve 名") == "naïve 名"


@pytest.mark.parametrize(
    ("variable", "value", "coloured"), [("X", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)]
)
def test_colour(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, coloured: bool) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert ("\x1b" in Console(Terminal()).paint("x", "red")) is coloured
    assert Console(io.StringIO()).paint("x", "red") == "x"


def test_long_text_is_wrapped_and_names_stay_whole() -> None:
    stream = io.StringIO()
    name = "a_very_long_name_" * 8
    Console(stream).field("proof", f"{'word ' * 30}{name} end")
    lines = stream.getvalue().splitlines()
    assert any(name in line for line in lines)
    assert all(len(line) <= 100 for line in lines if name not in line)
    assert lines[0].startswith("    proof     word")


def test_statement_is_cut_with_a_count() -> None:
    stream = io.StringIO()
    Console(stream).statement("\n".join(f"line {number}" for number in range(20)), limit=3)
    assert stream.getvalue().splitlines()[-1].strip() == "... 17 more lines"
