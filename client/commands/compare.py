"""`luss compare`: whether one prediction is better than another, image by image."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client import console
from client.options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from evaluator import Comparison, Difference


def compare(
    a: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="A.tallies")],
    b: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="B.tallies")],
    as_json: AsJson = False,
) -> None:
    """Compare two scored predictions by resampling their common images.

    `luss score --tallies FILE` writes what is compared.
    """
    from evaluator import EvaluatorError, Tallies
    from evaluator import compare as compared

    try:
        comparison = compared(Tallies.read(a), Tallies.read(b))
    except EvaluatorError as error:
        console.stop(str(error), console.REFUSED)
    if as_json:
        console.print_json(comparison.to_json())
    people = console.console_for_people(as_json=as_json)
    people.print(_table(comparison))
    people.print(f"A is {a}, B is {b}", markup=False, soft_wrap=True)
    people.print(
        f"95 % intervals of A - B from {comparison.resamples} resamples of the images;"
        " where 0 lies inside, neither is shown to be better."
    )


def _table(comparison: "Comparison") -> "Table":
    from rich.table import Table

    from client.presentation import HEADLINES

    table = Table(title="Scores (%)")
    table.add_column("score")
    for title in ("A", "B", "A - B", "95 % interval", "B wins", "better"):
        table.add_column(title, justify="right")
    for name, found in comparison.scores.items():
        table.add_row(
            HEADLINES[name],
            f"{found.a:.2f}",
            f"{found.b:.2f}",
            f"{found.difference:+.2f}",
            f"{found.low:+.2f} to {found.high:+.2f}",
            f"{100 * found.b_wins:.1f} %",
            _better(found),
        )
    return table


def _better(found: "Difference") -> str:
    if found.is_tie:
        return "neither"
    return "A" if found.difference > 0 else "B"
