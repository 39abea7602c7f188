"""`luss pass`: PASS, the reference model, and the protocols that start from weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from client import console

if TYPE_CHECKING:
    from reference_model.recipes import Recipe

app = typer.Typer(no_args_is_help=True, help="Train and run PASS, the reference model.")

INTERRUPTED = 143
"""Exit code of a run that was told to end and can go on: 128 and SIGTERM, as shells have it."""

RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="s50, s300, s919 (-p: PASS-p), animals(-cpu), demo, tiny.",
    ),
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
Weights = Annotated[
    Path,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help="A backbone as safetensors: ResNet-18 or -50 (torchvision, PASS), or a plain ViT.",
    ),
]
Method = Annotated[str, typer.Option(help="Name of the method, for method.txt.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="What to compute on.")]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Processes that load images; fitting the machine.")
]
CheckpointSeconds = Annotated[
    float, typer.Option(min=1, help="Time between checkpoints: what a killed run loses at most.")
]
OneSplit = Annotated[
    Literal["val", "test"] | None, typer.Option(help="The only split to predict; else all.")
]
_FOLDERS = {"val": "validation", "test": "test"}
Seed = Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")]


@app.command("run")
def run(
    recipe: RecipeName,
    data: Data,
    out: Out,
    device: Device = "auto",
    workers: Workers = None,
    seed: Seed = None,
    checkpoint_seconds: CheckpointSeconds = 120,
) -> None:
    """Pre-train, label, fine-tune and predict; the zips are in the folder's predict/."""
    from reference_model.stages import pipeline

    with _ends_with_a_sentence(out, "predict"):
        pipeline.run(
            _chosen(recipe, seed),
            data=data,
            out=out,
            device=device,
            workers=workers,
            checkpoint_seconds=checkpoint_seconds,
        )


@app.command("distance-match")
def distance_match(
    weights: Weights,
    data: Data,
    out: Out,
    method: Method = "Distance matching",
    recipe: RecipeName = "s50",
    device: Device = "auto",
    workers: Workers = None,
    split: OneSplit = None,
) -> None:
    """Label pixels by their nearest annotated regions; nothing is trained."""
    from reference_model.stages.pipeline import run_from_weights

    with _ends_with_a_sentence(out, "distance-matching"):
        run_from_weights(
            "distance-matching",
            _chosen(recipe, None),
            weights=weights,
            method=method,
            data=data,
            out=out,
            device=device,
            workers=workers,
            split=None if split is None else _FOLDERS[split],
        )


@app.command("semi-supervised")
def semi_supervised(
    weights: Weights,
    data: Data,
    out: Out,
    method: Method = "Semi-supervised fine-tuning",
    recipe: RecipeName = "s50",
    device: Device = "auto",
    workers: Workers = None,
    seed: Seed = None,
) -> None:
    """Fine-tune a ResNet on the annotated images and predict."""
    from reference_model.stages.pipeline import run_from_weights

    with _ends_with_a_sentence(out, "semi-supervised"):
        run_from_weights(
            "semi-supervised",
            _chosen(recipe, seed),
            weights=weights,
            method=method,
            data=data,
            out=out,
            device=device,
            workers=workers,
        )


def _chosen(name: str, seed: int | None) -> "Recipe":
    from dataclasses import replace

    from reference_model.recipes import RECIPES

    if name not in RECIPES:
        raise typer.BadParameter(
            f"there is no recipe {name!r}; there are {', '.join(RECIPES)}", param_hint="--recipe"
        )
    recipe = RECIPES[name]()
    return recipe if seed is None else replace(recipe, seed=seed)


@contextmanager
def _ends_with_a_sentence(out: Path, entry: str) -> Iterator[None]:
    """Say what was found and where the entry is.

    The exit code is 1 for what a run refuses, 143 for one that is told to end.
    """
    from reference_model.engine.errors import Interrupted, RunStopped
    from reference_model.stages.summary import summary

    try:
        yield
    except Interrupted as stopped:
        console.stop(f"luss: {stopped}", INTERRUPTED)
    except RunStopped as stopped:
        console.stop(f"luss: {stopped}", console.REFUSED)
    typer.echo(summary(out, entry))
    typer.echo(f"The entry is in {out / entry}.", err=True)
