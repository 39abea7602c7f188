"""The `luss` command: one sub-command per room, each importing what it needs when it runs."""

import errno
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from client.commands import (
    admin,
    board,
    check,
    compare,
    demo,
    demo_data,
    edit,
    match,
    pack,
    pass_,
    score,
    serve,
    stack,
    status,
    submit,
    withdraw,
    worker,
)
from client.errors import ClientError, ModelMissing, ServiceMissing, SystemRefused

SERVICE_PACKAGES = frozenset(
    {"alembic", "celery", "fastapi", "kombu", "obstore", "pwdlib", "pydantic", "pydantic_settings"}
    | {"psycopg", "redis", "sqlalchemy", "starlette", "uvicorn"}
)
"""What the commands of the service import, and what a participant does not install."""

MODEL_PACKAGES = frozenset({"altair", "faiss", "PIL", "safetensors", "torch"})
"""Likewise of the reference model."""


class _Commands(TyperGroup):
    """Ends a command that raised a `ClientError` with its sentence and its exit code.

    A command of the service, where only the base is installed, says what to install.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ClientError as error:
            _end(error)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in SERVICE_PACKAGES:
                _end(ServiceMissing())
            if missing in MODEL_PACKAGES:
                _end(ModelMissing())
            raise
        except OSError as error:
            if error.errno in {None, errno.EPIPE}:  # a library's own; or nobody reads on
                raise
            _end(SystemRefused(error))


def _end(error: ClientError) -> NoReturn:
    typer.echo(f"luss: {error}", err=True)
    raise typer.Exit(error.exit_code) from error


app = typer.Typer(name="luss", cls=_Commands, no_args_is_help=True, add_completion=False)


@app.callback()
def luss() -> None:
    """Score, submit to and run LUSS Bench, the benchmark of unsupervised semantic segmentation."""


app.command("score")(score.score)
app.command("match")(match.match)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("pack")(pack.pack)
app.command("submit")(submit.submit)
app.command("status")(status.status)
app.command("edit")(edit.edit)
app.command("withdraw")(withdraw.withdraw)
app.command("board")(board.board)
app.add_typer(admin.app, name="admin")
app.add_typer(pass_.app, name="pass")
app.command("serve")(serve.serve)
app.command("stack")(stack.stack)
app.command("worker")(worker.worker)
app.command("demo")(demo.demo)
app.command("demo-data")(demo_data.demo_data)


def main() -> None:
    app()
