"""A board for other programs: CSV for tables, LaTeX for papers."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from server.boards.table import Row
from server.disclosure import PerClass
from server.models import HEADLINE_SCORES, Category

FACT_COLUMNS = (
    "rank",
    "group",
    "kind",
    "counts",
    "pinned",
    "run_here",
    "method",
    "team",
    "backbone",
    "training_scheme",
    "submission",
    "source",
    "date",
    "unranked_because",
    "anonymous_until",
)
CLASS_COLUMNS = ("class_id", "wnid", "name", "iou", "biou")
OTHER = (0, "", "other")
RUN_HERE = r"$^{\ast}$"
LATEX_SCORES = {
    "miou": "mIoU",
    "bmiou": "b-mIoU",
    "img_acc": "Img-Acc",
    "f_beta": r"$F_\beta$",
}
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def as_csv(rows: Iterable[Row]) -> str:
    """Return one line a row, scores in full precision, unknown ones empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FACT_COLUMNS, *HEADLINE_SCORES])
    for row in rows:
        facts = [_cell(getattr(row, column)) for column in FACT_COLUMNS]
        writer.writerow([*facts, *(_cell(row.scores[name]) for name in HEADLINE_SCORES)])
    return text.getvalue()


def per_class_csv(
    rows: Iterable[Row], classes: Mapping[int, PerClass], categories: Sequence[Category]
) -> str:
    """Return one line for each class of each row that was scored here."""
    names = [OTHER, *((each.class_id, each.wnid, each.name) for each in categories)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FACT_COLUMNS, *CLASS_COLUMNS])
    for row in rows:
        found = classes.get(row.score_id or 0)
        if found is None:
            continue
        facts = [_cell(getattr(row, column)) for column in FACT_COLUMNS]
        for about, iou, boundary_iou in zip(names, found.iou, found.boundary_iou, strict=False):
            values = [_cell(value) for value in (*about, iou, boundary_iou)]
            writer.writerow([*facts, *values])
    return text.getvalue()


def as_latex(rows: Sequence[Row]) -> str:
    """Return a booktabs table; reported rows carry their rank in brackets.

    What the server has run itself carries a star, which a last line explains.
    """
    head = " & ".join(["", "Method", "Backbone", *LATEX_SCORES.values()])
    body = "".join(f"{_latex_line(row)} \\\\\n" for row in rows)
    columns = "rll" + "r" * len(LATEX_SCORES)
    note = f"\\multicolumn{{{len(columns)}}}{{l}}{{{RUN_HERE} run by the server}} \\\\\n"
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n"
        f"{body}\\bottomrule\n{note if any(row.run_here for row in rows) else ''}"
        "\\end{tabular}\n"
    )


def _latex_line(row: Row) -> str:
    rank = "--" if row.rank is None else str(row.rank)
    scores = [row.scores[name] for name in LATEX_SCORES]
    return " & ".join(
        [
            rank if row.kind == "verified" else f"({rank})",
            _escaped(row.method) + (RUN_HERE if row.run_here else ""),
            _escaped(row.backbone or "--"),
            *("--" if score is None else f"{score:.2f}" for score in scores),
        ]
    )


def _escaped(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(letter, letter) for letter in text)


def _cell(value: object) -> str:
    """Return a cell's text; one that a spreadsheet would run as a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
