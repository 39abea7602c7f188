"""The `luss` command: one sub-command per room, each importing what it needs when it runs."""

import typer

app = typer.Typer(name="luss", no_args_is_help=True, add_completion=False)


def main() -> None:
    app()
