"""`luss demo`: a site to look at, with two scored entries; what `make run` starts."""

import typer


def demo() -> None:
    """Make a demo site if there is none yet, and run it until Ctrl-C (LUSS_PORT, LUSS_DATA_DIR)."""
    from client.demo.site import prepare, serve_with_entries
    from client.service import check_port, children, patience
    from client.supervisor import Supervisor
    from worker.settings import WorkerSettings

    settings = WorkerSettings()
    check_port(host=settings.host, port=settings.port)
    login = prepare(settings, _say)

    def ready() -> None:
        _say(
            f"\nLUSS Bench is at {settings.site_url}\n"
            f"  E-mail    {login.email}\n"
            f"  Password  {login.password}    (kept in {login.file})\n"
            f"Ctrl-C stops it; what it knows stays in {settings.data_dir}.\n"
        )

    serve_with_entries(
        settings, Supervisor(children(settings), patience(settings)), say=_say, ready=ready
    )


def _say(sentence: str) -> None:
    typer.echo(sentence)
