"""The models of the product. `alembic/env.py` imports this package, and sees what it registers: users and tasks."""

from app.columns import Base
from app.models.task import Task, TaskOutput
from app.models.user import User

__all__ = ["Base", "Task", "TaskOutput", "User"]
