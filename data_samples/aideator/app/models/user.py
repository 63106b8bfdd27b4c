"""People who sign in."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, func
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import AutoString, Base


class User(Base):
    """A person, with or without a GitHub account."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(AutoString(), primary_key=True)
    email: Mapped[str] = mapped_column(AutoString(), unique=True, index=True)
    full_name: Mapped[str | None] = mapped_column(AutoString())
    company: Mapped[str | None] = mapped_column(AutoString())
    github_id: Mapped[str | None] = mapped_column(AutoString(), unique=True, index=True)
    github_username: Mapped[str | None] = mapped_column(AutoString())
    github_avatar_url: Mapped[str | None] = mapped_column(AutoString())
    hashed_password: Mapped[str] = mapped_column(AutoString())
    is_active: Mapped[bool] = mapped_column(Boolean())
    is_superuser: Mapped[bool] = mapped_column(Boolean())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
