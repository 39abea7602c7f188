"""Secrets that stand for a person, and what of them is kept: a digest."""

import hashlib

TOKEN_PREFIX = "luss_"  # noqa: S105  # lets secret scanners recognise a leaked one


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret of 256 random bits; such a one needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
