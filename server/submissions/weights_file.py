"""What a file of weights says of itself: a safetensors header, of a backbone that can be run.

Read are the header alone, its names and its numbers; no tensor is. The header is compared with the
file's size, and its names with the stems of the networks that the reference model knows
(reference_model/networks/foreign.py, which a test holds this equal to). What only a look at every
tensor shows is found out by the worker.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from server import strict_json
from server.errors import WeightsLayoutUnknown, WeightsUnreadable

LAYOUTS = (
    "Known are ResNet-18 and ResNet-50 as torchvision names their tensors (conv1.weight, layer1 to "
    "layer4), and plain vision transformers as timm does (patch_embed.proj.weight, pos_embed, "
    "blocks)."
)
LARGEST_HEADER_BYTES = 16 * 1024**2
MOST_TENSORS = 20_000
MOST_DIMENSIONS = 8
LARGEST_SIDE = 2**40
SMALLEST_PATCH, HEAD_WIDTH = 4, 64
PREFIXES = ("module.", "backbone.", "encoder.", "network.", "representation.", "model.")
_LENGTH_BYTES = 8
_OTHERS = (b"PK\x03\x04", b"\x80")
"""How zips and pickles begin, which is what checkpoints of PyTorch are."""
_LONGEST_NAME = 80
_METADATA = "__metadata__"
_BYTES_OF_DTYPE: Mapping[str, int] = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
}
_RESNET_STEM, _TRANSFORMER_STEM = "conv1.weight", "patch_embed.proj.weight"

_DEEPEST = {18: ("layer4.1.bn2.weight", 8), 50: ("layer4.0.bn3.weight", 32)}
"""By depth, a norm of the last stage, and its channels over those of the stem."""

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Tensor:
    shape: Shape
    begin: int
    end: int


def check(file: BinaryIO, *, size_bytes: int) -> None:
    """Refuse what no model worker could run.

    Raises:
        WeightsUnreadable: no safetensors, or a header that does not fit the file.
        WeightsLayoutUnknown: of no backbone that is known here.
    """
    tensors = _header(file, size_bytes=size_bytes)
    _check_layout({name: tensor.shape for name, tensor in tensors.items()})


def _header(file: BinaryIO, *, size_bytes: int) -> dict[str, _Tensor]:
    file.seek(0)
    opening = file.read(_LENGTH_BYTES)
    length = int.from_bytes(opening, "little")
    fits = len(opening) == _LENGTH_BYTES and length <= size_bytes - _LENGTH_BYTES
    if not fits and opening.startswith(_OTHERS):
        raise WeightsUnreadable(
            "This is a PyTorch checkpoint (.pth, .pt) or a zip, and not safetensors. Other formats "
            "can run code when they are read, and are not opened: convert it where you trust it, "
            "with safetensors.torch.save_file."
        )
    if not fits:
        raise _broken("it does not begin with the length of a header")
    if length > LARGEST_HEADER_BYTES:
        raise _broken(f"its header has more than {LARGEST_HEADER_BYTES} bytes")
    try:
        said = strict_json.read(file.read(length))
    except ValueError as reason:
        raise _broken(f"its header is not JSON ({str(reason)[:_LONGEST_NAME]})") from reason
    if not isinstance(said, dict):
        raise _broken("its header is no JSON object")
    if len(said) > MOST_TENSORS:
        raise _broken(f"it has more than {MOST_TENSORS} tensors")
    tensors = {name: _tensor(name, facts) for name, facts in said.items() if name != _METADATA}
    _check_data(tensors, size_bytes - _LENGTH_BYTES - length)
    return tensors


def _tensor(name: str, facts: Any) -> _Tensor:
    """Read what the header says of one tensor."""
    match facts:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]}:
            numbers = (*shape, begin, end)
        case _:
            raise _broken(f"{_printable(name)} has no dtype, shape and data_offsets")
    if dtype not in _BYTES_OF_DTYPE:
        raise _broken(f"{_printable(name)} has the unknown dtype {_printable(dtype)}")
    if len(shape) > MOST_DIMENSIONS or any(
        type(number) is not int or not 0 <= number <= LARGEST_SIDE for number in numbers
    ):
        raise _broken(f"shape or data_offsets of {_printable(name)} are out of range")
    if end - begin != math.prod(shape) * _BYTES_OF_DTYPE[dtype]:
        raise _broken(f"the shape of {_printable(name)} does not fit its data_offsets")
    return _Tensor(tuple(shape), begin, end)


def _check_data(tensors: Mapping[str, _Tensor], data_bytes: int) -> None:
    """Refuse a header whose tensors do not fill the rest of the file, one after the other."""
    reached = 0
    for name, tensor in sorted(tensors.items(), key=lambda each: (each[1].begin, each[1].end)):
        if tensor.begin != reached:
            raise _broken(f"there is a gap or an overlap before {_printable(name)}")
        reached = tensor.end
    if reached != data_bytes:
        raise _broken(f"its tensors have {reached} bytes, and {data_bytes} follow the header")


def _check_layout(shapes: Mapping[str, Shape]) -> None:
    named = _without_prefixes(shapes)
    if _RESNET_STEM in named:
        _check_resnet(named)
    elif _TRANSFORMER_STEM in named:
        _check_transformer(named)
    else:
        some = ", ".join(_printable(name) for name in sorted(shapes)[:3]) or "nothing"
        raise _unknown(
            f"There is neither {_RESNET_STEM} nor {_TRANSFORMER_STEM}, also below the prefixes of "
            f"wrappers; there is {some}."
        )


def _without_prefixes(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Take off what others wrap a backbone in, where the stem lies below it."""
    named = dict(shapes)
    while _RESNET_STEM not in named and _TRANSFORMER_STEM not in named:
        prefix = next((p for p in PREFIXES if any(name.startswith(p) for name in named)), None)
        if prefix is None:
            return named
        named = {n.removeprefix(prefix): s for n, s in named.items() if n.startswith(prefix)}
    return named


def _check_resnet(named: Mapping[str, Shape]) -> None:
    width = _stem_width(named[_RESNET_STEM])
    depth = 50 if "layer1.0.conv3.weight" in named else 18
    name, factor = _DEEPEST[depth]
    if named.get(name) != (width * factor,):
        raise _unknown(
            f"This looks like a ResNet with a stem of {width} channels, but not like a "
            f"ResNet-{depth}: {name} should have the shape ({width * factor},)."
        )


def _check_transformer(named: Mapping[str, Shape]) -> None:
    stem = named[_TRANSFORMER_STEM]
    width, patch = _stem_width(stem), stem[-1]
    if width % HEAD_WIDTH or patch < SMALLEST_PATCH:
        raise _unknown(
            f"This looks like a vision transformer with {width} channels and patches of {patch} "
            f"pixels; the channels should be a multiple of {HEAD_WIDTH}, the pixels at least "
            f"{SMALLEST_PATCH}."
        )
    match named.get("pos_embed"):
        case (1, tokens, channels) if channels == width and _is_square(tokens - 1):
            pass
        case other:
            raise _unknown(
                f"This looks like a vision transformer, but its pos_embed has the shape {other}; "
                f"expected (1, 1 + a square number, {width})."
            )
    if "blocks.0.attn.qkv.weight" not in named:
        raise _unknown("This looks like a vision transformer without blocks.0.attn.qkv.weight.")


def _stem_width(kernel: Shape) -> int:
    if len(kernel) != 4 or 0 in kernel:  # noqa: PLR2004  # a kernel of two dimensions
        raise _unknown(f"Its first convolution has the shape {kernel}.")
    return kernel[0]


def _is_square(number: int) -> bool:
    return number > 0 and math.isqrt(number) ** 2 == number


def _printable(name: str) -> str:
    return ascii(name[:_LONGEST_NAME])


def _broken(what: str) -> WeightsUnreadable:
    return WeightsUnreadable(f"This is no whole safetensors file: {what}.")


def _unknown(what: str) -> WeightsLayoutUnknown:
    return WeightsLayoutUnknown(f"{what} {LAYOUTS}")
