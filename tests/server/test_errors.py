import re

from server import errors
from server.errors import ServerError


def tree() -> list[type[ServerError]]:
    found: list[type[ServerError]] = [ServerError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"[*+-] (\w+) +(\d{3})(?: +(\w+))?$", errors.__doc__ or "", re.MULTILINE)
    named = {name: (int(status), code) for name, status, code in drawn}

    for kind in tree():
        if kind is ServerError:
            continue
        status, code = named.pop(kind.__name__)
        assert status == kind.status, kind
        assert code in ("", kind.code), kind
    assert not named


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in tree()]

    assert len(codes) == len(set(codes))
