"""A private S3 server: moto's, as a process of its own on a free port, forgetting all at its end.

By hand: `.venv/bin/moto_server -H 127.0.0.1 -p 5000`, then `curl -X PUT http://127.0.0.1:5000/luss`
makes a bucket, and LUSS_STORE_URL=s3://luss/store LUSS_S3_ENDPOINT=http://127.0.0.1:5000 with any
LUSS_S3_ACCESS_KEY and LUSS_S3_SECRET_KEY uses it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import httpx
from pydantic import SecretStr

from client.stack.programs import free_port
from server.settings import S3Access
from server.storage.store import open_object_store
from tests.support.hanging import hanging
from tests.support.waiting import eventually

COMMAND = Path(sys.executable).with_name("moto_server")
START_SECONDS = 60
ACTIONS_PER_USER = 4


class S3Server:
    """Starts and stops; each start is an empty server at the same address.

    With ``users``, a bucket by user, each of them has a key that opens the own bucket alone;
    without, every key opens everything.
    """

    def __init__(self, log: Path, *, users: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.access = S3Access(
            endpoint=self.endpoint,
            region="us-east-1",
            access_key="any-key",
            secret_key=SecretStr("any-secret"),
        )
        self.access_of: dict[str, S3Access] = {}
        self._users = users or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = dict(os.environ)  # noqa: TID251  # what a shell would pass on
        if self._users:  # moto asks for keys once the users have been made
            actions = ACTIONS_PER_USER * len(self._users)
            environment["INITIAL_NO_AUTH_ACTION_COUNT"] = str(actions)
        command = [COMMAND, "-H", "127.0.0.1", "-p", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        eventually(self._answers, seconds=START_SECONDS, what=f"{self.endpoint} to answer")
        for user, bucket in self._users.items():
            self._make_user(user, bucket)

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def hanging(self) -> AbstractContextManager[None]:
        """Let it accept and answer nothing until the block ends."""
        return hanging(self._process)

    def make_bucket(self, name: str) -> None:
        httpx.put(f"{self.endpoint}/{name}").raise_for_status()

    def keys(self, bucket: str, access: S3Access) -> list[str]:
        """Return the names of what lies in a bucket."""
        return [entry.key for entry in open_object_store(f"s3://{bucket}", access).entries("")]

    def _make_user(self, user: str, bucket: str) -> None:
        """Make a user, a bucket, and a key of the one for the other: four actions."""
        iam, resource = self._client("iam"), f"arn:aws:s3:::{bucket}"
        allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": [resource, f"{resource}/*"]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._client("s3").create_bucket(Bucket=bucket)
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="own-bucket", PolicyDocument=policy)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        self.access_of[user] = replace(
            self.access,
            access_key=key["AccessKeyId"],
            secret_key=SecretStr(key["SecretAccessKey"]),
        )

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.access.region,
            aws_access_key_id=self.access.access_key,
            aws_secret_access_key=self.access.secret_key.get_secret_value(),
        )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.endpoint}/moto-api/").is_success
        except httpx.TransportError:
            return False
