"""`luss pass`: PASS, the reference model, from images to an entry."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from client import console

app = typer.Typer(no_args_is_help=True, help="Train and run PASS, the reference model.")

INTERRUPTED = 143
"""Exit code of a run that was told to end and can go on: 128 and SIGTERM, as shells have it."""

Recipe = Annotated[
    str, typer.Option(metavar="NAME", help="s50, s300, s919 (-p: PASS-p), animals or demo.")
]
Data = Annotated[
    Path,
    typer.Option(
        exists=True, file_okay=False, metavar="DIR", help="A data set in ImageNet-S layout."
    ),
]
Out = Annotated[
    Path, typer.Option(file_okay=False, metavar="DIR", help="The run's folder; goes on if there.")
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="What to compute on.")]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Processes that load images; fitting the machine.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")]


@app.command("run")
def run(
    recipe: Recipe,
    data: Data,
    out: Out,
    device: Device = "auto",
    workers: Workers = None,
    seed: Seed = None,
) -> None:
    """Pre-train, label, fine-tune and predict; the zips are in DIR/predict."""
    from dataclasses import replace

    from reference_model.engine.errors import Interrupted, RunStopped
    from reference_model.recipes import RECIPES
    from reference_model.stages import pipeline

    if recipe not in RECIPES:
        raise typer.BadParameter(
            f"there is no recipe {recipe!r}; there are {', '.join(RECIPES)}", param_hint="--recipe"
        )
    chosen = RECIPES[recipe]()
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    try:
        pipeline.run(chosen, data=data, out=out, device=device, workers=workers)
    except Interrupted as stopped:
        console.stop(f"luss: {stopped}", INTERRUPTED)
    except RunStopped as stopped:
        console.stop(f"luss: {stopped}", console.REFUSED)
    typer.echo(f"The entry is in {out / 'predict'}.", err=True)
