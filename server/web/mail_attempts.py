"""Whether a mail may be sent to an address that somebody has typed into a form."""

from fastapi import Request

from server import attempts
from server.dependencies import Rooms
from server.errors import MailUnavailable
from server.web.sender import client_address


def admit(request: Request, built: Rooms, address: str) -> None:
    """Count a mail to an address, by the address and by who wants it sent.

    Raises:
        MailUnavailable: this server cannot write to anybody.
        TooManyAttempts: too many to this address, or from this sender.
    """
    if not built.settings.sends_mail:
        raise MailUnavailable("This server sends no mail; ask its operator.")
    attempts.admit(
        built.database,
        {
            attempts.MAIL_TO_ADDRESS: address,
            attempts.MAIL_FROM_ADDRESS: client_address(request),
        },
        now=built.clock.now(),
    )
