"""Group normalisation."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.engine.input_spec import InputSpec
from kerastorch.layers.normalization.base import AffineNormalization, with_channels_at, with_channels_second
from kerastorch.layers.normalization.moments import moments


class GroupNormalization(AffineNormalization):
    """Normalise each sample over groups of channels and all places (arXiv:1803.08494).

    Input and output (batch, ..., channels), the channels in `axis`; -1 groups are as many as there are channels.
    A mask (batch, steps), or one that broadcasts to the input, leaves places out of the statistics.
    Raises ValueError for groups that do not divide the channels.

    >>> GroupNormalization(groups=2, epsilon=0.0)(torch.tensor([[1.0, 3.0, 0.0, 2.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if not isinstance(axis, int):
            raise TypeError(
                f"GroupNormalization '{self.name}': expected one axis of channels; received axis={axis!r}. "
                "Pass an integer."
            )
        if not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ValueError(
                f"GroupNormalization '{self.name}': expected groups as a positive integer or -1; "
                f"received groups={groups!r}. Pass a number that divides the channels."
            )
        self.groups = groups

    def build(self, input_shape: Any) -> None:
        axes = self.positive_axes(input_shape)
        (channels,) = self.known_sizes(input_shape, axes)
        if axes == [0]:
            raise ValueError(
                f"GroupNormalization '{self.name}': expected an axis of channels; received axis={self.axis}, the batch "
                "axis. Pass axis=-1, or axis=1 for channels_first."
            )
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"GroupNormalization '{self.name}': expected groups that divide the {channels} channels; "
                f"received groups={self.groups}. Change groups or the input."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axes[0]: channels})
        self.add_scale_and_offset((channels,))

    def call(self, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        inputs = self.as_floats(inputs)
        axis = self.axis % inputs.dim()
        x = with_channels_second(inputs, axis)
        if mask is None:
            gamma, beta = self.scale_and_offset(x)
            y = torch.group_norm(x, self.groups, gamma, beta, self.epsilon, torch.backends.cudnn.enabled)
        else:
            mask = mask[(..., *[None] * (inputs.dim() - mask.dim()))].expand_as(inputs)
            y = self._normalize_valid(x, with_channels_second(mask, axis))
        return with_channels_at(y, axis)

    def _normalize_valid(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        grouped, weights = (tensor.unflatten(1, (self.groups, -1)) for tensor in (x, mask))
        mean, variance = moments(grouped, list(range(2, grouped.dim())), weights)
        y = ((grouped - mean) * torch.rsqrt(variance + self.epsilon)).flatten(1, 2)
        ones = [1] * (x.dim() - 2)
        y = y if self.gamma is None else y * self.gamma.view(-1, *ones)
        return y if self.beta is None else y + self.beta.view(-1, *ones)
