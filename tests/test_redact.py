"""Secrets never pass; what is no secret does."""

from __future__ import annotations

import pytest

from forensics.redact import redact_text, redact_url, url_secrets

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{SECRET}@db.example.org/shop", f"postgresql://{SECRET}@db/shop",
        f"postgresql://app:p@{SECRET}@db/shop", f"postgresql://app:x/{SECRET}@db/shop",
        f"postgresql://app:x?{SECRET}@db/shop", f"mysql+pymysql://db/shop?password={SECRET}",
        f"postgresql://db/shop?sslmode=require&sslpassword={SECRET}&x=1", f"postgresql://db/shop?user=a&token={SECRET}",
        f"sqlite:///app.db?key={SECRET}&cipher_key={SECRET}&api_key={SECRET}".replace("?key=", "?hexkey="),
    ],
)  # fmt: skip
def test_urls(url: str) -> None:
    assert SECRET not in redact_url(url)
    assert SECRET not in redact_text(f"cannot connect to {url} (timeout)")
    assert redact_url(redact_url(url)) == redact_url(url)


def test_urls_keep_what_is_no_secret() -> None:
    for url in ("sqlite:///data/dev/app.db", "sqlite:////srv/a@b/app.db", "postgresql://db:5432/shop?sslmode=require"):
        assert redact_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}", f"PGPASSWORD={SECRET} psql", f'{{"password": "{SECRET}"}}', f"{{'db_pass': '{SECRET}'}}",
        f"host=db user=app password='{SECRET} and more'", f"Password={SECRET};Server=db", f"pwd: {SECRET}",
        f"Authorization: Bearer {SECRET}{SECRET}", f"mysql --password {SECRET}", f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f"CREATE USER app IDENTIFIED BY '{SECRET}'", f"ALTER ROLE app PASSWORD '{SECRET}'", f"secret => {SECRET}",
        f"client_secret={SECRET}&x=1", f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    ],
)  # fmt: skip
def test_text(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert "***" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "no such column: notification_type", "the author: somebody", "design: a table", "passwords lie elsewhere",
        "ALTER TABLE users ADD COLUMN password_hash TEXT", "Migration 004 is recorded", "assigned: 3",
    ],
)  # fmt: skip
def test_text_without_a_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_known_secrets_go_wherever_they_stand() -> None:
    assert redact_text(f"error near {SECRET}", [SECRET]) == "error near ***"
    assert redact_text("a b a", ["a"]) == "a b a"
    assert set(url_secrets("postgresql://app:p%40ss@db/x?token=t0ken")) == {"p%40ss", "p@ss", "t0ken"}
    assert url_secrets("sqlite:///a@b.db") == ()
