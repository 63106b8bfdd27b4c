"""Hostile names stay text, whatever renders them."""

from __future__ import annotations

import html
import re

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.markdown import Markdown, block, code, escape, html_text, table

HOSTILE = [
    "a|b", "a\nb", "`x`", "``", "*b*", "_i_", "__b__", "[l](http://evil.example)", "<script>alert(1)</script>", "&amp;",
    "# head", "- item", "1. item", "> quote", "~~s~~", "$x$", "\\|", "a\\", "http://evil.example", "www.evil.example",
    "![i](x)", "@someone", "\x1b[31m", "\u202eabc", "  spaces  ", "=====", "| a | b |", "", "`|`", "line\r\nline",
]  # fmt: skip


def rendered(text: str) -> str:
    markdown = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])
    return str(markdown(text))


def shown(text: str) -> str:
    """Take the tags of a rendering away and decode it: what a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", "", text)).strip("\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_escaped_text_is_only_text(name: str) -> None:
    out = rendered(escape(name))
    assert re.sub(r"</?p>", "", out).count("<") == 0
    assert "\n" not in escape(name)
    if name.isprintable():
        assert shown(out).strip() == name.strip()


@pytest.mark.parametrize("name", HOSTILE)
def test_table_keeps_its_cells(name: str) -> None:
    out = rendered(table(["name", "code"], [(name, code(name)), ("x", "y")]))
    assert out.count("<tr>") == 3
    assert out.count("<td>") == 4
    assert "<script>" not in out
    assert "<a " not in out
    if name.isprintable() and name.strip():
        cells = re.findall(r"<td>(.*?)</td>", out, re.DOTALL)
        assert [shown(cell).strip() for cell in cells[:2]] == [name.strip()] * 2


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))))
def test_code_shows_exactly_the_text(name: str) -> None:
    out = rendered("x " + code(name) + " y")
    if name.strip():
        assert re.sub(r"\s+", " ", shown(out)) == re.sub(r"\s+", " ", f"x {name} y")
    assert len(re.findall(r"<code>", out)) == 1


def test_table_leaves_markdown_alone() -> None:
    assert table(["a"], [(Markdown("**b**"),), (None,), (3,)]) == "| a |\n| --- |\n| **b** |\n|  |\n| 3 |"
    assert table(["a"], []) == "| a |\n| --- |"


def test_fence_is_longer_than_any_inside() -> None:
    text = "CREATE TABLE x (\n```\n)"
    assert block(text, "sql") == f"````sql\n{text}\n````"


def test_html() -> None:
    assert html_text('<a href="x">\'') == "&lt;a href=&quot;x&quot;&gt;&#x27;"
