"""Options that several commands share, said once so that they mean and read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Truth = Annotated[
    Path,
    typer.Option(exists=True, metavar="DIR|PACK", help="Folder of masks, or packed truth."),
]
Classes = Annotated[
    int, typer.Option(min=1, max=999, help='Number of categories, "other" not included.')
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads; one per core.")]
AsJson = Annotated[bool, typer.Option("--json", help="The JSON document alone on stdout.")]
