"""`luss serve`: the whole service on one machine."""

from typing import Annotated

import typer


def serve(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of LUSS_PORT.")
    ] = None,
    model: Annotated[
        bool, typer.Option("--model", help="Also run the reference model here (needs PyTorch).")
    ] = False,
) -> None:
    """Run site, worker and beat until Ctrl-C; what dies is started again."""
    from client.administration import check_initialised
    from client.service import check_model, check_port, check_sandbox, children, patience
    from client.supervisor import Supervisor
    from server import log_config
    from worker.settings import WorkerSettings

    settings = WorkerSettings() if port is None else WorkerSettings(port=port)
    log_config.configure(settings, process="serve")
    check_initialised(settings)
    check_sandbox(settings.sandbox)
    if model:
        check_model()
    check_port(host=settings.host, port=settings.port)
    Supervisor(children(settings, runs_models=model), patience(settings)).run()
