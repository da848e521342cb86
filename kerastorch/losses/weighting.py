"""What losses and metrics share: ranks and types that fit together, sample weights and masks."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.core.config import epsilon, torch_dtype


def is_tensor(value: Any) -> bool:
    """Whether torch functions take `value`: a tensor, or something symbolic that records them."""
    return isinstance(value, torch.Tensor) or hasattr(type(value), "__torch_function__")


def as_tensors(y_true: Any, y_pred: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as tensors on the device of the predictions; tensors pass through with what they carry."""
    if not is_tensor(y_pred):
        y_pred = torch.as_tensor(y_pred, device=y_true.device if isinstance(y_true, torch.Tensor) else None)
    if not is_tensor(y_true):
        y_true = torch.as_tensor(y_true, device=y_pred.device if isinstance(y_pred, torch.Tensor) else None)
    elif type(y_true) is torch.Tensor and type(y_pred) is torch.Tensor and y_true.device != y_pred.device:
        y_true = y_true.to(y_pred.device)
    return y_true, y_pred


def as_floats(y_true: Any, y_pred: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as tensors of the predictions' float type, `floatx()` when those are integers."""
    y_true, y_pred = as_tensors(y_true, y_pred)
    if not y_pred.dtype.is_floating_point:
        y_pred = y_pred.to(torch_dtype(None))
    return (y_true if y_true.dtype == y_pred.dtype else y_true.to(y_pred.dtype)), y_pred


def squeeze_to_match(y_true: torch.Tensor, y_pred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Without the last axis of the one that has one axis more than the other, where it has length 1."""
    difference = y_pred.dim() - y_true.dim()
    if difference == 1 and y_pred.shape[-1] == 1:
        return y_true, y_pred.squeeze(-1)
    if difference == -1 and y_true.shape[-1] == 1:
        return y_true.squeeze(-1), y_pred
    return y_true, y_pred


def clip_probabilities(y_pred: torch.Tensor) -> torch.Tensor:
    """Probabilities kept off 0 and 1 by `epsilon()`, so that their logarithms are finite."""
    return torch.clamp(y_pred, epsilon(), 1.0 - epsilon())


def l2_normalize(x: torch.Tensor, axis: int) -> torch.Tensor:
    """`x` scaled to norm 1 along `axis`; zeros stay zeros."""
    return x * torch.rsqrt(torch.clamp((x * x).sum(axis, keepdim=True), min=1e-12))


def fit_rank(weight: Any, values: torch.Tensor) -> torch.Tensor:
    """Weights in the type of `values`; a last axis of 1 is added or removed when the ranks differ by one."""
    if not isinstance(weight, torch.Tensor):
        weight = torch.as_tensor(weight)
    weight = weight.to(device=values.device, dtype=values.dtype)
    difference = values.dim() - weight.dim()
    if weight.dim() == 0 or difference == 0:
        return weight
    if difference == 1:
        return weight.unsqueeze(-1)
    if difference == -1 and weight.shape[-1] == 1:
        return weight.squeeze(-1)
    return weight


def fits_into(weight: torch.Tensor, values: torch.Tensor) -> bool:
    """Whether `weight` is a number or has the axes of `values`, each of the same length or of length 1."""
    return weight.dim() == 0 or (
        weight.dim() == values.dim()
        and all(size in (1, wanted) for size, wanted in zip(weight.shape, values.shape, strict=True))
    )


def apply_mask(values: torch.Tensor, sample_weight: Any, mask: torch.Tensor | None) -> Any:
    """Sample weights that are zero where `mask` is; the weights as they are without a mask.

    `values` gives the float type: losses or predictions of shape (batch, ...).
    """
    if mask is None:
        return sample_weight
    mask = mask.to(values.dtype)
    return mask if sample_weight is None else fit_rank(sample_weight, mask) * mask


def apply_valid_mask(values: torch.Tensor, sample_weight: Any, mask: torch.Tensor | None, takes_mean: bool) -> Any:
    """As `apply_mask`; with `takes_mean`, scaled so that a mean over everything is one over what is valid."""
    if mask is None:
        return sample_weight
    mask = mask.to(values.dtype)
    if takes_mean:
        mask = mask * (mask.numel() / mask.sum().clamp(min=1.0))  # where nothing is valid the mean is 0, not nan
    return apply_mask(values, sample_weight, mask)
