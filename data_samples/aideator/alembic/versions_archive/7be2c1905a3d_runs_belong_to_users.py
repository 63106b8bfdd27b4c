"""runs belong to users

Revision ID: 7be2c1905a3d
Revises: 4d1f0a7c92be
Create Date: 2025-05-23 14:02:51
"""

import sqlalchemy as sa
from alembic import op

revision = "7be2c1905a3d"
down_revision = "4d1f0a7c92be"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("runs", sa.Column("user_id", sa.Integer(), nullable=True))
    op.create_foreign_key("runs_user_id_fkey", "runs", "users", ["user_id"], ["id"])
    op.create_index("ix_runs_user_id", "runs", ["user_id"], unique=False)


def downgrade():
    op.drop_column("runs", "user_id")
