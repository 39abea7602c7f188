"""The hashing policy, and nothing else: argon2id with the library's parameters."""

from pwdlib import PasswordHash

MINIMUM_LENGTH = 10
_policy = PasswordHash.recommended()
# Checked when nobody has the e-mail address, so that an answer takes as long either way.
_NOBODYS_HASH = _policy.hash("nobody has this password")


def hash_of(password: str) -> str:
    return _policy.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether a password is right, in the same time whether or not there is an account."""
    return _policy.verify(password, password_hash or _NOBODYS_HASH) and password_hash is not None
