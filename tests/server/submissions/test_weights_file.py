"""What is read of a file of weights before anybody runs it: its header, and nothing behind it."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from server.errors import WeightsLayoutUnknown, WeightsUnreadable
from server.submissions import weights_file
from tests.support.weights import (
    RESNET18,
    UNKNOWN_LAYOUTS,
    Shape,
    header_of,
    resnet18,
    resnet50,
    safetensors,
    transformer,
    written,
)

DATA_BYTES = 4 * (4 * 3 * 7 * 7 + 32)


def check(content: bytes) -> None:
    weights_file.check(io.BytesIO(content), size_bytes=len(content))


def prefixed(prefix: str, shapes: dict[str, Shape]) -> dict[str, Shape]:
    return {f"{prefix}{name}": shape for name, shape in shapes.items()}


@pytest.mark.parametrize(
    "shapes",
    [
        resnet18(),
        resnet50(),
        transformer(),
        transformer(width=384, patch=16, side=14),
        prefixed("module.", resnet18()) | {"projector.weight": (2, 2)},
        prefixed("model.encoder.", transformer()) | {"head.weight": (3,)},
    ],
    ids=["ResNet-18", "ResNet-50", "ViT", "ViT-S/16", "below a prefix", "below two"],
)
def test_backbones_that_can_be_run_are_taken(shapes: dict[str, Shape]) -> None:
    check(safetensors(shapes))


def test_half_precision_and_counters_are_taken() -> None:
    header = header_of(resnet18())
    for facts in (header["conv1.weight"], header["layer4.1.bn2.weight"]):
        facts["dtype"] = "F16"
        facts["data_offsets"] = [offset // 2 for offset in facts["data_offsets"]]
    end = DATA_BYTES // 2
    header["bn1.num_batches_tracked"] = {
        "dtype": "I64",
        "shape": [],
        "data_offsets": [end, end + 8],
    }

    check(written(header, data_bytes=end + 8))


def test_a_header_whose_length_looks_like_a_pickle_is_one_all_the_same() -> None:
    header = header_of(resnet18())
    header["__metadata__"]["padding"] = ""
    while (len(written(header, data_bytes=0)) - 8) % 256 != 0x80:
        header["__metadata__"]["padding"] += "x"

    check(written(header, data_bytes=DATA_BYTES))


class Unread(io.BytesIO):
    """A file that counts what is read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.taken += len(content)
        return content


def test_nothing_behind_the_header_is_read() -> None:
    content = safetensors(resnet18(width=256))
    file = Unread(content)

    weights_file.check(file, size_bytes=len(content))

    assert file.taken < 1000 < len(content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1234567", "does not begin with the length"),
        (b"PK\x03\x04" + bytes(100), "PyTorch checkpoint"),
        (b"\x80\x02}q\x00." + b"x" * 100, "PyTorch checkpoint"),
        ((10**9).to_bytes(8, "little") + b"{}", "does not begin with the length"),
        (b"\x04" + bytes(7) + b"{{{{", "header is not JSON"),
        (b"\x05" + bytes(7) + b"[1,2]", "no JSON object"),
        (b"\x02" + bytes(7) + b"\xff\xfe", "header is not JSON"),
        (RESNET18[:-1], "follow the header"),
        (RESNET18 + b"0", "follow the header"),
    ],
)
def test_what_is_no_safetensors_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(WeightsUnreadable, match=sentence) as refused:
        check(content)

    assert refused.value.code == "weights_unreadable"


def test_a_header_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_file, "LARGEST_HEADER_BYTES", 50)

    with pytest.raises(WeightsUnreadable, match="more than 50 bytes"):
        check(RESNET18)


def changed(**facts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header["conv1.weight"].update(facts)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda header: header.update({"conv1.weight": 5}), "no dtype, shape and data_offsets"),
        (changed(dtype="F4"), "unknown dtype 'F4'"),
        (changed(dtype=7), "no dtype, shape"),
        (changed(shape=[4, 3, 7, 8]), "does not fit its data_offsets"),
        (changed(shape=[-4, 3, 7, 7]), "out of range"),
        (changed(shape=[4.0, 3, 7, 7]), "out of range"),
        (changed(shape=[True, 3, 7, 7]), "out of range"),
        (changed(shape=[2**60] * 4), "out of range"),
        (changed(shape=[1] * 100_000), "out of range"),
        (changed(data_offsets=[8, 2360]), "a gap or an overlap"),
        (changed(data_offsets=[0]), "no dtype, shape"),
        (lambda header: header.pop("conv1.weight"), "a gap or an overlap"),
        (
            lambda header: header.update({str(n): header["conv1.weight"] for n in range(20_001)}),
            "more than 20000 tensors",
        ),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(
    change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    header = header_of(resnet18())
    change(header)

    with pytest.raises(WeightsUnreadable, match=sentence):
        check(written(header, data_bytes=DATA_BYTES))


@pytest.mark.parametrize("shapes", UNKNOWN_LAYOUTS.values(), ids=UNKNOWN_LAYOUTS)
def test_other_layouts_are_refused_with_those_that_are_known(shapes: dict[str, Shape]) -> None:
    with pytest.raises(WeightsLayoutUnknown, match="Known are ResNet-18 and ResNet-50"):
        check(safetensors(shapes))
