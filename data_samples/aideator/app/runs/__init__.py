"""The model of before the tasks. The database module imports this package; `alembic/env.py` does not."""

from app.runs.run import Run

__all__ = ["Run"]
