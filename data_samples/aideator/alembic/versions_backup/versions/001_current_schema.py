"""current schema

One file in place of the thirteen before it: what the models say today.

Revision ID: 001
Revises:
Create Date: 2025-06-10 08:55:12
"""

import sqlalchemy as sa
from alembic import op
from app.columns import AutoString

revision = "001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("email", AutoString(), nullable=False),
        sa.Column("hashed_password", AutoString(), nullable=False),
        sa.Column("full_name", AutoString(), nullable=True),
        sa.Column("company", AutoString(), nullable=True),
        sa.Column("plan", AutoString(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_users_email", "users", ["email"], unique=True)
    op.execute(sa.schema.CreateSequence(sa.Sequence("runs_task_id_seq")))
    op.create_table(
        "runs",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("task_id", sa.Integer(), server_default=sa.text("nextval('runs_task_id_seq')"), nullable=True),
        sa.Column("user_id", AutoString(), nullable=True),
        sa.Column("github_url", AutoString(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("winning_variation_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_runs_created_at", "runs", ["created_at"], unique=False)
    op.create_index("ix_runs_github_url", "runs", ["github_url"], unique=False)
    op.create_index("ix_runs_status", "runs", ["status"], unique=False)
    op.create_index("ix_runs_task_id", "runs", ["task_id"], unique=True)
    op.create_index("ix_runs_user_id", "runs", ["user_id"], unique=False)
    op.create_index("ix_runs_winning_variation_id", "runs", ["winning_variation_id"], unique=False)
    op.create_table(
        "agent_outputs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", AutoString(), nullable=False),
        sa.Column("variation_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_agent_outputs_run_id", "agent_outputs", ["run_id"], unique=False)


def downgrade():
    op.drop_table("agent_outputs")
    op.drop_table("runs")
    op.execute(sa.schema.DropSequence(sa.Sequence("runs_task_id_seq")))
    op.drop_table("users")
