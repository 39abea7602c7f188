"""`luss demo-data`: something to benchmark on, out of nothing."""

from pathlib import Path
from typing import Annotated

import typer

from client import console


def demo_data(
    destination: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet or is empty.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same images.")] = 0,
) -> None:
    """Make the demo data set: ten categories in ImageNet-S layout, about 1 500 small images."""
    from client.demo.dataset import (
        DestinationExistsError,
        write_demo_data,
    )

    try:
        with console.progress_bar("Making images") as progress:
            write_demo_data(destination, seed=seed, progress=progress)
    except DestinationExistsError as error:
        raise typer.BadParameter(str(error), param_hint="DIR") from error
    typer.echo(f"The demo data set is in {destination}.", err=True)
