"""A set that takes long enough to score to be interrupted meanwhile, and ways to look on."""

import io
import json
import zipfile
from pathlib import Path

from tests.support.stack import DECLARE, Stack

S50 = Path(__file__).parents[1] / "golden" / "s50"
COPIES = 60
"""How often the golden set is repeated, so that scoring takes long enough to be interrupted."""


def repeated(name: str, copy: int) -> str:
    folder, _, file = name.partition("/")
    return f"{folder}/copy{copy:03d}_{file}"


def make_large_set(folder: Path) -> tuple[Path, Path]:
    """Write the masks and the good archive of s50 many times over, under names of their own."""
    masks = folder / "masks"
    for mask in (S50 / "masks").rglob("*.png"):
        name = mask.relative_to(S50 / "masks").as_posix()
        for copy in range(COPIES):
            path = masks / repeated(name, copy)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mask.read_bytes())
    content = io.BytesIO()
    with zipfile.ZipFile(S50 / "good.zip") as good, zipfile.ZipFile(content, "w") as large:
        for name in good.namelist():
            for copy in range(COPIES if name.endswith(".png") else 1):
                large.writestr(
                    repeated(name, copy) if name.endswith(".png") else name, good.read(name)
                )
    archive = folder / "large.zip"
    archive.write_bytes(content.getvalue())
    return masks, archive


def submit(stack: Stack, archive: Path) -> str:
    words = ["--protocol", "fully-unsupervised", "--subset", "large", "--split", "test"]
    run = stack.luss("submit", archive, *words, *DECLARE, "--json")
    public_id: str = json.loads(run.stdout)["id"]
    return public_id


def is_scoring(stack: Stack, public_id: str) -> bool:
    body = stack.submission(public_id)
    assert body["state"] != "scored", "it was scored before it could be interrupted"
    return body["state"] == "scoring" and body["progress"]["done"] > 0
