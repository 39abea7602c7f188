"""`luss withdraw`: take a submission back."""

import sys
from typing import Annotated

import typer

from client.console import REFUSED, somebody_is_there, stop
from client.options import AsJson


def withdraw(
    context: typer.Context,
    submission_id: Annotated[str, typer.Argument(metavar="ID", help="As `luss submit` said it.")],
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a submission back, for good (LUSS_SERVER, LUSS_TOKEN).

    It leaves its board and never ranks again, and it still counts against the quota. A second time
    changes nothing.
    """
    from client.api import Api
    from client.errors import UsageMistake
    from client.presentation import show, show_submission, submission_summary
    from client.settings import ClientSettings

    settings = ClientSettings.with_token()
    with Api(settings, transport=context.obj) as api:
        if not is_sure:
            if not somebody_is_there():
                raise UsageMistake("This cannot be undone, and nobody can be asked: say --yes.")
            show(*submission_summary(api.submission(submission_id)), to=sys.stderr)
            if not typer.confirm("Withdraw it for good?", err=True):
                stop("Nothing was changed.", REFUSED)
        show_submission(api.withdraw(submission_id), as_json=as_json)
