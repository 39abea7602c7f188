"""create the first tables

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "subset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("classes BETWEEN 1 AND 999", name=op.f("ck_subset_classes_in_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subset")),
        sa.UniqueConstraint("slug", name=op.f("uq_subset_slug")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("is_organizer", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "read",
                "submit",
                "organize",
                name="scope",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_api_token_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "browser_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_browser_session_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_browser_session_digest")),
    )
    with op.batch_alter_table("browser_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_browser_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "category",
        sa.Column("subset_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wnid", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["subset_id"], ["subset.id"], name=op.f("fk_category_subset_id_subset")
        ),
        sa.PrimaryKeyConstraint("subset_id", "class_id", name=op.f("pk_category")),
    )
    op.create_table(
        "membership",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_membership_team_id_team")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_membership_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_membership")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_user_id"), ["user_id"], unique=False)

    op.create_table(
        "method",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=220), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_method_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_method")),
        sa.UniqueConstraint("slug", name=op.f("uq_method_slug")),
        sa.UniqueConstraint("team_id", "name", name=op.f("uq_method_team_id_name")),
    )
    op.create_table(
        "split",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subset_id", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            sa.Enum(
                "val",
                "test",
                name="splitname",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("truth_version", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["subset_id"], ["subset.id"], name=op.f("fk_split_subset_id_subset")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split")),
        sa.UniqueConstraint("subset_id", "name", name=op.f("uq_split_subset_id_name")),
    )
    op.create_table(
        "board",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("split_id", sa.Integer(), nullable=False),
        sa.Column(
            "protocol",
            sa.Enum(
                "fully-unsupervised",
                "distance-matching",
                "semi-supervised",
                "free",
                name="protocol",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["split_id"], ["split.id"], name=op.f("fk_board_split_id_split")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board")),
        sa.UniqueConstraint("split_id", "protocol", name=op.f("uq_board_split_id_protocol")),
    )
    op.create_table(
        "truth_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("split_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["split_id"], ["split.id"], name=op.f("fk_truth_version_split_id_split")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_truth_version")),
        sa.UniqueConstraint("split_id", "version", name=op.f("uq_truth_version_split_id_version")),
    )
    op.create_table(
        "reported_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("board_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=200), nullable=False),
        sa.Column("backbone", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("unranked_because", sa.String(length=200), nullable=True),
        sa.Column("miou", sa.Double(), nullable=True),
        sa.Column("bmiou", sa.Double(), nullable=True),
        sa.Column("img_acc", sa.Double(), nullable=True),
        sa.Column("f_beta", sa.Double(), nullable=True),
        sa.Column("miou_s", sa.Double(), nullable=True),
        sa.Column("miou_ms", sa.Double(), nullable=True),
        sa.Column("miou_ml", sa.Double(), nullable=True),
        sa.Column("miou_l", sa.Double(), nullable=True),
        sa.Column("bmiou_s", sa.Double(), nullable=True),
        sa.Column("bmiou_ms", sa.Double(), nullable=True),
        sa.Column("bmiou_ml", sa.Double(), nullable=True),
        sa.Column("bmiou_l", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["board_id"], ["board.id"], name=op.f("fk_reported_result_board_id_board")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_result")),
        sa.UniqueConstraint(
            "board_id",
            "method",
            "backbone",
            "source",
            name=op.f("uq_reported_result_board_id_method_backbone_source"),
        ),
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("board_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("method_id", sa.Integer(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("declarations", sa.JSON(), nullable=False),
        sa.Column("archive_key", sa.String(length=200), nullable=True),
        sa.Column("archive_sha256", sa.String(length=64), nullable=False),
        sa.Column("archive_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "checking",
                "scoring",
                "scored",
                "rejected",
                "failed",
                "withdrawn",
                name="submissionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method_name", sa.String(length=200), nullable=True),
        sa.Column("training_data", sa.Text(), nullable=True),
        sa.Column("training_scheme", sa.Text(), nullable=True),
        sa.Column("networks", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["board_id"], ["board.id"], name=op.f("fk_submission_board_id_board")
        ),
        sa.ForeignKeyConstraint(
            ["method_id"], ["method.id"], name=op.f("fk_submission_method_id_method")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_submission_team_id_team")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_submission_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("public_id", name=op.f("uq_submission_public_id")),
        sa.UniqueConstraint(
            "user_id", "idempotency_key", name=op.f("uq_submission_user_id_idempotency_key")
        ),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_board_id"), ["board_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_submission_method_id"), ["method_id"], unique=False)
        batch_op.create_index(
            "ix_submission_state_lease_until", ["state", "lease_until"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_submission_team_id"), ["team_id"], unique=False)

    op.create_table(
        "score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("scorer_version", sa.String(length=32), nullable=False),
        sa.Column("truth_version", sa.String(length=64), nullable=False),
        sa.Column("miou_no_other", sa.Double(), nullable=True),
        sa.Column("bmiou_no_other", sa.Double(), nullable=True),
        sa.Column("per_class_iou", sa.JSON(), nullable=False),
        sa.Column("per_class_biou", sa.JSON(), nullable=False),
        sa.Column("intervals", sa.JSON(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("miou", sa.Double(), nullable=True),
        sa.Column("bmiou", sa.Double(), nullable=True),
        sa.Column("img_acc", sa.Double(), nullable=True),
        sa.Column("f_beta", sa.Double(), nullable=True),
        sa.Column("miou_s", sa.Double(), nullable=True),
        sa.Column("miou_ms", sa.Double(), nullable=True),
        sa.Column("miou_ml", sa.Double(), nullable=True),
        sa.Column("miou_l", sa.Double(), nullable=True),
        sa.Column("bmiou_s", sa.Double(), nullable=True),
        sa.Column("bmiou_ms", sa.Double(), nullable=True),
        sa.Column("bmiou_ml", sa.Double(), nullable=True),
        sa.Column("bmiou_l", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_score_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score")),
        sa.UniqueConstraint(
            "submission_id",
            "scorer_version",
            "truth_version",
            name=op.f("uq_score_submission_id_scorer_version_truth_version"),
        ),
    )


def downgrade() -> None:

    op.drop_table("score")
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_team_id"))
        batch_op.drop_index("ix_submission_state_lease_until")
        batch_op.drop_index(batch_op.f("ix_submission_method_id"))
        batch_op.drop_index(batch_op.f("ix_submission_board_id"))

    op.drop_table("submission")
    op.drop_table("reported_result")
    op.drop_table("truth_version")
    op.drop_table("board")
    op.drop_table("split")
    op.drop_table("method")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_membership_user_id"))

    op.drop_table("membership")
    op.drop_table("category")
    with op.batch_alter_table("browser_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_browser_session_user_id"))

    op.drop_table("browser_session")
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_user_id"))

    op.drop_table("api_token")
    op.drop_table("user_account")
    op.drop_table("team")
    op.drop_table("subset")
