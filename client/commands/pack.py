"""`luss pack`: a folder of truth masks as one file."""

from pathlib import Path
from typing import Annotated

import typer

from client import console
from client.options import AsJson, Classes, Jobs


def pack(
    mask_dir: Annotated[Path, typer.Argument(exists=True, file_okay=False, metavar="MASK_DIR")],
    classes: Classes,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", dir_okay=False, metavar="FILE", callback=console.in_a_folder
        ),
    ],
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Pack truth masks into one file that opens at once."""
    from evaluator import EvaluatorError, open_truth, pack_truth

    jobs = jobs or console.all_cores()
    try:
        with console.progress_bar("Packing") as progress:
            pack_truth(mask_dir, output, classes=classes, jobs=jobs, progress=progress)
        with open_truth(output, classes=classes) as truth:
            document = {
                "file": str(output),
                "images": len(truth.names),
                "classes": truth.classes,
                "truth_version": truth.version,
                "bytes": output.stat().st_size,
            }
    except EvaluatorError as error:
        console.stop(str(error), console.REFUSED)
    if as_json:
        console.print_json(document)
    console.console_for_people(as_json=as_json).print(
        f"{document['images']} masks of {classes} categories in {output}"
        f" ({document['bytes']} bytes), truth {document['truth_version']}",
        markup=False,
        soft_wrap=True,
    )
