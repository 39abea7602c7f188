"""A private S3 server: moto's, as a process of its own on a free port, forgetting all at its end.

By hand: `.venv/bin/moto_server -H 127.0.0.1 -p 5000`, then `curl -X PUT http://127.0.0.1:5000/luss`
makes a bucket, and LUSS_STORE_URL=s3://luss/store LUSS_S3_ENDPOINT=http://127.0.0.1:5000 with any
LUSS_S3_ACCESS_KEY and LUSS_S3_SECRET_KEY uses it.
"""

import re
import subprocess
import sys
from pathlib import Path

import httpx
from pydantic import SecretStr

from server.settings import S3Access
from tests.support.stack import eventually, free_port

COMMAND = Path(sys.executable).with_name("moto_server")
ACCESS_KEY, SECRET_KEY = "web-key", "web-secret"
START_SECONDS = 60


class S3Server:
    """Starts and stops; each start is an empty server at the same address."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str | Path]:
        return [COMMAND, "-H", "127.0.0.1", "-p", str(self.port)]

    @property
    def access(self) -> S3Access:
        return S3Access(
            endpoint=self.endpoint,
            region="us-east-1",
            access_key=ACCESS_KEY,
            secret_key=SecretStr(SECRET_KEY),
        )

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead a service to this server; the bucket is still to be named."""
        return {
            "LUSS_S3_ENDPOINT": self.endpoint,
            "LUSS_S3_ACCESS_KEY": ACCESS_KEY,
            "LUSS_S3_SECRET_KEY": SECRET_KEY,
        }

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        eventually(self._answers, seconds=START_SECONDS, what=f"{self.endpoint} to answer")

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def make_bucket(self, name: str) -> None:
        httpx.put(f"{self.endpoint}/{name}").raise_for_status()

    def keys(self, bucket: str) -> list[str]:
        """Return the names of what lies in a bucket, as its own listing says."""
        listing = httpx.get(f"{self.endpoint}/{bucket}?list-type=2").raise_for_status().text
        return re.findall(r"<Key>(.*?)</Key>", listing)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.endpoint}/moto-api/").is_success
        except httpx.TransportError:
            return False
