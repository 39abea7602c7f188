"""cut submissions into shards, and keep every attempt at them

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("truth_version", sa.String(length=64), nullable=False),
        sa.Column("tallies_key", sa.String(length=64), nullable=False),
        sa.Column("images_done", sa.Integer(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_shard_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard")),
        sa.UniqueConstraint(
            "submission_id", "position", name=op.f("uq_shard_submission_id_position")
        ),
    )
    op.create_index("ix_shard_is_done_lease_until", "shard", ["is_done", "lease_until"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "done",
                "lost",
                "failed",
                "handed_back",
                name="attemptoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_attempt_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("token", name=op.f("uq_attempt_token")),
    )
    op.create_index(op.f("ix_attempt_submission_id"), "attempt", ["submission_id"])
    op.create_index(op.f("ix_attempt_ended_at"), "attempt", ["ended_at"])
    # Nullable: the code of the version before makes rows without it.
    op.add_column("submission", sa.Column("state_since", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE submission SET state_since = created_at")


def downgrade() -> None:
    op.drop_column("submission", "state_since")
    op.drop_table("attempt")
    op.drop_table("shard")
