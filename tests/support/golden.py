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


def repeated_set(folder: Path, *, copies: int) -> tuple[Path, Path]:
    """Write the masks and the good archive of s50 many times over; return both paths.

    Every copy of an image has a name of its own, so the set has 60 images for each of the copies.
    """
    masks = folder / "masks"
    for mask in (S50 / "masks").rglob("*.png"):
        name = mask.relative_to(S50 / "masks").as_posix()
        for copy in range(copies):
            path = masks / _copy_of(name, copy)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mask.read_bytes())
    files = golden_files("good.zip")
    large = {name: data for name, data in files.items() if not name.endswith(".png")}
    for name, data in files.items():
        if name.endswith(".png"):
            large |= {_copy_of(name, copy): data for copy in range(copies)}
    archive = folder / "large.zip"
    archive.write_bytes(zipped(large))
    return masks, archive


def _copy_of(name: str, copy: int) -> str:
    folder, _, file = name.partition("/")
    return f"{folder}/copy{copy:03d}_{file}"
