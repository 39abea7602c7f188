"""Balanced soft assignment of embeddings to prototypes.

Shape letters in this package: B images or embeddings of this process, K prototypes, D channels,
H x W positions of a map, N sampled positions.
"""

import torch
import torch.distributed as dist
from torch import Tensor


@torch.no_grad()
def sinkhorn(scores_BK: Tensor, *, temperature: float, iterations: int) -> Tensor:
    """Assign each embedding to the prototypes so that every prototype is used equally.

    Under torchrun the balance is over the embeddings of all ranks, which must bring equally many.

    Args:
        scores_BK: cosine similarities, in [-1, 1].
        temperature: smaller is harder; 0.05 in the paper.
        iterations: how often prototypes, then embeddings, are normalised, at least 1.

    Returns:
        Soft assignments of shape (B, K), float32. Each row sums to 1; each column sums to B / K
        only in the limit of many iterations.

    Source: Caron et al., SwAV, arXiv:2006.09882, listing 1.
    """
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}")
    scores_BK = scores_BK.float()
    # One constant for all ranks: it cancels out, and exp cannot overflow.
    largest = _over_ranks(scores_BK.max(), dist.ReduceOp.MAX)
    plan_BK = (scores_BK - largest).div_(temperature).exp_()
    # What rows and columns are to be multiplied by; the plan itself is touched once, at the end.
    rows_B = plan_BK.new_ones(len(plan_BK))
    share = len(plan_BK) / plan_BK.shape[1]  # what a column may hold; 1 would let factors drift
    for _ in range(iterations):
        columns_K = share / _over_ranks(rows_B @ plan_BK, dist.ReduceOp.SUM)
        rows_B = 1 / (plan_BK @ columns_K)
    return plan_BK.mul_(columns_K).mul_(rows_B[:, None])


def _over_ranks(value: Tensor, operation: dist.ReduceOp.RedOpType) -> Tensor:
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(value, op=operation)
    return value
