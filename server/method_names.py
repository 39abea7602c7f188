"""A method is (team, name); its slug is the name's, with -2, -3 when another team has it."""

import re
import unicodedata
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.db import one_at_a_time
from server.models import MAX_METHOD_NAME, Method


def method_of(session: Session, *, team_id: int, name: str, now: datetime) -> Method:
    """Return the team's method of that name, made now if this is its first entry."""
    one_at_a_time(session, "methods")  # two workers may record a team's first entries at once
    method = session.scalar(select(Method).where(Method.team_id == team_id, Method.name == name))
    if method is None:
        method = Method(
            team_id=team_id, name=name, slug=_free_slug(session, slug_of(name)), created_at=now
        )
        session.add(method)
        session.flush()  # the submission needs the id
    return method


def slug_of(name: str) -> str:
    """Return a name's URL form: ASCII letters, digits and hyphens, never empty."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower())
    return words[:MAX_METHOD_NAME].strip("-") or "method"  # one letter may become several


def _free_slug(session: Session, wanted: str) -> str:
    taken = set(
        session.scalars(select(Method.slug).where(Method.slug.startswith(wanted, autoescape=True)))
    )
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug
