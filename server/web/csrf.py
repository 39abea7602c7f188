"""Form tokens: a cookie holds a random value, each form its signature by the secret key.

Another site can make a browser send the cookie, but can neither read it nor sign it.
"""

import hmac
import secrets
from hashlib import sha256

COOKIE = "luss_form"
FIELD = "form_token"
HEADER = "X-Form-Token"


def new_cookie() -> str:
    return secrets.token_urlsafe(24)


def token_for(cookie: str, *, secret_key: str) -> str:
    return hmac.new(secret_key.encode(), f"form:{cookie}".encode(), sha256).hexdigest()


def is_valid(token: str | None, cookie: str | None, *, secret_key: str) -> bool:
    if not token or not cookie:
        return False
    return hmac.compare_digest(token.encode(), token_for(cookie, secret_key=secret_key).encode())
