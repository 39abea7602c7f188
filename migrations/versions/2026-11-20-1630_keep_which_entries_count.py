"""keep which entries count, their resampled scores, and what a board shows of them

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COUNT_WHAT_IS_THERE = """
INSERT INTO standing (board_id, method_id, submission_id, score_id, miou)
SELECT board_id, method_id, id, score_id, CASE WHEN is_in_force = 1 THEN miou END
FROM (
    SELECT scored.*, row_number() OVER (
        PARTITION BY board_id, method_id
        ORDER BY is_in_force DESC, CASE WHEN miou IS NULL THEN 1 ELSE 0 END, miou DESC, id
    ) AS place
    FROM (
        SELECT submission.id, submission.board_id, submission.method_id, score.id AS score_id,
            CASE WHEN score.truth_version = split.truth_version THEN 1 ELSE 0 END AS is_in_force,
            CASE WHEN score.miou BETWEEN 0 AND 100 THEN score.miou END AS miou,
            row_number() OVER (
                PARTITION BY submission.id
                ORDER BY CASE WHEN score.truth_version = split.truth_version THEN 1 ELSE 0 END DESC,
                    score.id DESC
            ) AS age
        FROM submission
        JOIN score ON score.submission_id = submission.id
        JOIN board ON board.id = submission.board_id
        JOIN split ON split.id = board.split_id
        WHERE submission.state = 'scored' AND submission.is_public
            AND submission.method_id IS NOT NULL
    ) AS scored
    WHERE age = 1
) AS placed
WHERE place = 1
"""


def upgrade() -> None:
    op.create_table(
        "resampled_score",
        sa.Column("score_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["score_id"], ["score.id"], name=op.f("fk_resampled_score_score_id_score")
        ),
        sa.PrimaryKeyConstraint("score_id", "name", name=op.f("pk_resampled_score")),
    )
    op.create_table(
        "standing",
        sa.Column("board_id", sa.Integer(), nullable=False),
        sa.Column("method_id", sa.Integer(), nullable=False),
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
        sa.PrimaryKeyConstraint("board_id", "method_id", name=op.f("pk_standing")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_standing_submission_id")),
    )
    op.create_index("ix_standing_board_id_miou", "standing", ["board_id", "miou"])
    op.create_index(op.f("ix_standing_method_id"), "standing", ["method_id"])
    for column in ("is_late", "is_pinned"):
        op.add_column(
            "submission",
            sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False),
        )
    op.create_index("ix_submission_board_id_method_id", "submission", ["board_id", "method_id"])
    op.drop_index(op.f("ix_submission_board_id"), "submission")
    op.create_index(
        "uq_submission_pinned",
        "submission",
        ["board_id", "method_id"],
        unique=True,
        sqlite_where=sa.text("is_pinned"),
        postgresql_where=sa.text("is_pinned"),
    )
    op.execute(COUNT_WHAT_IS_THERE)
    # In one statement: SQLite takes a check together with its column, and not afterwards.
    op.execute(
        "ALTER TABLE board ADD COLUMN detail VARCHAR(32) DEFAULT 'per_class' NOT NULL "
        "CONSTRAINT ck_board_boarddetail CHECK (detail IN ('summary', 'per_class', 'exact'))"
    )


def downgrade() -> None:
    op.drop_column("board", "detail")
    op.drop_index("uq_submission_pinned", "submission")
    op.create_index(op.f("ix_submission_board_id"), "submission", ["board_id"])
    op.drop_index("ix_submission_board_id_method_id", "submission")
    op.drop_column("submission", "is_pinned")
    op.drop_column("submission", "is_late")
    op.drop_table("standing")
    op.drop_table("resampled_score")
