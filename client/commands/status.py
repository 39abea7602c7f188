"""`luss status`: what has become of a submission."""

from typing import Annotated

import typer


def status(
    context: typer.Context,
    submission_id: Annotated[str, typer.Argument(metavar="ID", help="As `luss submit` said it.")],
    as_json: Annotated[bool, typer.Option("--json", help="The document alone.")] = False,
) -> None:
    """Say what has become of a submission (LUSS_SERVER, LUSS_TOKEN)."""
    from client.api import Api
    from client.presentation import show_submission
    from client.settings import ClientSettings

    with Api(ClientSettings.from_environment(), transport=context.obj) as api:
        show_submission(api.submission(submission_id), as_json=as_json)
