from pathlib import Path
from typing import Annotated

import typer


def demo_data(
    destination: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet or is empty.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same images.")] = 0,
) -> None:
    """Make the demo data set: ten categories in ImageNet-S layout, about 1 500 small images."""
    from client.demo.dataset import (  # noqa: PLC0415  # OpenCV, for this command only
        IMAGE_COUNT,
        DestinationExistsError,
        write_demo_data,
    )
    from client.progress import progress_bar  # noqa: PLC0415  # rich, likewise

    try:
        with progress_bar("Making images", total=IMAGE_COUNT) as advance:
            write_demo_data(destination, seed=seed, on_image=lambda: advance(1))
    except DestinationExistsError as error:
        raise typer.BadParameter(str(error), param_hint="DIR") from error
    typer.echo(f"The demo data set is in {destination}.", err=True)
