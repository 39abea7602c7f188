"""An upload on its way: how many of its bytes are safe, and who may send the next ones."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base


class Upload(Base):
    """A file that arrives in pieces; ``received_bytes`` of it have been flushed to the disk.

    ``lock_token`` belongs to the one request that may write now, until ``lock_until``.
    ``sha256`` is what the sender says of the whole file. An upload that has become a submission
    names it, so that it becomes no second one.
    """

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint("received_bytes BETWEEN 0 AND length_bytes", name="received_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    length_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sender_metadata: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))
    lock_token: Mapped[str | None] = mapped_column(String(32))
    lock_until: Mapped[datetime | None]
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"), unique=True)
