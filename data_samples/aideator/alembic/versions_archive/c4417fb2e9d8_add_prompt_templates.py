"""add prompt templates

Revision ID: c4417fb2e9d8
Revises: 5a90cc1e7d42
Create Date: 2025-05-30 13:50:44
"""

import sqlalchemy as sa
from alembic import op

revision = "c4417fb2e9d8"
down_revision = "5a90cc1e7d42"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "prompt_templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def downgrade():
    op.drop_table("prompt_templates")
