"""Markdown of our own sections -> HTML that loads nothing, links nowhere else, and lets no foreign HTML through."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

from mistune import HTMLRenderer, Markdown, create_markdown
from mistune.util import safe_entity

_HARMLESS = re.compile(r"</?code>|<br>|<a id=\"[a-z0-9-]+\">|</a>")
_HASH = re.compile(r"[0-9a-f]{64}")
_STEP = r"(?:[\w.-]|%[89A-Fa-f][0-9A-Fa-f])+"
_LOCAL = re.compile(rf"#[\w-]*|{_STEP}(?:/{_STEP})*")


class _Renderer(HTMLRenderer):
    """Adds anchors and scrollable tables; HTML shows as text, save the few tags that `forensics.markdown` writes."""

    def text(self, text: str) -> str:
        return str(safe_entity(text))

    def inline_html(self, html: str) -> str:
        return html if _HARMLESS.fullmatch(html) else _shown(html)

    def codespan(self, text: str) -> str:
        """Return code; of a SHA-256 the first digits, with all of them where one points at it."""
        if _HASH.fullmatch(text):
            return f'<code title="{text}">{text[:12]}…</code>'
        return str(super().codespan(text))

    def block_html(self, html: str) -> str:
        return f"<p>{_shown(html)}</p>\n"

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return f'<h{level} id="{_slug(text)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not _LOCAL.fullmatch(url):
            return text
        target = url.removesuffix(".md") + ".html" if url.endswith("/report.md") else url
        return f'<a href="{_shown(target)}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text


@cache
def _markdown() -> Markdown:
    renderer = _Renderer(escape=True)
    made = create_markdown(renderer=renderer, plugins=["table"])
    renderer.register("table", _table)
    return made


def _table(_: HTMLRenderer, text: str) -> str:
    return f'<div class="table"><table>\n{text}</table></div>\n'


def render(text: str) -> str:
    """Return Markdown as HTML."""
    return str(_markdown()(text))


def _shown(text: str) -> str:
    return html.escape(text, quote=True)


def _slug(text: str) -> str:
    plain = html.unescape(re.sub(r"<[^>]*>", "", text)).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-") or "section"
