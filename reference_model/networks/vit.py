"""A plain vision transformer, for reading features of weights that others trained.

Parameters carry the names that DINO, MAE and timm share. Images may have any size: they are cut
to whole patches, and the position embedding is stretched to them.

Source: Dosovitskiy et al., arXiv:2010.11929.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

_NORM_EPSILON = 1e-6
HEAD_WIDTH = 64
_MLP_RATIO = 4


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens_BNC: Tensor) -> Tensor:
        batch, count, width = tokens_BNC.shape
        parts = self.qkv(tokens_BNC).view(batch, count, 3, width // HEAD_WIDTH, HEAD_WIDTH)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value)
        projected: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return projected


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, _MLP_RATIO * width)
        self.fc2 = nn.Linear(_MLP_RATIO * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        widened: Tensor = self.fc2(gelu(self.fc1(tokens)))
        return widened


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self.attn = _Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self.mlp = _Mlp(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        normalised: Tensor = tokens + self.mlp(self.norm2(tokens))
        return normalised


class _PatchEmbedding(nn.Module):
    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)


class VisionTransformer(nn.Module):
    """Tokens of patches as a map.

    Args:
        width: channels of a token, a multiple of 64.
        depth: blocks.
        patch: pixels along a patch.
        positions: patches along each side of the images that it was trained on.
    """

    def __init__(self, *, width: int, depth: int, patch: int, positions: int) -> None:
        super().__init__()
        self.channels = (width,)
        self.patch_embed = _PatchEmbedding(width, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + positions**2, width))
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self._positions = positions

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """The map of the last block, as the only stage there is."""
        patches = self.patch_embed.proj(images)
        batch, width, rows, columns = patches.shape
        tokens = patches.flatten(2).transpose(1, 2) + self._stretched(rows, columns)
        first = (self.cls_token + self.pos_embed[:, :1]).expand(batch, -1, -1)
        read = self.norm(self.blocks(torch.cat([first, tokens], dim=1)))[:, 1:]
        return (read.transpose(1, 2).reshape(batch, width, rows, columns),)

    def _stretched(self, rows: int, columns: int) -> Tensor:
        side = self._positions
        square = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        if (rows, columns) != (side, side):
            square = interpolate(square, (rows, columns), mode="bicubic", align_corners=False)
        stretched: Tensor = square.flatten(2).transpose(1, 2)
        return stretched
