"""Whatever is sent, every answer is one that the description of the API announces.

SECURITY.md names the command of the long run, against a server of one's own.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import listening
from tests.support.site import Site, site_in
from tests.support.uploads import Uploader

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,ignored_auth"
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as site:
        site.scored(30.0)
        site.scored(40.0, method="Other")
        site.submission()
        yield site


@pytest.mark.slow
def test_every_answer_is_one_that_is_described(site: Site, tmp_path: Path) -> None:
    token = site.token()
    Uploader(site.browser().client, token).sent(b"PK\x03\x04 no zip")

    with listening(site) as address:
        run = subprocess.run(
            [
                *(Path(sys.executable).with_name("schemathesis"), "run"),
                f"{address}/api/openapi.json",
                *("--header", f"Authorization: Bearer {token}"),
                *("--checks", CHECKS, "--max-examples", "5", "--generation-deterministic"),
                *("--suppress-health-check", "all", "--no-color", "--warnings", "off"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    assert run.returncode == 0, run.stdout + run.stderr
