"""`luss score`: scores of a zip or a folder of masks, on one's own machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client import console
from client.options import AsJson, Classes, Jobs, Truth

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from evaluator import MatchMap, Result

TITLES = {
    "miou": "mIoU",
    "bmiou": "b-mIoU",
    "img_acc": "Img-Acc",
    "f_beta": "F-beta",
    "miou_no_other": "mIoU without other",
    "bmiou_no_other": "b-mIoU without other",
}
SIZES = {"s": "small", "ms": "medium small", "ml": "medium large", "l": "large"}
CLASS_BLOCKS = 4


def score(
    prediction: Annotated[Path, typer.Argument(exists=True, metavar="ZIP|DIR")],
    truth: Truth,
    classes: Classes,
    match: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A match.json, used instead of the archive's own."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write the JSON document here too.",
            callback=console.in_a_folder,
        ),
    ] = None,
    tallies: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Keep the tallies here.", callback=console.in_a_folder),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write a report here, one file that needs nothing else.",
            callback=console.in_a_folder,
        ),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="CSV",
            help="Names of the categories for tables and report: columns id and name.",
        ),
    ] = None,
    jobs: Jobs = None,
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals/--no-intervals",
            help="95 % confidence intervals, by resampling the images.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Score predicted masks against truth masks."""
    from client.class_labels import class_labels
    from evaluator import BadPrediction, EvaluatorError, evaluate, open_truth

    labels = class_labels(classes, names)
    if html is not None:
        console.need_extra("report", "altair", "jinja2", "vl_convert", wanted_by="--html")
    jobs = jobs or console.all_cores()
    images = 0
    try:
        given = None if match is None else _given_match(match, classes)
        with console.progress_bar("Reading truth") as progress:
            opened = open_truth(truth, classes=classes, jobs=jobs, progress=progress)
        with opened, console.progress_bar("Scoring") as progress:
            images = len(opened.names)
            result = evaluate(
                prediction,
                opened,
                match=given,
                tallies_path=tallies,
                jobs=jobs,
                progress=progress,
                intervals=intervals,
            )
    except BadPrediction as error:
        console.refuse(error.findings, images=images, classes=classes, as_json=as_json)
    except EvaluatorError as error:
        console.stop(str(error), console.REFUSED)
    document = result.to_json()
    if out is not None:
        console.write_document(document, out)
    if html is not None:
        from client.report.document import write_report

        write_report(result, html, prediction=prediction, labels=labels)
    if as_json:
        console.print_json(document)
    _print_result(result, labels, console.console_for_people(as_json=as_json))


def _given_match(path: Path, classes: int) -> "MatchMap":
    from evaluator import parse_match

    return parse_match(path.read_bytes(), classes=classes, file=str(path))


def _print_result(result: "Result", labels: Sequence[str], people: "Console") -> None:
    from rich.columns import Columns

    console.print_findings(result.warnings, people)
    people.print(_headline(result))
    people.print(_by_size(result))
    people.print(Columns(_per_class(result, labels)))
    people.print(
        f"{result.images} images, {result.classes} categories,"
        f" scorer {result.scorer_version}, truth {result.truth_version[:12]}"
    )


def _headline(result: "Result") -> "Table":
    from rich.table import Table

    table = Table(title="Scores (%)")
    table.add_column("score")
    for title in ("value", *_interval_title(result)):
        table.add_column(title, justify="right")
    for name, title in TITLES.items():
        table.add_row(title, *_value(result, name))
    return table


def _by_size(result: "Result") -> "Table":
    from rich.table import Table

    table = Table(title="By object size (%)")
    table.add_column("size")
    for title in ("mIoU", *_interval_title(result), "b-mIoU", *_interval_title(result)):
        table.add_column(title, justify="right")
    for size, title in SIZES.items():
        table.add_row(title, *_value(result, f"miou_{size}"), *_value(result, f"bmiou_{size}"))
    return table


def _per_class(result: "Result", labels: Sequence[str]) -> "list[Table]":
    from rich.table import Table
    from rich.text import Text

    scores = result.scores
    rows = list(zip(labels[:-1], scores.per_class_iou, scores.per_class_biou, strict=True))
    height = -(-len(rows) // CLASS_BLOCKS)
    tables = []
    for start in range(0, len(rows), height):
        table = Table("class")
        for title in ("IoU", "b-IoU"):
            table.add_column(title, justify="right")
        for label, region, boundary in rows[start : start + height]:
            table.add_row(Text(label), _percent(region), _percent(boundary))
        tables.append(table)
    return tables


def _interval_title(result: "Result") -> tuple[str, ...]:
    """The title of the column of intervals, if there are any."""
    return ("95 % interval",) if result.intervals else ()


def _value(result: "Result", name: str) -> tuple[str, ...]:
    """The cells of a score: its value, and its interval if it has one."""
    value = _percent(getattr(result.scores, name))
    if name not in result.intervals:
        return (value,)
    low, high = result.intervals[name]
    return (value, f"{low:.2f} to {high:.2f}")


def _percent(score: float | None) -> str:
    """Two decimals, as boards show them; a dash where no object has the size."""
    return "-" if score is None else f"{score:.2f}"
