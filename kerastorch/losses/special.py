"""Losses for label sequences without alignment, for embeddings and for labels that may be wrong."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.losses.base import LossFunctionWrapper, Reduction, of_whole_batch
from kerastorch.losses.weighting import as_tensors


def ctc(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`-log` of the probability of a label sequence under all its alignments (doi:10.1145/1143844.1143891).

    Labels (batch, length) end with zeros, as class 0 is the blank; logits are (batch, steps, classes).
    Raises ValueError for other shapes.

    >>> ctc(torch.tensor([[1]]), torch.zeros(1, 1, 2))
    tensor([0.6931])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    if y_true.dim() != 2 or y_pred.dim() != 3:
        raise ValueError(
            "ctc: expected labels of shape (batch, length) and logits of shape (batch, steps, classes); received "
            f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}. Pad the labels with zeros."
        )
    batch, steps = y_pred.shape[:2]
    logarithms = torch.log_softmax(y_pred, -1).transpose(0, 1)
    lengths = (y_true != 0).sum(-1)
    # both lengths on one device, or torch refuses them
    steps_of_each = torch.full((batch,), steps, dtype=torch.long, device=y_true.device)
    return F.ctc_loss(logarithms, y_true.long(), steps_of_each, lengths, reduction="none")


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> torch.Tensor:
    """`(1 - y_pred[y_true] ** q) / q`: forgives wrong labels the more, the nearer q is to 1 (arXiv:1805.07836).

    Class indices (batch,) or (batch, 1), probabilities (batch, classes).

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)
    tensor([1.])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    if y_true.dim() < y_pred.dim():
        y_true = y_true.unsqueeze(-1)
    return (1.0 - y_pred.gather(-1, y_true.long()).squeeze(-1) ** q) / q


@of_whole_batch
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> torch.Tensor:
    """Draws embeddings (batch, units) of norm 1 together within a class and apart between classes (arXiv:2002.10857).

    Each is compared with `ref_embeddings` of classes `ref_labels`, by default with the batch itself but for the
    pairs of a sample with itself (`remove_diagonal`).

    >>> circle([0, 0, 1], torch.eye(3))
    tensor([54.4000, 54.4000,  0.0000])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    labels = y_true.flatten()
    others = labels if ref_labels is None else torch.as_tensor(ref_labels, device=labels.device).flatten()
    embeddings = y_pred if ref_embeddings is None else torch.as_tensor(ref_embeddings, device=y_pred.device)
    distance = torch.relu(1.0 - y_pred @ embeddings.to(y_pred.dtype).T)
    same = labels[:, None] == others[None, :]
    different = ~same
    if remove_diagonal:
        itself = torch.eye(len(labels), len(others), dtype=torch.bool, device=labels.device)
        same = same & ~itself
    pull = -gamma * torch.relu(margin + distance) * (margin - distance)
    push = gamma * torch.relu(1.0 + margin - distance) * (1.0 - margin - distance)
    without = -torch.inf
    positive = torch.logsumexp(pull.masked_fill(~same, without), 1)
    negative = torch.logsumexp(push.masked_fill(~different, without), 1)
    values = F.softplus(positive + negative)
    values._keras_mask = values > 0  # type: ignore[attr-defined]
    return values


class CTC(LossFunctionWrapper):
    """The loss of connectionist temporal classification, see `ctc`.

    >>> CTC()(torch.tensor([[1]]), torch.zeros(1, 1, 2))
    tensor(0.6931)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "ctc") -> None:
        super().__init__(ctc, reduction=reduction, name=name)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """A crossentropy for labels that may be wrong, see `categorical_generalized_cross_entropy`.

    Raises ValueError for `q` outside of (0, 1).

    >>> CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]])
    tensor(1.)
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "categorical_generalized_cross_entropy",
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(
                f"CategoricalGeneralizedCrossEntropy '{name}': expected q between 0 and 1; received {q!r}. "
                "Use SparseCategoricalCrossentropy for the limit 0."
            )
        super().__init__(categorical_generalized_cross_entropy, reduction=reduction, name=name, q=q)


class Circle(LossFunctionWrapper):
    """The circle loss of embeddings, see `circle`: labels (batch,) and predictions (batch, units) of norm 1.

    >>> Circle()([0, 0, 1], torch.eye(3))
    tensor(54.4000)
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "circle",
    ) -> None:
        super().__init__(
            circle, reduction=reduction, name=name, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal
        )
