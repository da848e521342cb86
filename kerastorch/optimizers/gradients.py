"""Gradients before an update: made to fit their weights, and clipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kerastorch.core.errors import describe
from kerastorch.core.variable import Variable


def name_of(variable: torch.Tensor) -> str:
    """A variable's name; plain parameters go by their shape."""
    return variable.name if isinstance(variable, Variable) else f"parameter{tuple(variable.shape)}"


def as_gradient(gradient: Any, variable: Any) -> torch.Tensor | None:
    """`gradient` as a dense tensor in the shape, dtype and device of its variable; None stays None."""
    if not isinstance(variable, torch.Tensor):
        raise TypeError(
            "apply_gradients: expected pairs of a gradient and a variable; "
            f"received {describe(variable)} as a variable. Pass zip(gradients, model.trainable_variables)."
        )
    if gradient is None:
        return None
    if not isinstance(gradient, torch.Tensor):
        gradient = torch.as_tensor(np.asarray(gradient))
    if gradient.layout != torch.strided:
        gradient = gradient.to_dense()
    if gradient.shape != variable.shape:
        raise ValueError(
            f"apply_gradients: expected a gradient of shape {tuple(variable.shape)} for "
            f"{name_of(variable)!r}; received {tuple(gradient.shape)}. "
            "Check the order of gradients and variables."
        )
    if gradient.dtype == variable.dtype and gradient.device == variable.device:
        return gradient
    return gradient.to(device=variable.device, dtype=variable.dtype)


def clip_by_norm(gradients: list[torch.Tensor], limit: float) -> list[torch.Tensor]:
    """Each gradient scaled down to a norm of at most `limit`."""
    norms = torch._foreach_clamp_min(torch._foreach_norm(gradients), limit)
    scales = torch._foreach_mul(torch._foreach_reciprocal(norms), limit)
    return torch._foreach_mul(gradients, scales)


def clip_by_global_norm(gradients: list[torch.Tensor], limit: float) -> list[torch.Tensor]:
    """All gradients scaled by one number, so that the norm of all together is at most `limit`."""
    norms = [norm.to(gradients[0].device) for norm in torch._foreach_norm(gradients)]
    norm = torch.linalg.vector_norm(torch.stack(norms))
    # an infinite norm makes every gradient NaN, as in Keras, rather than hiding the overflow
    scale = limit / norm.clamp(min=limit) + (norm - norm)
    return [gradient * scale.to(gradient.device) for gradient in gradients]


def clip_by_value(gradients: list[torch.Tensor], limit: float) -> list[torch.Tensor]:
    """Each element of each gradient moved into [-limit, limit]."""
    return torch._foreach_clamp_max(torch._foreach_clamp_min(gradients, -limit), limit)
