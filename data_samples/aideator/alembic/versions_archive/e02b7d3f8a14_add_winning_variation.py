"""add winning variation

Revision ID: e02b7d3f8a14
Revises: 19c8e45d60fa
Create Date: 2025-05-28 16:14:09
"""

import sqlalchemy as sa
from alembic import op

revision = "e02b7d3f8a14"
down_revision = "19c8e45d60fa"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("runs", sa.Column("winning_variation_id", sa.Integer(), nullable=True))
    op.add_column("runs", sa.Column("completed_at", sa.DateTime(), nullable=True))


def downgrade():
    op.drop_column("runs", "completed_at")
    op.drop_column("runs", "winning_variation_id")
