"""What people type into a field of one line."""

from server.errors import FieldInvalid


def line_of_text(text: str, *, field: str, called: str, longest: int) -> str:
    """Return a text without the spaces around it; it may be empty.

    Raises:
        FieldInvalid: it is too long, or holds line ends or other control characters.
    """
    line = text.strip()
    if len(line) > longest:
        raise FieldInvalid(
            f"{called} has {len(line)} characters; it may have {longest}.", field=field
        )
    if not line.isprintable():
        raise FieldInvalid(f"{called} has to be one line without control characters.", field=field)
    return line


def required_line(text: str, *, field: str, called: str, longest: int) -> str:
    """Return a text that is not empty, without the spaces around it.

    Raises:
        FieldInvalid: see `line_of_text`; or it is empty.
    """
    line = line_of_text(text, field=field, called=called, longest=longest)
    if not line:
        raise FieldInvalid(f"{called} is missing.", field=field)
    return line
