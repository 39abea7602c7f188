import re

from client import errors
from client.errors import ClientError


def classes(root: type[ClientError]) -> set[type[ClientError]]:
    return {root}.union(*(classes(child) for child in root.__subclasses__()))


def test_the_tree_in_the_docstring_is_the_tree_of_classes_with_their_exit_codes() -> None:
    drawn = re.findall(r"[+-] (\w+) +(\d)  ", errors.__doc__ or "")
    written = {
        (each.__name__, str(each.exit_code)) for each in classes(ClientError) - {ClientError}
    }

    assert set(drawn) == written
