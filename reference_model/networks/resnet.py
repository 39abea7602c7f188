"""ResNet-18 and -50 that return the map of every stage.

Parameters carry torchvision's names, so weights travel both ways. The first stage has stride 4,
each following one doubles it; a dilated last stage keeps stride 16 and looks twice as far instead.

Source: He et al., arXiv:1512.03385; the stride of a bottleneck sits in its 3x3 convolution.
"""

from typing import Literal

from torch import Tensor, nn

Depth = Literal[18, 50]
STAGES = 4
_BLOCKS: dict[Depth, tuple[int, ...]] = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
STEM_WIDTH = 64
"""Channels after the first convolution of the published networks."""


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, channels: int, width: int, *, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(channels, width, stride=stride, dilation=dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv3x3(width, width, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, width * self.expansion, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        activated: Tensor = self.relu(y + shortcut)
        return activated


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, channels: int, width: int, *, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv3x3(width, width, stride=stride, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, width * self.expansion, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        activated: Tensor = self.relu(y + shortcut)
        return activated


class ResNet(nn.Module):
    """A backbone without head.

    Args:
        depth: 18 (basic blocks) or 50 (bottlenecks).
        width: channels of the stem; 64 as published, fewer for a small machine.
        dilated: keep stride 16 in the last stage.
    """

    def __init__(self, depth: Depth, *, width: int = STEM_WIDTH, dilated: bool = False) -> None:
        super().__init__()
        block = BasicBlock if depth == min(_BLOCKS) else Bottleneck
        self.channels = tuple(width * 2**stage * block.expansion for stage in range(STAGES))
        """Channels of the four maps."""
        self.blocks = _BLOCKS[depth]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        entering = (width, *self.channels)
        for stage, count in enumerate(self.blocks):
            stays = stage == 0 or (dilated and stage == STAGES - 1)
            blocks = [
                block(
                    entering[stage] if index == 0 else self.channels[stage],
                    width * 2**stage,
                    stride=2 if index == 0 and not stays else 1,
                    dilation=2 if index > 0 and stays and stage > 0 else 1,
                )
                for index in range(count)
            ]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        initialise(self)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps of stage 1 to 4 for images of shape (B, 3, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for stage in range(1, STAGES + 1):
            x = self.get_submodule(f"layer{stage}")(x)
            maps.append(x)
        return tuple(maps)


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions and norms as published; linear layers keep torch's own."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def _conv3x3(channels: int, width: int, *, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        channels, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
    )


def _shortcut(channels: int, width: int, *, stride: int) -> nn.Sequential | None:
    if stride == 1 and channels == width:
        return None
    return nn.Sequential(
        nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
    )
