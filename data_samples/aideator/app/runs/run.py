"""Runs: what tasks have replaced. The statistics page still reads them."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import AutoString, Base


class Run(Base):
    """One prompt, one run."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(AutoString(), primary_key=True)
    task_id: Mapped[int | None] = mapped_column(unique=True, index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    github_url: Mapped[str] = mapped_column(AutoString(), index=True)
    prompt: Mapped[str] = mapped_column(Text())
    status: Mapped[str] = mapped_column(AutoString(), index=True)
    winning_variation_id: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
