"""Backbones from weights of any origin: the layout is read off the names and shapes.

Understood are ResNet-18 and -50 under torchvision's names, as torchvision, SwAV and PASS use them,
and vision transformers under the names of DINO, MAE and timm. Wrappers' prefixes are taken off.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from reference_model.networks.resnet import Depth, ResNet
from reference_model.networks.vit import HEAD_WIDTH, VisionTransformer

PREFIXES = ("module.", "backbone.", "encoder.", "network.", "representation.", "model.")
"""In what others wrap a backbone; in any order, all names alike."""
_CHANNELS_PER_WIDTH: dict[Depth, int] = {18: 8, 50: 32}
"""Channels of the last map over those of the stem."""
SMALLEST_PATCH = 4
"""Pixels along a patch: smaller ones make more tokens of an image than attention can take."""


class UnknownLayout(Exception):
    """The weights are of no network that is understood; the message says what was looked for."""


def backbone_of(weights: Mapping[str, Tensor]) -> ResNet | VisionTransformer:
    """The backbone that these weights belong to, with them.

    Heads and classifiers are left out; of the backbone nothing may be missing.

    Raises:
        UnknownLayout: it is neither a ResNet-18 or -50 nor a plain vision transformer.
    """
    named = _without_prefixes(weights)
    with torch.device("meta"):  # a stem can claim any width: nothing is made before it is filled
        network = _claimed(named)
    wanted = network.state_dict()
    missing = sorted(name for name in wanted if name not in named and "num_batches" not in name)
    if missing:
        raise UnknownLayout(
            f"{len(missing)} tensors of the backbone are missing, the first is {missing[0]}"
        )
    unlike = [n for n in wanted if n in named and named[n].shape != wanted[n].shape]
    if unlike:
        name = unlike[0]
        raise UnknownLayout(
            f"{name} has shape {tuple(named[name].shape)}, expected {tuple(wanted[name].shape)}"
        )
    network.to_empty(device="cpu")
    counts = {n: torch.zeros(t.shape, dtype=t.dtype) for n, t in wanted.items() if n not in named}
    network.load_state_dict({name: named.get(name, counts.get(name)) for name in wanted})
    return network


def _claimed(named: Mapping[str, Tensor]) -> ResNet | VisionTransformer:
    """The network that the stem and what lies deepest speak of."""
    if "conv1.weight" in named:
        return _resnet(named)
    if "patch_embed.proj.weight" in named:
        return _transformer(named)
    some = ", ".join(sorted(named)[:3])
    raise UnknownLayout(
        "these weights are neither a ResNet (no conv1.weight) nor a vision transformer (no"
        f" patch_embed.proj.weight); they begin with {some}"
    )


def _without_prefixes(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the backbone under their own names.

    A prefix is taken off where the stem lies below it; what lies elsewhere are heads.
    """
    named = dict(weights)
    while "conv1.weight" not in named and "patch_embed.proj.weight" not in named:
        prefix = next((p for p in PREFIXES if any(name.startswith(p) for name in named)), None)
        if prefix is None:
            return named
        named = {n.removeprefix(prefix): t for n, t in named.items() if n.startswith(prefix)}
    return named


def _resnet(named: Mapping[str, Tensor]) -> ResNet:
    depth: Depth = 50 if "layer1.0.conv3.weight" in named else 18
    width = _stem_width(named["conv1.weight"])
    deepest = named.get("layer4.1.bn2.weight" if depth == 18 else "layer4.0.bn3.weight")  # noqa: PLR2004  # ResNet-18
    if deepest is None or deepest.shape != (width * _CHANNELS_PER_WIDTH[depth],):
        raise UnknownLayout(f"this looks like a ResNet, but not like a ResNet-{depth}")
    return ResNet(depth, width=width)


def _transformer(named: Mapping[str, Tensor]) -> VisionTransformer:
    embedding = named["patch_embed.proj.weight"]
    width, patch = _stem_width(embedding), embedding.shape[-1]
    if width % HEAD_WIDTH or patch < SMALLEST_PATCH:
        raise UnknownLayout(
            f"tokens of {width} channels from patches of {patch} pixels; a vision transformer has a"
            f" multiple of {HEAD_WIDTH} channels and patches of at least {SMALLEST_PATCH} pixels"
        )
    blocks = {name.split(".")[1] for name in named if name.startswith("blocks.")}
    embedded = named.get("pos_embed")
    positions = 0 if embedded is None or embedded.dim() != 3 else max(0, embedded.shape[1] - 1)  # noqa: PLR2004  # (1, tokens, channels)
    side = math.isqrt(positions)
    if side * side != positions or side == 0:
        raise UnknownLayout(f"a position embedding of {positions} patches is not of a square")
    return VisionTransformer(width=width, depth=len(blocks), patch=patch, positions=side)


def _stem_width(kernel: Tensor) -> int:
    """Channels that the first convolution makes."""
    if kernel.dim() != 4 or not kernel.numel():  # noqa: PLR2004  # a kernel of two dimensions
        raise UnknownLayout(f"the first convolution has shape {tuple(kernel.shape)}")
    return kernel.shape[0]
