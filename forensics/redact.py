"""Secrets out of URLs and out of text: used at every exit, so that nothing written can hold one.

It would rather mask too much than too little: of an address with credentials the whole user part goes, and a value goes
wherever a name beside it says that it is secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key|"
    r"client[_-]?secret|credentials?|auth|signature|sig|sas|session[_-]?key|encryption[_-]?key|hexkey|sslkey)"
)
_QUERY = re.compile(rf"([?&;][^=&;\s]*(?:{_NAME}[^=&;\s]*|key)=)[^&;\s\"'<>]*", re.IGNORECASE)
_QUERY_USER = re.compile(r"([?&](?:user|username|uid|login)=)[^&\s\"'<>]*", re.IGNORECASE)
_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)([^\s\"'<>]*)")
_ASSIGNED = re.compile(
    rf"((?<![A-Za-z])[\w.-]*{_NAME}[\"']?\s*(?:=>|[=:])\s*)"
    r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?:(?:bearer|basic|digest)\s+)?[^\s,;&|}\])\"']+)",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"(--?[\w-]*{_NAME}[\w-]*\s+)(\S+)", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{12,}", re.IGNORECASE)
_IDENTIFIED = re.compile(r"(?<!revision )\bIDENTIFIED\s+(?:WITH\s+\S+\s+)?BY\s+(?:'[^']*'|\"[^\"]*\")", re.IGNORECASE)
_CREATED = re.compile(r"(\bPASSWORD\s+)('(?:[^']|'')*')", re.IGNORECASE)
_TOKENS = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|"
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def redact_url(url: str) -> str:
    """Return an address without its user part and without the secret values of its query string.

    A password with an unescaped ``@``, ``/`` or ``?`` goes with the rest: everything up to the last ``@`` is the user
    part. Addresses of files have none and stay as they are.

    >>> redact_url("postgresql://app:s3cret@db.example.org/shop?sslmode=require&password=x")
    'postgresql://***@db.example.org/shop?sslmode=require&password=***'
    """
    scheme, separator, rest = url.partition("://")
    if separator and "@" in rest and not rest.startswith("/"):
        url = f"{scheme}://{MASK}@{rest.rpartition('@')[2]}"
    return _QUERY_USER.sub(rf"\1{MASK}", _QUERY.sub(rf"\1{MASK}", url))


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without the secrets in it: in addresses, assignments, headers, options and well-known tokens.

    ``secrets`` are values that are known to be secret and go wherever they stand; those of fewer than three characters
    are left, as masking them would destroy the text without hiding them. Never use it on DDL that somebody replays.
    """
    for secret in sorted({item for item in secrets if len(item) > 2}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    if "PRIVATE KEY" in text:
        text = _KEY_BLOCK.sub(MASK, text)
    if "://" in text:
        text = _URL.sub(lambda match: redact_url(match[0]), text)
    text = _IDENTIFIED.sub(f"IDENTIFIED BY {MASK}", text)
    text = _CREATED.sub(rf"\1{MASK}", text)
    text = _ASSIGNED.sub(rf"\1{MASK}", text)
    text = _OPTION.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    return _TOKENS.sub(MASK, text)


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the secret values of an address, as they stand and percent-decoded, for `redact_text`."""
    from urllib.parse import unquote

    _, separator, rest = url.partition("://")
    found: list[str] = []
    if separator and "@" in rest and not rest.startswith("/"):
        found.extend(part for part in rest.rpartition("@")[0].split(":", 1)[1:] if part)
    found.extend(match[0][len(match[1]) :] for match in _QUERY.finditer(url))
    return tuple(dict.fromkeys(item for raw in found for item in (raw, unquote(raw)) if item))
