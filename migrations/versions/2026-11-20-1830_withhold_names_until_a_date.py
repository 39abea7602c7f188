"""withhold the names of entries until a date

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEEP = """
CREATE TABLE standing_before AS
SELECT board_id, method_id, submission_id, score_id, miou FROM standing
"""
KEEP_WHAT_HAS_NAMES = KEEP + "WHERE NOT is_anonymous"
PUT_BACK_WITH_NAMES = """
INSERT INTO standing (board_id, method_id, is_anonymous, submission_id, score_id, miou)
SELECT board_id, method_id, false, submission_id, score_id, miou FROM standing_before
"""
PUT_BACK = """
INSERT INTO standing (board_id, method_id, submission_id, score_id, miou)
SELECT board_id, method_id, submission_id, score_id, miou FROM standing_before
"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True).compile(dialect=op.get_bind().dialect)
    # In one statement: SQLite takes a check together with its column, and not afterwards.
    op.execute(
        f"ALTER TABLE submission ADD COLUMN anonymous_until {moment} "
        "CONSTRAINT ck_submission_anonymous_ones_are_public "
        "CHECK (anonymous_until IS NULL OR is_public)"
    )
    op.create_index(op.f("ix_submission_anonymous_until"), "submission", ["anonymous_until"])
    op.add_column("method", sa.Column("anonymous_number", sa.Integer(), nullable=True))
    # An index, because SQLite adds no constraint to a table that is there.
    op.create_index("uq_method_anonymous_number", "method", ["anonymous_number"], unique=True)
    op.execute(KEEP)
    op.drop_table("standing")
    _create_standing(
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        primary_key=("board_id", "method_id", "is_anonymous"),
    )
    op.execute(PUT_BACK_WITH_NAMES)
    op.drop_table("standing_before")


def downgrade() -> None:
    # The version before knows of no withheld names: what has them goes off the boards.
    op.execute(KEEP_WHAT_HAS_NAMES)
    op.drop_table("standing")
    _create_standing(primary_key=("board_id", "method_id"))
    op.execute(PUT_BACK)
    op.drop_table("standing_before")
    op.execute(
        "UPDATE submission SET is_public = false, anonymous_until = NULL "
        "WHERE anonymous_until IS NOT NULL"
    )
    op.drop_index("uq_method_anonymous_number", "method")
    op.drop_column("method", "anonymous_number")
    op.drop_index(op.f("ix_submission_anonymous_until"), "submission")
    op.drop_column("submission", "anonymous_until")


def _create_standing(*columns: sa.Column[bool], primary_key: tuple[str, ...]) -> None:
    op.create_table(
        "standing",
        sa.Column("board_id", sa.Integer(), nullable=False),
        sa.Column("method_id", sa.Integer(), nullable=False),
        *columns,
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("score_id", sa.Integer(), nullable=False),
        sa.Column("miou", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["board_id"], ["board.id"], name=op.f("fk_standing_board_id_board")
        ),
        sa.ForeignKeyConstraint(
            ["method_id"], ["method.id"], name=op.f("fk_standing_method_id_method")
        ),
        sa.ForeignKeyConstraint(
            ["score_id"], ["score.id"], name=op.f("fk_standing_score_id_score")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_standing_submission_id_submission"),
        ),
        sa.PrimaryKeyConstraint(*primary_key, name=op.f("pk_standing")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_standing_submission_id")),
    )
    op.create_index("ix_standing_board_id_miou", "standing", ["board_id", "miou"])
    op.create_index(op.f("ix_standing_method_id"), "standing", ["method_id"])
