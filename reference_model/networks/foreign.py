"""Backbones from weights of any origin: the layout is read off the names and shapes.

Understood are ResNet-18 and -50 under torchvision's names, as torchvision, SwAV and PASS use them,
and vision transformers under the names of DINO, MAE and timm. Wrappers' prefixes are taken off.
"""

import math
from collections.abc import Mapping

from torch import Tensor

from reference_model.networks.resnet import Depth, ResNet
from reference_model.networks.vit import VisionTransformer

_PREFIXES = ("module.", "backbone.", "encoder.", "network.", "representation.", "model.")
"""In what others wrap a backbone; in any order, all names alike."""
_CHANNELS_PER_WIDTH: dict[Depth, int] = {18: 8, 50: 32}
"""Channels of the last map over those of the stem."""


class UnknownLayout(Exception):
    """The weights are of no network that is understood; the message says what was looked for."""


def backbone_of(weights: Mapping[str, Tensor]) -> ResNet | VisionTransformer:
    """The backbone that these weights belong to, with them.

    Heads and classifiers are left out; of the backbone nothing may be missing.

    Raises:
        UnknownLayout: it is neither a ResNet-18 or -50 nor a plain vision transformer.
    """
    named = _without_prefixes(weights)
    if "conv1.weight" in named:
        network: ResNet | VisionTransformer = _resnet(named)
    elif "patch_embed.proj.weight" in named:
        network = _transformer(named)
    else:
        some = ", ".join(sorted(named)[:3])
        raise UnknownLayout(
            "these weights are neither a ResNet (no conv1.weight) nor a vision transformer (no"
            f" patch_embed.proj.weight); they begin with {some}"
        )
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
    network.load_state_dict({name: named.get(name, wanted[name]) for name in wanted})
    return network


def _without_prefixes(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the backbone under their own names.

    A prefix is taken off where the stem lies below it; what lies elsewhere are heads.
    """
    named = dict(weights)
    while "conv1.weight" not in named and "patch_embed.proj.weight" not in named:
        prefix = next((p for p in _PREFIXES if any(name.startswith(p) for name in named)), None)
        if prefix is None:
            return named
        named = {n.removeprefix(prefix): t for n, t in named.items() if n.startswith(prefix)}
    return named


def _resnet(named: Mapping[str, Tensor]) -> ResNet:
    depth: Depth = 50 if "layer1.0.conv3.weight" in named else 18
    width = named["conv1.weight"].shape[0]
    deepest = named.get("layer4.1.bn2.weight" if depth == 18 else "layer4.0.bn3.weight")  # noqa: PLR2004  # ResNet-18
    if deepest is None or len(deepest) != width * _CHANNELS_PER_WIDTH[depth]:
        raise UnknownLayout(f"this looks like a ResNet, but not like a ResNet-{depth}")
    return ResNet(depth, width=width)


def _transformer(named: Mapping[str, Tensor]) -> VisionTransformer:
    embedding = named["patch_embed.proj.weight"]
    blocks = {name.split(".")[1] for name in named if name.startswith("blocks.")}
    positions = named["pos_embed"].shape[1] - 1 if "pos_embed" in named else 0
    side = math.isqrt(positions)
    if side * side != positions or side == 0:
        raise UnknownLayout(f"a position embedding of {positions} patches is not of a square")
    return VisionTransformer(
        width=embedding.shape[0], depth=len(blocks), patch=embedding.shape[-1], positions=side
    )
