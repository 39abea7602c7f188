"""The `luss` command: one sub-command per room, each importing what it needs when it runs."""

import typer

from client.commands import check, demo_data, pack, score

app = typer.Typer(name="luss", no_args_is_help=True, add_completion=False)


@app.callback()
def luss() -> None:
    """Score, submit to and run LUSS Bench, the benchmark of unsupervised semantic segmentation."""


app.command("score")(score.score)
app.command("check")(check.check)
app.command("pack")(pack.pack)
app.command("demo-data")(demo_data.demo_data)


def main() -> None:
    app()
