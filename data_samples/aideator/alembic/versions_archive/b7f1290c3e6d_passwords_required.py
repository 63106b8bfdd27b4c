"""passwords required

Revision ID: b7f1290c3e6d
Revises: 08d63ae5b1c7
Create Date: 2025-06-03 15:39:26
"""

from alembic import op

revision = "b7f1290c3e6d"
down_revision = "08d63ae5b1c7"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("UPDATE users SET hashed_password = '!' WHERE hashed_password IS NULL")
    op.alter_column("users", "hashed_password", nullable=False)


def downgrade():
    op.alter_column("users", "hashed_password", nullable=True)
