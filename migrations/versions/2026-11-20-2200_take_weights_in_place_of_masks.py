"""take weights in place of masks

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submission", sa.Column("weights_key", sa.String(length=200), nullable=True))
    op.add_column("submission", sa.Column("weights_sha256", sa.String(length=64), nullable=True))
    op.add_column("submission", sa.Column("weights_bytes", sa.BigInteger(), nullable=True))
    op.add_column(
        "model_run",
        sa.Column("is_of_weights", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("model_run", "is_of_weights")
    op.drop_column("submission", "weights_bytes")
    op.drop_column("submission", "weights_sha256")
    op.drop_column("submission", "weights_key")
