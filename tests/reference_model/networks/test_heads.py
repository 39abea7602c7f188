import pytest
import torch
from torch import nn

from reference_model.networks.heads import PlainBatchNorm2d, pooled


def test_the_gradient_of_pooling_is_laid_out_like_the_map() -> None:
    maps = torch.randn(2, 8, 5, 3).to(memory_format=torch.channels_last).requires_grad_()
    pooled(maps * 1).square().sum().backward()
    assert maps.grad is not None
    assert maps.grad.is_contiguous(memory_format=torch.channels_last)
    wanted = 2 * maps.detach().mean(dim=(2, 3), keepdim=True) / 15
    torch.testing.assert_close(maps.grad, wanted.expand_as(maps))


@pytest.mark.parametrize("training", [True, False])
def test_the_plain_norm_is_torchs_without_scale_and_shift(training: bool) -> None:
    ours, torchs = PlainBatchNorm2d(4), nn.BatchNorm2d(4, affine=False)
    maps = [torch.randn(3, 4, 5, 5).requires_grad_() for _ in range(2)]
    maps[1].data.copy_(maps[0].data)
    results = []
    for norm, each in zip((ours, torchs), maps, strict=True):
        norm.train()(torch.arange(300.0).reshape(3, 4, 5, 5))
        results.append(norm.train(training)(each))
        results[-1].pow(3).sum().backward()
    torch.testing.assert_close(*results)
    torch.testing.assert_close(maps[0].grad, maps[1].grad)
    assert ours.state_dict().keys() == torchs.state_dict().keys()
    assert not list(ours.parameters())
