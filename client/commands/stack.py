"""`luss stack`: the production topology natively, on one machine; what `make stack` starts."""

from typing import Annotated

import typer


def stack(
    workers: Annotated[int, typer.Option(min=1, help="How many workers score.")] = 2,
    empty: Annotated[
        bool, typer.Option("--empty", help="Without the demo data set and its login.")
    ] = False,
) -> None:
    """Run PostgreSQL, Redis, site, workers and beat until Ctrl-C; what dies is started again.

    A server that LUSS_DATABASE_URL or LUSS_BROKER_URL names is used instead of a private one. In
    another shell, `set -a; . $LUSS_DATA_DIR/stack.env` lets `luss admin` work on the same site.
    """
    from client.demo.site import announcement, prepare, serve_with_entries
    from client.service import check_port, check_sandbox
    from client.stack.native import native_stack
    from server import log_config
    from worker.settings import WorkerSettings

    settings = WorkerSettings()
    log_config.configure(settings, process="stack")
    check_sandbox(settings.sandbox)
    check_port(host=settings.host, port=settings.port)
    with native_stack(settings, workers=workers) as (settings, supervisor):
        if empty:
            supervisor.run()
            return
        login = prepare(settings, typer.echo)
        serve_with_entries(
            settings,
            supervisor,
            say=typer.echo,
            ready=lambda: typer.echo(announcement(settings, login)),
        )
