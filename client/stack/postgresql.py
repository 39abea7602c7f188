"""A PostgreSQL of one's own: a cluster in a folder, on a free port of 127.0.0.1, with a password.

PostgreSQL refuses to run as root: then it runs as the account `postgres`, which must be able to
reach the folder.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from client.errors import StackBroken
from client.stack.programs import account, free_port, program
from client.supervisor import Child
from evaluator.atomic_file import replacing

ACCOUNT, PACKAGE = "postgres", "postgresql"
SUPERUSER = "luss"
FAST_SHUTDOWN = signal.SIGINT  # on SIGTERM the server would wait until every client has gone
_INITDB_SECONDS = 120
_CONNECT_SECONDS = 5
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
_DEBIAN = Path("/usr/lib/postgresql")


class PrivatePostgresql:
    """A cluster that is made when it is first prepared and kept; its port is drawn each time."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Take the folder of cluster and password, and settings of the server beside its own."""
        self.folder = folder.absolute()
        self.cluster = self.folder / "cluster"
        self.port = free_port()
        self._settings = {"listen_addresses": "127.0.0.1", **(settings or {})}

    def prepare(self) -> None:
        """Make the cluster if there is none yet.

        Raises:
            ProgramMissing: PostgreSQL, or the version that made the cluster, is not installed.
            StackBroken: initdb failed; the message says why.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "password").exists():
            with replacing(self.folder / "password") as partial:
                partial.touch(mode=0o600)
                partial.write_text(secrets.token_urlsafe(24))
        if self.cluster.exists():
            return
        unfinished = self.folder / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _hand_over(unfinished)
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as password:
            password.write(self._password)
            password.flush()
            _hand_over(Path(password.name))
            self._initdb(unfinished, password.name)
        unfinished.rename(self.cluster)

    def _initdb(self, folder: Path, password_file: str) -> None:
        run = subprocess.run(  # noqa: S603  # the command is ours
            [
                *_as_owner(),
                str(initdb_program()),
                *("--pgdata", str(folder), "--encoding", "UTF8", "--no-sync"),
                *("--locale", "C", "--locale-provider", "icu", "--icu-locale", "en-US"),
                *("--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", password_file),
            ],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INITDB_SECONDS,
            check=False,
        )
        if run.returncode:
            hint = f" ({ACCOUNT} must be able to reach {self.folder})" if _is_root() else ""
            raise StackBroken(f"initdb ended with {run.returncode}{hint}: {run.stderr.strip()}")

    def child(self) -> Child:
        """Return the server as something to keep alive."""
        version = (self.cluster / "PG_VERSION").read_text().strip()
        server = program("postgres", f"{PACKAGE}-{version}", folders=(_DEBIAN / version / "bin",))
        settings = {**self._settings, "unix_socket_directories": "", "port": str(self.port)}
        settings |= {"logging_collector": "on", "log_filename": "postgresql.log"}
        return Child(
            name="postgresql",
            command=[
                *_as_owner(),
                *(str(server), "-D", str(self.cluster)),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            environment=_ENVIRONMENT,
            stop_signal=FAST_SHUTDOWN,
        )

    def url(self, database: str = "luss") -> str:
        return f"postgresql+psycopg://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def _password(self) -> str:
        return (self.folder / "password").read_text()

    def answers(self) -> bool:
        try:
            self._administer().close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str = "luss") -> None:
        """Make an empty database, unless there is one of that name."""
        with self._administer() as connection:
            known = "SELECT FROM pg_database WHERE datname = %s"
            if connection.execute(known, [name]).rowcount == 0:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def drop_database(self, name: str) -> None:
        """Delete a database, whoever is connected to it."""
        with self._administer() as connection:
            words = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(words.format(sql.Identifier(name)))

    def _administer(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            self.url("postgres").replace("+psycopg", ""),
            connect_timeout=_CONNECT_SECONDS,
            autocommit=True,
        )


def initdb_program() -> Path:
    """Find the newest initdb.

    Raises:
        ProgramMissing: PostgreSQL is not installed.
    """
    return program("initdb", PACKAGE, folders=_newest_first())


def _newest_first() -> tuple[Path, ...]:
    """Return where Debian keeps the programs of each version."""
    found = [path for path in _DEBIAN.glob("*/bin") if re.fullmatch(r"\d+", path.parent.name)]
    return tuple(sorted(found, key=lambda path: -int(path.parent.name)))


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_owner() -> list[str]:
    """Return the words before a command that make it PostgreSQL's account, where we are root.

    setpriv instead of runuser: changing the account forgets whose death to die of
    (client/guarded.py), and setpriv can ask for it again.
    """
    if not _is_root():
        return []
    owner = account(ACCOUNT, PACKAGE)
    setpriv = str(program("setpriv", "util-linux"))
    who = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--init-groups"]
    return [setpriv, *who, f"--pdeathsig={FAST_SHUTDOWN.name[3:]}", "--"]


def _hand_over(path: Path) -> None:
    if _is_root():
        owner = account(ACCOUNT, PACKAGE)
        os.chown(path, owner.pw_uid, owner.pw_gid)
