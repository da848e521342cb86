"""Loss: per-sample values, sample weights, masks and the reduction to one number."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import torch_dtype
from kerastorch.core.errors import did_you_mean
from kerastorch.core.naming import to_snake_case
from kerastorch.losses.weighting import (
    apply_valid_mask,
    as_tensors,
    fit_rank,
    fits_into,
    is_tensor,
    squeeze_to_match,
)

LossFunction = Callable[..., torch.Tensor]


class Reduction:
    """How a loss sums up its per-sample values.

    `AUTO` is `SUM_OVER_BATCH_SIZE`: the sum of the weighted values divided by their number
    (not by the sum of the weights, as `MEAN_WITH_SAMPLE_WEIGHT`). Keras 3's None and 'mean' are understood too.
    """

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    MEAN_WITH_SAMPLE_WEIGHT = "mean_with_sample_weight"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE, cls.MEAN_WITH_SAMPLE_WEIGHT

    @classmethod
    def validate(cls, key: str | None) -> None:
        """Raise ValueError for what is no reduction."""
        if key not in (*cls.all(), *_LATER_WORDS):
            raise ValueError(
                f"Reduction: expected one of {cls.all()}; received {key!r}. {did_you_mean(str(key), cls.all())}"
            )


_LATER_WORDS = {None: Reduction.NONE, "mean": Reduction.SUM_OVER_BATCH_SIZE}
_MEANS = (Reduction.AUTO, Reduction.SUM_OVER_BATCH_SIZE)


class Loss:
    """Base class of losses: a subclass returns values of shape (batch, ...) from `call(y_true, y_pred)`.

    Calling it multiplies them by `sample_weight` and the mask of `y_pred`, and applies `reduction`.
    Raises ValueError for an unknown reduction, and for weights or labels whose shape does not fit.

    >>> class SquaredError(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return (y_true - y_pred).square().mean(-1)
    >>> SquaredError()([[0.0], [1.0]], [[1.0], [3.0]], sample_weight=[1.0, 0.5])
    tensor(1.5000)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = None) -> None:
        Reduction.validate(reduction)
        self.reduction = _LATER_WORDS.get(reduction, reduction)
        self.name = name

    def call(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        """The loss of each sample: shape (batch, ...)."""
        raise NotImplementedError(
            f"{type(self).__name__}: expected a method call(y_true, y_pred); found none. Define it."
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> torch.Tensor:
        y_true, y_pred = as_tensors(y_true, y_pred)
        try:
            values = self.call(y_true, y_pred)
        except RuntimeError as error:
            self._explain(y_true, y_pred, error)
            raise
        if not is_tensor(values):
            values = torch.as_tensor(values)
        if not values.dtype.is_floating_point:
            values = values.to(torch_dtype(None))
        takes_mean = self.reduction in _MEANS
        mask = _both(getattr(y_pred, "_keras_mask", None), getattr(values, "_keras_mask", None))
        sample_weight = apply_valid_mask(values, sample_weight, mask, takes_mean)
        weight = None
        if sample_weight is not None:
            weight = self._fitting(sample_weight, values)
            values = values * weight
        if takes_mean:
            return values.mean()
        if self.reduction == Reduction.MEAN_WITH_SAMPLE_WEIGHT:
            return values.mean() if weight is None else values.sum() / weight.sum()
        return values.sum() if self.reduction == Reduction.SUM else values

    def _fitting(self, sample_weight: Any, values: torch.Tensor) -> torch.Tensor:
        """The weights in a shape that multiplies the values; ValueError where there is none."""
        weight = fit_rank(sample_weight, values)
        if 0 < weight.dim() < values.dim() and weight.shape == values.shape[: weight.dim()]:
            weight = weight.reshape(weight.shape + (1,) * (values.dim() - weight.dim()))
        if not fits_into(weight, values):
            raise ValueError(
                f"{self._label()}: expected sample_weight of a shape that fits losses of shape "
                f"{tuple(values.shape)}; received {tuple(weight.shape)}. Give one weight per sample, labels "
                "of the predictions' shape, and a loss that returns one value per sample."
            )
        return weight

    def _label(self) -> str:
        kind = "Loss" if type(self) is LossFunctionWrapper else type(self).__name__
        return f"{kind} '{self.name or to_snake_case(kind)}'"

    def _explain(self, y_true: torch.Tensor, y_pred: torch.Tensor, error: RuntimeError) -> None:
        """Say in Keras' terms that labels and predictions do not fit, where that is why torch failed."""
        try:
            torch.broadcast_shapes(y_true.shape, y_pred.shape)
        except RuntimeError:
            raise ValueError(
                f"{self._label()}: expected labels that fit predictions of shape {tuple(y_pred.shape)}; "
                f"received labels of shape {tuple(y_true.shape)}. Match the units of the last layer and the "
                f"labels ({error})."
            ) from error

    def get_config(self) -> dict[str, Any]:
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        return cls(**config)


def _both(first: torch.Tensor | None, second: torch.Tensor | None) -> torch.Tensor | None:
    if first is None:
        return second
    return first if second is None else first & second


def with_fused_mean(fused_mean: LossFunction) -> Callable[[LossFunction], LossFunction]:
    """Decorator of a loss function: `fused_mean(y_true, y_pred, ...)` is its mean in one torch call.

    It returns None for tensors that are not of the simple kind, and the loss function itself is used.
    """

    def decorate(function: LossFunction) -> LossFunction:
        function.fused_mean = fused_mean  # type: ignore[attr-defined]
        return function

    return decorate


def of_whole_batch(function: LossFunction) -> LossFunction:
    """Decorator of a loss function whose value of a batch is not the mean of its samples' values."""
    function.of_whole_batch = True  # type: ignore[attr-defined]
    return function


class LossFunctionWrapper(Loss):
    """The loss that averages the values of a function `fn(y_true, y_pred, **kwargs)`.

    >>> LossFunctionWrapper(lambda y_true, y_pred: (y_true - y_pred).abs())([1.0, 2.0], [1.0, 4.0])
    tensor(1.)
    """

    def __init__(
        self, fn: LossFunction, reduction: str | None = Reduction.AUTO, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.fn = fn
        self._arguments = kwargs
        # a subclass with a `call` of its own must have it called
        simple = self.reduction in _MEANS
        own_call = type(self).call is not LossFunctionWrapper.call
        self._fused_mean = getattr(fn, "fused_mean", None) if simple and not own_call else None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> torch.Tensor:
        if (
            sample_weight is None
            and self._fused_mean is not None
            and type(y_pred) is torch.Tensor
            and type(y_true) is torch.Tensor
            and y_true.device == y_pred.device
            and getattr(y_pred, "_keras_mask", None) is None
        ):
            value = self._fused_mean(y_true, y_pred, **self._arguments)
            if value is not None:
                return value
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        y_true, y_pred = squeeze_to_match(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._arguments)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._arguments}
        return {"fn": self.fn, **config} if type(self) is LossFunctionWrapper else config


class TorchLoss(Loss):
    """A torch loss, `module(input, target)`, in the place of a Keras loss.

    Labels take the shape and type that torch wants: class indices become int64 without a last axis of 1,
    others take the type and, with as many elements, the shape of the predictions. Classes may be the
    last axis of the predictions. With sample weights or a mask the loss is the mean of the samples'
    weighted values.
    Raises TypeError for sample weights with a function or a module that returns one number only.

    >>> TorchLoss(nn.CrossEntropyLoss())([[1]], torch.tensor([[0.0, 0.0]]))
    tensor(0.6931)
    """

    def __init__(self, module: LossFunction, reduction: str | None = Reduction.AUTO, name: str | None = None) -> None:
        own_name = getattr(module, "__name__", type(module).__name__)
        super().__init__(reduction=reduction, name=name or to_snake_case(own_name))
        self.module = module
        self._per_sample = None
        if isinstance(module, nn.Module) and hasattr(module, "reduction"):
            self._per_sample = copy.copy(module)
            self._per_sample.reduction = "none"

    def call(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return self._apply(self.module, y_true, y_pred)

    def _apply(self, module: LossFunction, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        target = _as_target(y_true, y_pred)
        if target.dim() == y_pred.dim() - 1 > 1 and target.shape == y_pred.shape[:-1]:
            y_pred = torch.movedim(y_pred, -1, 1)  # torch wants the classes second
        return module(y_pred, target)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> torch.Tensor:
        y_true, y_pred = as_tensors(y_true, y_pred)
        if sample_weight is None and getattr(y_pred, "_keras_mask", None) is None:
            value = self.call(y_true, y_pred)
            return value if value.dim() == 0 or self.reduction == Reduction.NONE else value.mean()
        if self._per_sample is None:
            raise TypeError(
                f"{self._label()}: expected a torch loss with an argument 'reduction', to use sample weights "
                f"or a mask with it; received {self.module!r}. Use a Keras loss, or a torch loss module."
            )
        per_sample = LossFunctionWrapper(self._sample_values, reduction=self.reduction, name=self.name)
        return per_sample(y_true, y_pred, sample_weight)

    def _sample_values(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        values = self._apply(self._per_sample, y_true, y_pred)
        return values.mean(-1) if values.dim() == y_pred.dim() > 1 else values

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"{self._label()}: expected a Keras loss to save with the model; received a torch module. "
            "Compile with a Keras loss, or compile the loaded model again."
        )


def _as_target(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
    """Labels in the shape and type that torch's losses want for these predictions."""
    if y_true.shape == y_pred.shape:
        return y_true.to(y_pred.dtype)
    if y_true.numel() == y_pred.numel():
        return y_true.reshape(y_pred.shape).to(y_pred.dtype)
    if y_true.dim() == y_pred.dim() and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    return y_true.long() if y_true.dim() == y_pred.dim() - 1 else y_true
