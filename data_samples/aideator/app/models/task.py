"""Tasks, and what the agents answer."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import AutoString, Base


class Task(Base):
    """A prompt about a repository, given to several agents at once."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(AutoString(), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    github_url: Mapped[str] = mapped_column(AutoString())
    prompt: Mapped[str] = mapped_column(Text())
    variations: Mapped[int]
    status: Mapped[str] = mapped_column(AutoString(), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archived: Mapped[bool] = mapped_column(Boolean(), index=True)


class TaskOutput(Base):
    """One piece of one variation's answer."""

    __tablename__ = "task_outputs"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    variation_id: Mapped[int]
    content: Mapped[str] = mapped_column(Text())
    output_type: Mapped[str] = mapped_column(AutoString(), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
