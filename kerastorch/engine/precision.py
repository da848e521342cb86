"""In what precision layers compute: their dtype policy, the casts that it asks for, and torch's autocast.

A layer of a mixed policy runs under autocast on weights that stay in float32: its floating inputs are cast to the
compute dtype, torch casts the weights where matrices are multiplied, and what `call` returns is cast to the compute
dtype as well. Autocast stays on for the layers inside and from one layer to the next, as each switch costs as much as
a small layer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core import nest
from kerastorch.core.policy import Policy, policy_of
from kerastorch.engine.context import call_context, structure_version


class compute_in:
    """Let torch compute in `dtype` inside the block, by autocast; None lets tensors keep their own dtypes.

    Only what a block like this has switched on is switched off by another: autocast of the caller's own stays. Each
    block needs an object of its own. `torch.autocast` knows one kind of device only, and costs twice as much.
    """

    __slots__ = ("dtype", "before", "states")
    kinds: tuple[str, ...] = ()  # of devices that tensors may be on, looked for at the first block

    def __init__(self, dtype: torch.dtype | None = None) -> None:
        self.dtype = dtype

    def __enter__(self) -> None:
        self.before = call_context.mixed_dtype
        if self.before is self.dtype:
            return
        call_context.mixed_dtype = self.dtype
        if not self.kinds:
            compute_in.kinds = _kinds_of_devices()
        self.states = [(kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in self.kinds]
        for kind, _, dtype in self.states:
            torch.set_autocast_enabled(kind, self.dtype is not None)
            torch.set_autocast_dtype(kind, self.dtype or dtype)

    def __exit__(self, *_: Any) -> None:
        if self.before is self.dtype:
            return
        call_context.mixed_dtype = self.before
        for kind, enabled, dtype in self.states:
            torch.set_autocast_enabled(kind, enabled)
            torch.set_autocast_dtype(kind, dtype)
        torch.clear_autocast_cache()  # of cast weights, which the optimizer is about to change


def _kinds_of_devices() -> tuple[str, ...]:
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return ("cpu",) if accelerator is None else ("cpu", accelerator.type)


@functools.lru_cache
def computing_in(dtype: torch.dtype) -> Callable[[], compute_in]:
    """What generated code opens blocks with."""
    return functools.partial(compute_in, dtype)


@functools.lru_cache
def casting_to(dtype: torch.dtype) -> Callable[[Any], Any]:
    """What generated code casts outputs with."""
    return functools.partial(cast_outputs, dtype)


def cast(tensor: Any, dtype: torch.dtype) -> Any:
    """A floating tensor in `dtype`, with its mask; anything else as it is."""
    if not isinstance(tensor, torch.Tensor) or tensor.dtype is dtype or not tensor.is_floating_point():
        return tensor
    result = tensor.to(dtype)
    mask = getattr(tensor, "_keras_mask", None)
    if mask is not None:
        result._keras_mask = mask
    return result


def cast_outputs(dtype: torch.dtype, outputs: Any) -> Any:
    """All floating tensors of `outputs` in `dtype`, with the logits that losses look for on them."""
    if type(outputs) is torch.Tensor and outputs.dtype is dtype:
        return outputs
    if not isinstance(outputs, torch.Tensor):
        return nest.map_structure(casting_to(dtype), outputs) if nest.is_nested(outputs) else outputs
    result = cast(outputs, dtype)
    logits = getattr(outputs, "_keras_logits", None)
    if result is not outputs and logits is not None:
        result._keras_logits = logits
    return result


def in_full_precision(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of 16 bits, with its mask and logits, in float32; any other as it is."""
    if tensor.dtype.itemsize != 2 or not tensor.is_floating_point():
        return tensor
    result = cast(tensor, torch.float32)
    logits = getattr(tensor, "_keras_logits", None)
    if logits is not None:
        result._keras_logits = logits.float()
    return result


class PrecisionMixin(nn.Module):
    """The dtypes of a layer: those of its policy."""

    autocast = True  # False where floating inputs keep their dtype: models, wrappers of foreign modules
    casts_outputs = True  # False where `call` alone decides in which dtype a layer of a mixed policy returns

    _dtype: torch.dtype  # that of inputs and outputs
    _variable_dtype: torch.dtype
    _mixed_dtype: torch.dtype | None  # `_dtype` where the policy is mixed

    def set_policy(self, dtype: Any) -> None:
        """Take a policy, or what stands for one; weights that exist keep their dtype."""
        policy = policy_of(dtype)
        self.__dict__.update(
            _policy=policy,
            _dtype=policy.compute,
            _variable_dtype=policy.variable,
            _mixed_dtype=policy.compute if policy.is_mixed else None,
        )

    @property
    def dtype_policy(self) -> Policy:
        return self._policy

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self._policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        return self._policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs are cast to, and that the layer computes in."""
        return self._policy.compute_dtype

    def _convert(self, tensor: Any) -> Any:
        """Cast floats to the layer's dtype, as Keras' autocast does."""
        return cast(tensor, self._dtype) if self.autocast else tensor

    def mixed_dtype_for(self, inputs: Sequence[Any]) -> Any:
        """What autocast is to compute in while `call` runs on `inputs`, None without it, ... where that is all one."""
        return self._mixed_dtype

    def _cast_outputs(self, outputs: Any) -> Any:
        """What `call` has returned, in the compute dtype: products with weights of float32 are of float32.

        Layers that have layers inside return what those return.
        """
        return outputs if self._modules or not self.casts_outputs else cast_outputs(self._dtype, outputs)

    def _follow_weights(self, function: Any) -> None:
        """After torch's .double(), .half() and .to(dtype): another dtype of the weights is the policy, then."""
        moved = function(torch.empty(0, dtype=self._variable_dtype)).dtype
        if moved is not self._variable_dtype:
            self.set_policy(moved)
        structure_version.bump()
