"""rename state to status

Revision ID: 19c8e45d60fa
Revises: 7be2c1905a3d
Create Date: 2025-05-26 10:31:22
"""

from alembic import op

revision = "19c8e45d60fa"
down_revision = "7be2c1905a3d"
branch_labels = None
depends_on = None


def upgrade():
    op.alter_column("runs", "state", new_column_name="status")
    op.create_index("ix_runs_status", "runs", ["status"], unique=False)


def downgrade():
    op.drop_index("ix_runs_status", table_name="runs")
    op.alter_column("runs", "status", new_column_name="state")
