"""What must not get in: broken and hostile archives, and bytes from strangers."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from evaluator import encode_mask
from tests.support.archives import ten_gigabytes
from tests.support.database import NO_TO_ALL
from tests.support.golden import golden_files, zipped
from tests.support.stack import Stack

pytestmark = pytest.mark.slow
FIELDS = {
    "protocol": "free",
    "subset": "50",
    "split": "test",
    "declarations": json.dumps(NO_TO_ALL),
    "method_name": "Broken",
}


def post(stack: Stack, content: bytes, *, token: str | None = None) -> httpx.Response:
    return httpx.post(
        f"{stack.url}/api/v1/submissions",
        data=FIELDS,
        files={"archive": ("entry.zip", content)},
        headers={"Authorization": f"Bearer {token or stack.token}"},
        timeout=60,
    )


def rejected(stack: Stack, content: bytes) -> tuple[Any, list[dict[str, Any]]]:
    """Submit, wait for the refusal, and see that nothing but row and findings is left."""
    before = stack.files("store")
    answer = post(stack, content)
    assert answer.status_code == 201, answer.text
    body = stack.final(answer.json()["id"], seconds=20)

    assert body["state"] == "rejected", body
    assert body["scores"] is None
    assert stack.files("store") == before
    assert stack.files("staging") == []
    board = stack.get("/api/v1/boards/free/50/test")
    assert not [row for row in board["rows"] if row["kind"] == "verified"]
    return body, [each for each in body["findings"] if each["severity"] == "error"]


def palette_png(height: int, width: int) -> bytes:
    content = io.BytesIO()
    Image.new("P", (width, height)).save(content, "PNG")
    return content.getvalue()


def test_each_fault_names_its_file_and_what_to_do(stack: Stack) -> None:
    files = golden_files("good.zip")
    missing, small, palette = [name for name in files if name.endswith(".png")][:3]
    del files[missing]
    files[small] = encode_mask(np.zeros((3, 5), np.uint16))
    height, width = stack.get("/api/v1/datasets/50/test/manifest")[palette]
    files[palette] = palette_png(height, width)

    _, errors = rejected(stack, zipped(files))

    found = {each["code"]: each for each in errors}
    assert found["image_missing"]["file"] == missing
    assert found["wrong_size"]["file"] == small
    assert found["wrong_colour"]["file"] == palette
    for each in errors:
        assert each["file"] in each["message"]
        assert each["expected"] or each["code"] == "image_missing"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"this is not a zip", "not_a_zip"),
        (ten_gigabytes(), "archive_too_large"),
        (zipped({"../../etc/passwd": b"x", **golden_files("good.zip")}), "unsafe_name"),
    ],
    ids=["no zip", "declares 10 GB", "traversal"],
)
def test_hostile_archives_are_refused_in_seconds_with_memory_flat(
    stack: Stack, content: bytes, code: str
) -> None:
    before, begin = resident_bytes(stack), time.monotonic()

    _, errors = rejected(stack, content)

    assert code in {each["code"] for each in errors}
    assert time.monotonic() - begin < 10
    assert resident_bytes(stack) - before < 100 * 2**20


def resident_bytes(stack: Stack) -> int:
    """Return the memory of the worker's processes together."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in stack.workers()]
    return sum(pages) * 4096


def test_400_mb_with_a_wrong_token_leave_nothing_on_the_disk(stack: Stack) -> None:
    size = 400 * 10**6
    boundary = "b" * 20
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in FIELDS.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="archive"; filename="a.zip"\r\n\r\n'
    )

    def body() -> Iterator[bytes]:
        yield head.encode()
        for _ in range(size // 10**6):
            yield bytes(10**6)
        yield f"\r\n--{boundary}--\r\n".encode()

    before = {folder: stack.files(folder) for folder in ("store", "staging")}
    answer = httpx.post(
        f"{stack.url}/api/v1/submissions",
        content=body(),
        headers={
            "Authorization": "Bearer luss_wrong",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        },
        timeout=60,
    )

    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    assert {folder: stack.files(folder) for folder in ("store", "staging")} == before
