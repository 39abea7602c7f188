"""E-mail addresses in their normal form."""

import re

from server.errors import FieldInvalid
from server.models import MAX_EMAIL

# What browsers take in a field for an address.
ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)*")


def normal_email(email: str) -> str:
    """Return an address in lower case, without the spaces around it.

    Raises:
        FieldInvalid: it is none, or too long for any mail server.
    """
    address = email.strip().lower()
    if len(address) > MAX_EMAIL or not ADDRESS.fullmatch(address):
        raise FieldInvalid(f"{email[:80]!r} is not an e-mail address: name@host.", field="email")
    return address
