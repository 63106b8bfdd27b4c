"""initial clean schema

Revision ID: 0b228e9fec0b
Revises:
Create Date: 2025-07-13 18:31:07
"""

import sqlalchemy as sa
from alembic import op
from app.columns import AutoString

revision = "0b228e9fec0b"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("email", AutoString(), nullable=False),
        sa.Column("full_name", AutoString(), nullable=True),
        sa.Column("company", AutoString(), nullable=True),
        sa.Column("github_id", AutoString(), nullable=True),
        sa.Column("github_username", AutoString(), nullable=True),
        sa.Column("github_avatar_url", AutoString(), nullable=True),
        sa.Column("hashed_password", AutoString(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_users_email"), "users", ["email"], unique=True)
    op.create_index(op.f("ix_users_github_id"), "users", ["github_id"], unique=True)
    op.create_table(
        "tasks",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("user_id", AutoString(), nullable=True),
        sa.Column("github_url", AutoString(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("variations", sa.Integer(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_tasks_archived"), "tasks", ["archived"], unique=False)
    op.create_index(op.f("ix_tasks_created_at"), "tasks", ["created_at"], unique=False)
    op.create_index(op.f("ix_tasks_status"), "tasks", ["status"], unique=False)
    op.create_index(op.f("ix_tasks_user_id"), "tasks", ["user_id"], unique=False)
    op.create_table(
        "task_outputs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", AutoString(), nullable=False),
        sa.Column("variation_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("output_type", AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_task_outputs_output_type"), "task_outputs", ["output_type"], unique=False)
    op.create_index(op.f("ix_task_outputs_task_id"), "task_outputs", ["task_id"], unique=False)


def downgrade():
    op.drop_table("task_outputs")
    op.drop_table("tasks")
    op.drop_table("users")
