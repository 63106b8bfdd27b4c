"""drop prompt templates

Revision ID: 2e5dfa60c918
Revises: b7f1290c3e6d
Create Date: 2025-06-05 10:08:55
"""

import sqlalchemy as sa
from alembic import op

revision = "2e5dfa60c918"
down_revision = "b7f1290c3e6d"
branch_labels = None
depends_on = None


def upgrade():
    op.drop_table("prompt_templates")


def downgrade():
    op.create_table(
        "prompt_templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
