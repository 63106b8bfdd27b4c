"""add unified tasks

Tasks and their outputs take the place of runs and agent outputs.

Revision ID: 002
Revises: 001
Create Date: 2025-06-24 13:40:51
"""

import sqlalchemy as sa
from alembic import op
from app.columns import AutoString

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None


def upgrade():
    op.drop_index("ix_agent_outputs_run_id", table_name="agent_outputs")
    op.drop_table("agent_outputs")
    op.drop_index("ix_runs_created_at", table_name="runs")
    op.drop_index("ix_runs_github_url", table_name="runs")
    op.drop_index("ix_runs_status", table_name="runs")
    op.drop_index("ix_runs_task_id", table_name="runs")
    op.drop_index("ix_runs_user_id", table_name="runs")
    op.drop_index("ix_runs_winning_variation_id", table_name="runs")
    op.drop_table("runs")
    op.execute("DROP SEQUENCE runs_task_id_seq")
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
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_tasks_created_at", "tasks", ["created_at"], unique=False)
    op.create_index("ix_tasks_status", "tasks", ["status"], unique=False)
    op.create_index("ix_tasks_user_id", "tasks", ["user_id"], unique=False)
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
    op.create_index("ix_task_outputs_output_type", "task_outputs", ["output_type"], unique=False)
    op.create_index("ix_task_outputs_task_id", "task_outputs", ["task_id"], unique=False)


def downgrade():
    raise RuntimeError("runs cannot be had back from tasks; restore a backup")
