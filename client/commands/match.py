"""`luss match`: the map from generated ids to categories, fitted where the truth is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client import console
from client.options import AsJson, Classes, Jobs, Truth

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from evaluator import Diagnosis, Fit

LISTED = 10
"""Ids or categories that a line names before it only counts them."""


def match(
    prediction: Annotated[Path, typer.Argument(exists=True, metavar="ZIP|DIR")],
    truth: Truth,
    classes: Classes,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            metavar="FILE",
            help="The match.json to write.",
            callback=console.in_a_folder,
        ),
    ],
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Fit a match.json: which category each generated id stands for."""
    from evaluator import BadPrediction, EvaluatorError, fit_match, open_truth, write_match

    jobs = jobs or console.all_cores()
    images = 0
    try:
        with console.progress_bar("Reading truth") as progress:
            opened = open_truth(truth, classes=classes, jobs=jobs, progress=progress)
        with opened, console.progress_bar("Counting") as progress:
            images = len(opened.names)
            fit = fit_match(prediction, opened, jobs=jobs, progress=progress)
    except BadPrediction as error:
        console.refuse(error.findings, images=images, classes=classes, as_json=as_json)
    except EvaluatorError as error:
        console.stop(str(error), console.REFUSED)
    write_match(fit.matching.match, output)
    if as_json:
        console.print_json(fit.to_json())
    _print_fit(fit, console.console_for_people(as_json=as_json), output=output)


def _print_fit(fit: "Fit", people: "Console", *, output: Path) -> None:
    console.print_findings(fit.warnings, people)
    people.print(_maps(fit.diagnosis))
    for line in _lines(fit):
        people.print(line, markup=False, soft_wrap=True)
    people.print(f"written to {output}", markup=False, soft_wrap=True)


def _maps(diagnosis: "Diagnosis") -> "Table":
    from rich.table import Table

    table = Table(title="mIoU (%) on these images")
    table.add_column("map")
    table.add_column("mIoU", justify="right")
    for title, rated in (
        ("default, as written", diagnosis.fitted),
        ("best one-to-one, by pixels", diagnosis.one_to_one),
        ("each id to its largest overlap", diagnosis.many_to_one),
    ):
        table.add_row(title, f"{rated.miou:.2f}")
    return table


def _lines(fit: "Fit") -> list[str]:
    matching, unmatched, merged = fit.matching, fit.diagnosis.unmatched, fit.diagnosis.merged
    ids_of = [f"{category} ({_listed(ids)})" for category, ids in merged.items()]
    sums = f"sum {matching.image_sum} (images with an id and its category, over all ids)"
    return [
        f"{sums}, {matching.pixel_sum} pixels in common",
        f"{fit.images} images, {fit.classes} categories, truth {fit.truth_version[:12]}",
        f"{len(matching.unseen)} ids were never generated{_told(matching.unseen)}",
        f"{len(unmatched)} categories are no id's largest overlap{_told(unmatched)}",
        f"{len(merged)} categories are the largest overlap of several ids{_told(ids_of)}",
    ]


def _told(items: Sequence[object]) -> str:
    return f": {_listed(items)}" if items else ""


def _listed(items: Sequence[object]) -> str:
    return ", ".join([*map(str, items[:LISTED]), *(["..."] if len(items) > LISTED else [])])
