"""What tables call the classes: their ids, or the names that a CSV gives them."""

import csv
from pathlib import Path

from client.errors import UsageMistake

OTHER, NO_CLASS = "other", "no class"


def class_labels(classes: int, names: Path | None = None) -> tuple[str, ...]:
    """Labels of the classes 0..C and, in the last place, of everything that is no class.

    Args:
        classes: C, the number of categories.
        names: a CSV with the columns `id` and `name`, as `luss admin dataset` takes it; other
            columns are left alone.

    Raises:
        UsageMistake: the file names some of 1..C never or twice, or is no such CSV.
        OSError: it cannot be read.
    """
    ids = [str(class_id) for class_id in range(1, classes + 1)]
    if names is None:
        return (OTHER, *ids, NO_CLASS)
    rows = _rows(names)
    name_of = dict(rows)
    if sorted(class_id for class_id, _ in rows) != sorted(ids):
        raise UsageMistake(
            f"{names} must name the categories 1 to {classes}, each once; it has {len(rows)} rows."
        )
    return (OTHER, *(f"{class_id} {name_of[class_id]}" for class_id in ids), NO_CLASS)


def _rows(names: Path) -> list[tuple[str, str]]:
    """Pairs of id and name."""
    with names.open(encoding="utf-8-sig", newline="") as file:
        try:
            return [(row["id"].strip(), row["name"].strip()) for row in csv.DictReader(file)]
        except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
            raise UsageMistake(
                f"{names} is no CSV (UTF-8) with the columns id and name in its first line."
            ) from error
