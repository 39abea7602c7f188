"""give boards limits for each team, times, a pause and a note

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LIMITS = {"daily_limit": 5, "total_limit": None, "in_flight_limit": 2, "hourly_limit": 20}


def upgrade() -> None:
    # In one statement each: SQLite takes a check together with its column, and not afterwards.
    for name, limit in LIMITS.items():
        default = "" if limit is None else f"DEFAULT {limit} "
        op.execute(
            f"ALTER TABLE board ADD COLUMN {name} INTEGER {default}"
            f"CONSTRAINT ck_board_{name}_positive CHECK ({name} > 0)"
        )
    op.add_column("board", sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True))
    moment = sa.DateTime(timezone=True).compile(dialect=op.get_bind().dialect)
    op.execute(
        f"ALTER TABLE board ADD COLUMN closes_at {moment} "
        "CONSTRAINT ck_board_closes_after_it_opens CHECK (closes_at > opens_at)"
    )
    op.add_column(
        "board", sa.Column("is_paused", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("board", sa.Column("note", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("note", "is_paused", "closes_at", "opens_at", *reversed(LIMITS)):
        op.drop_column("board", name)
