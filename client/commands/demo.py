"""`luss demo`: a site to look at, with two scored entries; what `make run` starts."""

import typer


def demo() -> None:
    """Make a demo site if there is none yet, and run it until Ctrl-C (LUSS_PORT, LUSS_DATA_DIR)."""
    from client.demo.site import announcement, prepare, serve_with_entries
    from client.service import can_run_models, check_port, check_sandbox, children, patience
    from client.supervisor import Supervisor
    from worker.settings import WorkerSettings

    settings = WorkerSettings()
    check_sandbox(settings.sandbox)
    check_port(host=settings.host, port=settings.port)
    runs_models = can_run_models()
    if not runs_models:
        typer.echo("Reference runs wait: PyTorch is not installed (pip install '.[model]').")
    login = prepare(settings, typer.echo)
    serve_with_entries(
        settings,
        Supervisor(children(settings, runs_models=runs_models), patience(settings)),
        say=typer.echo,
        ready=lambda: typer.echo(announcement(settings, login)),
    )
