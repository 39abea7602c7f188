"""Everything that ends a command early, and the exit code that says so to scripts.

* ClientError
    + Refused               1  the server, or a check before it, did not take what it was given
    + UsageMistake          2  the command line says something that cannot be meant
        - ServiceMissing    2  the base is installed, and this command needs the service
        - ModelMissing      2  likewise, the reference model
        - ProgramMissing    2  a program of the system is not installed
        - NamesNotShown     2  names are to be withheld that no board shows
        - SystemRefused     2  the system cannot read or write a file as it was asked to
    + Unreachable           3  no answer, or none that this client understands
        - ServerFailed      3  the server says that the fault is its own
    + NotInitialised        3  the database is not as this version expects it
    + SupervisionEnded      3  a part of the service could not be kept alive
    + StackBroken           3  a server that `luss stack` runs could not be set up
"""

from client.console import REFUSED, UNREACHABLE, USAGE


class ClientError(Exception):
    """Base of all; the message is a sentence for the person at the terminal."""

    exit_code: int


class Refused(ClientError):
    """An answer 4xx; `code` is the stable word for programs, `status` the number."""

    exit_code = REFUSED

    def __init__(self, message: str, *, code: str, status: int | None = None) -> None:
        super().__init__(f"{message} [{code}]")
        self.code = code
        self.status = status


class UsageMistake(ClientError):
    exit_code = USAGE


class ServiceMissing(UsageMistake):
    def __init__(self) -> None:
        super().__init__(
            "This command is a part of the service; install it with "
            "pip install 'lussbench[server,worker]'."
        )


class ModelMissing(UsageMistake):
    def __init__(self) -> None:
        super().__init__(
            "This command trains or runs the reference model; install it with "
            "pip install 'lussbench[model]'."
        )


class NamesNotShown(UsageMistake):
    def __init__(self) -> None:
        super().__init__("A private entry is on no board: leave out --anonymous-until.")


class ProgramMissing(UsageMistake):
    def __init__(self, what: str, package: str) -> None:
        super().__init__(
            f"There is no {what} on this machine; install it with apt-get install {package}."
        )


class SystemRefused(UsageMistake):
    def __init__(self, error: OSError) -> None:
        which = "" if error.filename is None else f" ({error.filename})"
        super().__init__(f"{error.strerror or error}{which}")


class Unreachable(ClientError):
    exit_code = UNREACHABLE


class ServerFailed(Unreachable):
    pass


class NotInitialised(ClientError):
    exit_code = UNREACHABLE

    def __init__(self) -> None:
        super().__init__(
            "The database is not as this version expects it; run `luss admin init` first."
        )


class SupervisionEnded(ClientError):
    exit_code = UNREACHABLE


class StackBroken(ClientError):
    exit_code = UNREACHABLE
