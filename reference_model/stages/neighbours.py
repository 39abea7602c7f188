"""A weighted vote of nearest neighbours: how distance matching labels a pixel.

Shape letters: Q queries, M memories, D channels, L labels.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


@torch.inference_mode()
def vote(
    queries_QD: Tensor,
    bank_MD: Tensor,
    labels_M: Tensor,
    *,
    classes: int,
    neighbours: int = 10,
    temperature: float = 0.07,
) -> Tensor:
    """The label of each query, shape (Q,).

    Each of the nearest memories by cosine votes for its label with weight
    exp(cosine / temperature).

    Args:
        queries_QD: any length; normalised here, like the bank.
        labels_M: in [0, classes).
        neighbours: how many vote; all of the bank if it holds fewer.
    """
    bank_MD = normalize(bank_MD, dim=1)
    return vote_normalised(
        normalize(queries_QD, dim=1),
        bank_MD,
        labels_M,
        classes=classes,
        neighbours=neighbours,
        temperature=temperature,
    )


def vote_normalised(
    queries_QD: Tensor,
    bank_MD: Tensor,
    labels_M: Tensor,
    *,
    classes: int,
    neighbours: int,
    temperature: float,
) -> Tensor:
    """As `vote`, of vectors that have length 1 already."""
    similar, nearest = (queries_QD @ bank_MD.T).topk(min(neighbours, len(bank_MD)), dim=1)
    # Cosines are below 1: the shift keeps every weight finite and changes no winner.
    weights = ((similar - 1) / temperature).exp()
    votes = weights.new_zeros(len(queries_QD), classes)
    return votes.scatter_add_(1, labels_M[nearest], weights).argmax(dim=1)
