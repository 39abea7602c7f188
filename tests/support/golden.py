"""The golden archives, taken apart and put together again with faults in them."""

import io
import zipfile
from pathlib import Path

S50 = Path(__file__).parents[1] / "golden" / "s50"


def golden_files(name: str) -> dict[str, bytes]:
    """Return the content of each entry of one of s50's archives."""
    with zipfile.ZipFile(S50 / name) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()
