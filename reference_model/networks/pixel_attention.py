"""Pixel attention: where in a feature map the meaning is.

Shape letters: B images, D channels, H x W positions.
"""

import torch
from torch import Tensor, nn

from reference_model.networks.resnet import initialise


class PixelAttention(nn.Module):
    """Attention in (0, 1) for each position of a map of channel-normalised features.

    Args:
        channels: D.
        shared: one map for all channels, an ablation of the paper, instead of one for each.

    Source: Gao et al., arXiv:2106.03149, equation 6.
    """

    def __init__(self, channels: int, *, shared: bool = False) -> None:
        super().__init__()
        maps = 1 if shared else channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, maps, 1),
            nn.BatchNorm2d(maps),
        )
        initialise(self.layers)
        self.bias = nn.Parameter(torch.zeros(1, maps, 1, 1))

    def forward(self, normalised_BDHW: Tensor) -> Tensor:
        """Attention of shape (B, D or 1, H, W)."""
        attention: Tensor = self.layers(normalised_BDHW)
        return torch.sigmoid(attention + self.bias)
