"""The `luss` command: one sub-command per room, each importing what it needs when it runs."""

import typer

from client.commands import check, pack, score

app = typer.Typer(name="luss", no_args_is_help=True, add_completion=False)

app.command("score")(score.score)
app.command("check")(check.check)
app.command("pack")(pack.pack)


def main() -> None:
    app()
