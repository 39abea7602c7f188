"""Files of weights without torch: headers of any kind, zeros behind them."""

import json
import math
from collections.abc import Mapping
from typing import Any

Shape = tuple[int, ...]
WIDTH = 4


def resnet18(width: int = WIDTH) -> dict[str, Shape]:
    """Return names and shapes of what tells a ResNet-18: its stem, and a norm of its last stage."""
    return {"conv1.weight": (width, 3, 7, 7), "layer4.1.bn2.weight": (8 * width,)}


def resnet50(width: int = WIDTH) -> dict[str, Shape]:
    return {
        "conv1.weight": (width, 3, 7, 7),
        "layer1.0.conv3.weight": (4 * width, width, 1, 1),
        "layer4.0.bn3.weight": (32 * width,),
    }


def transformer(*, width: int = 64, patch: int = 8, side: int = 4) -> dict[str, Shape]:
    return {
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "pos_embed": (1, 1 + side**2, width),
        "blocks.0.attn.qkv.weight": (3 * width, width),
    }


def header_of(shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """Return a header of 32-bit tensors that lie one after the other."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    reached = 0
    for name, shape in shapes.items():
        end = reached + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [reached, end]}
        reached = end
    return header


def written(header: Any, *, data_bytes: int) -> bytes:
    """Return a file with a header and so many zeros."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data_bytes)


def safetensors(shapes: Mapping[str, Shape]) -> bytes:
    """Return a whole file with tensors of these shapes, all of them zero."""
    data_bytes = sum(4 * math.prod(shape) for shape in shapes.values())
    return written(header_of(shapes), data_bytes=data_bytes)


RESNET18 = safetensors(resnet18())
UNKNOWN_LAYOUTS: dict[str, dict[str, Shape]] = {
    "nothing at all": {},
    "another network": {"features.0.weight": (4, 3, 3, 3)},
    "a stem alone": {"conv1.weight": (4, 3, 7, 7)},
    "a stem of another width": resnet18() | {"conv1.weight": (8, 3, 7, 7)},
    "a stem of no dimension": resnet18() | {"conv1.weight": ()},
    "an empty stem": resnet18(width=0),
    "a deeper one's end": resnet18() | {"layer1.0.conv3.weight": (16, 4, 1, 1)},
    "channels for no head": transformer(width=80),
    "tiny patches": transformer(patch=2),
    "positions of no square": transformer() | {"pos_embed": (1, 12, 64)},
    "no positions": {name: s for name, s in transformer().items() if name != "pos_embed"},
    "positions of another width": transformer() | {"pos_embed": (1, 17, 32)},
    "no blocks": {name: s for name, s in transformer().items() if "blocks" not in name},
}
"""Names and shapes that are of no network that is known."""
