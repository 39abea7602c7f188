"""add what accounts and teams need

While this runs, the code of the version before is still serving: expand, backfill, contract.
A migration is history: it imports nothing from the server.

Every new column has a default, for the rows that are there and for those that the version before
still writes: its teams are all teams of one. Tables that others refer to are never rebuilt, which
SQLite could not do without breaking those references.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEEDING_PUBLIC_IDS = ("api_token", "team")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("user_account", sa.Column("affiliation", sa.String(200)))
    op.add_column("user_account", sa.Column("link", sa.String(500)))
    op.add_column("user_account", sa.Column("deleted_at", MOMENT))
    op.add_column("api_token", _text("name", 80))
    op.add_column("browser_session", _text("browser", 60))
    op.add_column("membership", _yes("is_owner"))
    op.add_column("team", _yes("is_personal"))
    for table in NEEDING_PUBLIC_IDS:
        op.add_column(table, _text("public_id", 32))
        _fill_public_ids(table)
        op.create_index(op.f(f"ix_{table}_public_id"), table, ["public_id"], unique=True)
    _create_tables()


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def _yes(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true())


def _fill_public_ids(table: str) -> None:
    rows = sa.table(table, sa.column("id", sa.Integer), sa.column("public_id", sa.String))
    connection = op.get_bind()
    for row_id in connection.scalars(sa.select(rows.c.id)).all():
        drawn = {"public_id": secrets.token_hex(8)}
        connection.execute(sa.update(rows).where(rows.c.id == row_id).values(drawn))


def _create_tables() -> None:
    op.create_table(
        "attempt_count",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt_count")),
    )
    op.create_index(op.f("ix_attempt_count_since"), "attempt_count", ["since"])

    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
    )
    op.create_index(op.f("ix_outgoing_mail_next_try_at"), "outgoing_mail", ["next_try_at"])

    op.create_table(
        "mailed_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "sign-up",
                "password-reset",
                "email-change",
                name="linkpurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("name", sa.String(120)),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_mailed_link_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_mailed_link_digest")),
    )
    for column in ("email", "expires_at", "user_id"):
        op.create_index(op.f(f"ix_mailed_link_{column}"), "mailed_link", [column])

    op.create_table(
        "team_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["user_account.id"],
            name=op.f("fk_team_invitation_invited_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_team_invitation_team_id_team")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_team_invitation_digest")),
        sa.UniqueConstraint("team_id", "email", name=op.f("uq_team_invitation_team_id_email")),
    )
    op.create_index(op.f("ix_team_invitation_email"), "team_invitation", ["email"])
    op.create_index(
        op.f("ix_team_invitation_public_id"), "team_invitation", ["public_id"], unique=True
    )


def downgrade() -> None:
    for table in ("team_invitation", "mailed_link", "outgoing_mail", "attempt_count"):
        op.drop_table(table)
    for table in NEEDING_PUBLIC_IDS:
        op.drop_index(op.f(f"ix_{table}_public_id"), table)
        op.drop_column(table, "public_id")
    op.drop_column("team", "is_personal")
    op.drop_column("membership", "is_owner")
    op.drop_column("browser_session", "browser")
    op.drop_column("api_token", "name")
    for column in ("deleted_at", "link", "affiliation"):
        op.drop_column("user_account", column)
