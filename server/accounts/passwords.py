"""The policy of passwords, and nothing else: their length, and argon2id as the library sets it."""

from pwdlib import PasswordHash

from server.digests import new_secret
from server.errors import FieldInvalid

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 1024
_policy = PasswordHash.recommended()
# Of a password that nobody knows: for accounts that nobody may sign in to, and checked when nobody
# has the e-mail address, so that an answer takes as long either way.
NOBODYS_HASH = _policy.hash(new_secret())


def hash_of(password: str) -> str:
    """Return the hash of a new password; it takes a tenth of a second.

    Raises:
        FieldInvalid: the password is too short, or too long to be hashed for a stranger.
    """
    length = len(password)
    if length < MINIMUM_LENGTH:
        raise FieldInvalid(
            f"The password has {length} characters; it needs at least {MINIMUM_LENGTH}.",
            field="password",
        )
    if length > MAXIMUM_LENGTH:
        raise FieldInvalid(
            f"The password has {length} characters; it may have {MAXIMUM_LENGTH}.",
            field="password",
        )
    return _policy.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password is right, in the same time whether or not there is an account."""
    offered = password if len(password) <= MAXIMUM_LENGTH else ""
    return _policy.verify(offered, password_hash or NOBODYS_HASH) and password_hash is not None
