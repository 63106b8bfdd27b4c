"""drop legacy tables

The tables of before the tasks are still there in some databases.

Revision ID: 003
Revises: 002
Create Date: 2025-06-25 15:22:30
"""

from alembic import op

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("DROP TABLE IF EXISTS agent_outputs CASCADE")
    op.execute("DROP TABLE IF EXISTS runs CASCADE")
    op.execute("DROP SEQUENCE IF EXISTS runs_task_id_seq CASCADE")


def downgrade():
    pass
