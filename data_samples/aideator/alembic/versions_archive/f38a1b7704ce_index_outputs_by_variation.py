"""index outputs by variation

Revision ID: f38a1b7704ce
Revises: 2e5dfa60c918
Create Date: 2025-06-06 17:11:02
"""

from alembic import op

revision = "f38a1b7704ce"
down_revision = "2e5dfa60c918"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("ix_agent_outputs_run_variation", "agent_outputs", ["run_id", "variation_id"], unique=False)


def downgrade():
    op.drop_index("ix_agent_outputs_run_variation", table_name="agent_outputs")
