"""The error codes, read from the class tree: what is not documented there cannot be shown here."""

from inspect import cleandoc

from server.docs.contexts import ErrorEntry
from server.errors import ServerError


def error_entries() -> tuple[ErrorEntry, ...]:
    """Return one entry a code, in the order of the statuses."""
    entries = (_entry(error) for error in ServerError.kinds())
    return tuple(sorted(entries, key=lambda entry: (entry.status, entry.code)))


def _entry(error: type[ServerError]) -> ErrorEntry:
    meaning, _, remedy = cleandoc(error.__doc__ or "").partition("\n\n")
    return ErrorEntry(
        code=error.code, status=error.status, title=error.title, meaning=meaning, remedy=remedy
    )
