"""keep when archives expired, and why submissions wait

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "submission", sa.Column("archive_expired_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "submission", sa.Column("postponed_because", sa.String(length=200), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("submission", "postponed_because")
    op.drop_column("submission", "archive_expired_at")
