"""Backbones of any origin are recognised by names and shapes, and nothing else is."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from reference_model.engine.weights import write_weights
from reference_model.networks import foreign
from reference_model.networks.foreign import UnknownLayout, backbone_of
from reference_model.networks.resnet import Depth, ResNet
from reference_model.networks.vit import HEAD_WIDTH, VisionTransformer
from server.submissions import weights_file
from tests.support.weights import UNKNOWN_LAYOUTS, Shape

Weights = dict[str, Tensor]
PUBLISHED = {18: 11_176_512, 50: 23_508_032}
"""Parameters of torchvision's networks without their classifiers."""


@pytest.mark.parametrize("depth", [18, 50])
def test_sizes_are_those_of_torchvision(depth: Depth) -> None:
    assert sum(p.numel() for p in ResNet(depth).parameters()) == PUBLISHED[depth]


@pytest.mark.parametrize(("dilated", "side"), [(False, 2), (True, 4)])
def test_strides(dilated: bool, side: int) -> None:
    maps = ResNet(18, width=4, dilated=dilated)(torch.zeros(1, 3, 64, 64))

    assert [m.shape[-1] for m in maps] == [16, 8, 4, side]
    assert [m.shape[1] for m in maps] == [4, 8, 16, 32]


@pytest.mark.parametrize("prefix", ["", "module.", "module.backbone.", "model.encoder."])
@pytest.mark.parametrize("depth", [18, 50])
def test_resnets_are_found_below_prefixes_and_beside_heads(depth: Depth, prefix: str) -> None:
    network = ResNet(depth, width=8).eval()
    weights = {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}
    weights |= {f"{prefix}fc.weight": torch.zeros(10, 4), "projector.0.weight": torch.zeros(2)}
    images = torch.randn(1, 3, 40, 40)

    found = backbone_of(weights).eval()

    torch.testing.assert_close(found(images)[-1], network(images)[-1])


def test_transformers_are_found_and_take_images_of_any_size() -> None:
    network = VisionTransformer(width=64, depth=2, patch=8, positions=4)
    nn.init.normal_(network.pos_embed)

    found = backbone_of(network.state_dict())

    for height, width in ((32, 32), (41, 60)):
        images = torch.randn(1, 3, height, width)
        (read,) = found(images)
        assert read.shape == (1, 64, height // 8, width // 8)
        torch.testing.assert_close(read, network(images)[0])


def test_attention_of_the_transformer_agrees_with_its_definition() -> None:
    """One head by hand: softmax of scaled products, then values, then the projection."""
    torch.manual_seed(0)
    block = VisionTransformer(width=64, depth=1, patch=8, positions=2).blocks[0].attn
    tokens = torch.randn(1, 5, 64)

    query, key, value = block.qkv(tokens)[0].split(64, dim=1)
    wanted = block.proj((query @ key.T / 8).softmax(dim=1) @ value)

    torch.testing.assert_close(block(tokens)[0], wanted)


def drop_one(weights: Weights) -> Weights:
    return {name: tensor for name, tensor in weights.items() if name != "layer3.0.conv2.weight"}


def narrow_one(weights: Weights) -> Weights:
    return {**weights, "layer1.0.conv1.weight": torch.zeros(1, 1, 3, 3)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop_one, "1 tensors of the backbone are missing, the first is layer3.0.conv2.weight"),
        (narrow_one, r"layer1.0.conv1.weight has shape \(1, 1, 3, 3\), expected \(4, 4, 3, 3\)"),
        (lambda _: {"head.weight": torch.zeros(1)}, "neither a ResNet"),
        (lambda w: {"conv1.weight": w["conv1.weight"]}, "not like a ResNet-18"),
    ],
)
def test_other_weights_are_refused(change: Callable[[Weights], Weights], sentence: str) -> None:
    weights = change(ResNet(18, width=4).state_dict())

    with pytest.raises(UnknownLayout, match=sentence):
        backbone_of(weights)


@pytest.mark.parametrize("shapes", UNKNOWN_LAYOUTS.values(), ids=UNKNOWN_LAYOUTS)
def test_what_the_site_refuses_cannot_be_run(shapes: dict[str, Shape]) -> None:
    with pytest.raises(UnknownLayout):
        backbone_of({name: torch.zeros(shape) for name, shape in shapes.items()})


@pytest.mark.parametrize(
    "network",
    [
        ResNet(18, width=4),
        ResNet(50, width=4),
        VisionTransformer(width=64, depth=1, patch=4, positions=2),
    ],
    ids=["ResNet-18", "ResNet-50", "ViT"],
)
def test_what_can_be_run_the_site_takes(network: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write_weights(path, network.state_dict(), made="here")

    with path.open("rb") as file:
        weights_file.check(file, size_bytes=path.stat().st_size)
    backbone_of(network.state_dict())


def test_the_site_and_this_model_know_the_same() -> None:
    assert weights_file.PREFIXES == foreign.PREFIXES
    assert weights_file.SMALLEST_PATCH == foreign.SMALLEST_PATCH
    assert weights_file.HEAD_WIDTH == HEAD_WIDTH


def test_what_a_stem_claims_is_not_made_before_the_file_fills_it() -> None:
    """A network of these channels would take a thousand times the memory of any machine."""
    width = 2**20
    claimed = {
        "patch_embed.proj.weight": torch.empty(1).expand(width, 3, 4, 4),
        "pos_embed": torch.empty(1).expand(1, 5, width),
        "blocks.0.norm1.weight": torch.empty(1),
    }

    with pytest.raises(UnknownLayout, match="tensors of the backbone are missing"):
        backbone_of(claimed)
