"""times with zone

Revision ID: 08d63ae5b1c7
Revises: c4417fb2e9d8
Create Date: 2025-06-02 11:27:18
"""

import sqlalchemy as sa
from alembic import op

revision = "08d63ae5b1c7"
down_revision = "c4417fb2e9d8"
branch_labels = None
depends_on = None


def upgrade():
    for table in ("users", "runs"):
        op.alter_column(
            table,
            "created_at",
            type_=sa.DateTime(timezone=True),
            postgresql_using="created_at AT TIME ZONE 'UTC'",
        )


def downgrade():
    for table in ("runs", "users"):
        op.alter_column(table, "created_at", type_=sa.DateTime())
