"""add credits

Revision ID: 5a90cc1e7d42
Revises: e02b7d3f8a14
Create Date: 2025-05-29 09:05:37
"""

import sqlalchemy as sa
from alembic import op

revision = "5a90cc1e7d42"
down_revision = "e02b7d3f8a14"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("credits", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint("users_credits_check", "users", "credits >= 0")


def downgrade():
    op.drop_column("users", "credits")
