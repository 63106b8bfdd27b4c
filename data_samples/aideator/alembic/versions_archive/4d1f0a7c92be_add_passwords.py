"""add passwords

Revision ID: 4d1f0a7c92be
Revises: 003
Create Date: 2025-05-23 08:20:15
"""

import sqlalchemy as sa
from alembic import op

revision = "4d1f0a7c92be"
down_revision = "003"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("hashed_password", sa.String(length=255), nullable=True))
    op.add_column("users", sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False))


def downgrade():
    op.drop_column("users", "is_active")
    op.drop_column("users", "hashed_password")
