"""Batch normalisation."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch import initializers
from kerastorch.engine.context import call_context
from kerastorch.engine.input_spec import InputSpec
from kerastorch.layers.normalization.base import AffineNormalization, with_channels_at, with_channels_second
from kerastorch.layers.normalization.moments import moments, several_processes


class BatchNormalization(AffineNormalization):
    """Normalise each channel by the batch in training, by moving averages in inference (arXiv:1502.03167).

    `gamma * (x - mean) / sqrt(variance + epsilon) + beta`; moving averages keep `momentum` of their value a step.
    Input and output (batch, ..., channels), the channels in `axis`. With `trainable = False` it stays in inference.
    `synchronized` takes the batches of all processes of torch.distributed as one. A mask (batch, steps) leaves
    steps out of the statistics, except where tf.keras uses its fused kernel, which ignores it (images, volumes).
    Raises ValueError for an axis that the input does not have, and for batch renormalisation.

    >>> BatchNormalization()(torch.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    _own_arguments = ("fused", "renorm", "renorm_clipping", "renorm_momentum", "virtual_batch_size", "adjustment")
    _always_synchronized = False
    repeats_with_state = True  # the averages move once
    returns_new_tensor = True
    infers_when_frozen = True

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        own = {key: kwargs.pop(key) for key in self._own_arguments if key in kwargs}
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
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.synchronized = synchronized or self._always_synchronized
        self.fused = own.pop("fused", None)
        self._refuse(own)

    def _refuse(self, arguments: dict[str, Any]) -> None:
        for key in ("renorm", "virtual_batch_size", "adjustment"):
            if arguments.get(key):
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected plain batch statistics; received "
                    f"{key}={arguments[key]!r}. Leave the argument out: only its default is implemented."
                )
        if self.fused and self.synchronized:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected fused=True or synchronized=True, not both; received "
                "both. Leave fused out."
            )

    def build(self, input_shape: Any) -> None:
        axes = self.positive_axes(input_shape)
        sizes = self.known_sizes(input_shape, axes)
        rank = len(input_shape)
        # where tf.keras has a fused kernel, the moving variance is that of the population, else of the batch
        can_be_fused = rank in (4, 5) and len(axes) == 1 and axes[0] in (1, rank - 1) and self._dtype != torch.float64
        if self.fused and not can_be_fused:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected an input of rank 4 or 5 with its channels in axis 1 or "
                f"-1, not of float64, for fused=True; received rank {rank}, axis={self.axis}, dtype={self.dtype}. "
                "Leave fused out."
            )
        self.fused = can_be_fused and not self.synchronized if self.fused is None else self.fused
        dtype = torch.float32 if self._dtype in (torch.float16, torch.bfloat16) else None
        known = dict(zip(axes, sizes, strict=True))
        shape = sizes if len(axes) == 1 else [known.get(axis, 1) for axis in range(rank)]
        self.add_scale_and_offset(shape, dtype)
        self.moving_mean = self.add_weight("moving_mean", shape, dtype, self.moving_mean_initializer, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", shape, dtype, self.moving_variance_initializer, trainable=False
        )
        self.input_spec = InputSpec(ndim=rank, axes=known)

    def call(
        self, inputs: torch.Tensor, training: bool | None = None, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        inputs = self.as_floats(inputs)
        training = bool(training) and self.trainable
        apart = training and (self.synchronized and several_processes() or mask is not None and not self.fused)
        if apart or isinstance(self.axis, list) and len(self.axis) > 1:
            return self._normalize_in_steps(inputs, training, mask)
        axis = (self.axis[0] if isinstance(self.axis, list) else self.axis) % inputs.dim()
        x = with_channels_second(inputs, axis)
        count = x.numel() // x.shape[1]
        if training and count <= 1:  # the kernel would move the average by a variance of 0 / 0
            return self._normalize_in_steps(inputs, training, mask)
        weights = self._parameters  # a module's own attribute lookup costs as much as a small layer
        average = weights["moving_variance"].detach()
        moves = training and not call_context.recomputing
        of_population = average.clone() if training and not self.fused else average
        y = torch.batch_norm(
            x,
            weights.get("gamma"),
            weights.get("beta"),
            weights["moving_mean"],
            of_population,
            training,
            1.0 - self.momentum if moves else 0.0,
            self.epsilon,
            torch.backends.cudnn.enabled,
        )
        if moves and of_population is not average:
            # the batch's own variance is smaller by the factor (count - 1) / count
            average.mul_(self.momentum / count).add_(of_population, alpha=1.0 - 1.0 / count)
        return with_channels_at(y, axis)

    def scales_axis(self) -> int | None:
        rank = None if self.input_spec is None else self.input_spec.ndim
        axis = self.axis[0] if isinstance(self.axis, list | tuple) and len(self.axis) == 1 else self.axis
        if rank is None or not isinstance(axis, int):
            return None
        axis %= rank
        return -1 if axis == rank - 1 else axis if axis == 1 else None

    def scale_and_shift(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What inference multiplies each channel by and adds to it, (channels,) both."""
        with torch.no_grad():
            scale = torch.rsqrt(self.moving_variance + self.epsilon)
            scale = scale if self.gamma is None else scale * self.gamma
            shift = -self.moving_mean * scale
            return scale, shift if self.beta is None else shift + self.beta

    def _normalize_in_steps(self, x: torch.Tensor, training: bool, mask: torch.Tensor | None) -> torch.Tensor:
        """For masks, for several processes and for several axes, of which no kernel knows."""
        dtype, x = x.dtype, x.to(self.moving_mean.dtype)
        kept = self.positive_axes(x.shape)
        shape = [size if axis in kept else 1 for axis, size in enumerate(x.shape)]
        if training:
            others = [axis for axis in range(x.dim()) if axis not in kept]
            weights = None if mask is None else mask.unsqueeze(-1)
            mean, variance = moments(x, others, weights, self.synchronized and several_processes())
            self._move_averages(mean, variance)
        else:
            mean, variance = self.moving_mean.view(shape), self.moving_variance.view(shape)
        y = (x - mean) * torch.rsqrt(variance + self.epsilon)
        y = y if self.gamma is None else y * self.gamma.view(shape)
        return (y if self.beta is None else y + self.beta.view(shape)).to(dtype)

    def _move_averages(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if call_context.recomputing:
            return
        with torch.no_grad():
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.lerp_(value.reshape(average.shape), 1.0 - self.momentum)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.synchronized or self._always_synchronized:
            del config["synchronized"]  # tf.keras does not save it; here a layer comes back as it was
        return config


class SyncBatchNormalization(BatchNormalization):
    """`BatchNormalization(synchronized=True)` under its older name.

    >>> SyncBatchNormalization().synchronized
    True
    """

    _always_synchronized = True
