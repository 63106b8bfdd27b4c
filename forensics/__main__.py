"""``python -m forensics``: the same as the command ``forensics``."""

from __future__ import annotations

from forensics.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
