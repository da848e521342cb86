"""Scaled losses, which keep the small gradients of float16 from vanishing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch import optimizers
from kerastorch.core.config import current_device
from kerastorch.core.errors import describe
from kerastorch.core.variable import Variable
from kerastorch.optimizers import SGD, Adam, Optimizer
from kerastorch.optimizers.gradients import as_gradient
from kerastorch.optimizers.interface import Gradients
from kerastorch.optimizers.slots import VariableList

INITIAL_SCALE, GROWTH_STEPS = 2.0**15, 2000
_OWN = frozenset(
    ("inner_optimizer", "_scale", "_good_steps", "_options", "_pending", "_skipped", "_used", "_said", "step")
)


class LossScaleOptimizer(Optimizer):
    """An optimizer whose loss is multiplied by `loss_scale`, and its gradients divided by it again.

    With `dynamic` the scale starts at `initial_scale` (32768), doubles after `dynamic_growth_steps` (2000) steps in a
    row whose gradients are finite, and is halved, but not below 1, by a step whose gradients are not. Such a step
    changes nothing else: neither weights nor `iterations`. `fit` and `minimize` scale by themselves; loops of your own
    call `get_scaled_loss`, `get_unscaled_gradients` and `apply_gradients`. Everything else is the inner optimizer's.
    Raises TypeError for what is no optimizer, ValueError for numbers that contradict each other.

    >>> optimizer = LossScaleOptimizer(SGD(0.25))
    >>> weight = Variable(1.0)
    >>> _ = optimizer.minimize(lambda: weight**2, [weight])
    >>> weight.numpy(), float(optimizer.loss_scale)
    (array(0.5, dtype=float32), 32768.0)
    """

    def __init__(
        self,
        inner_optimizer: Any,
        dynamic: bool = True,
        initial_scale: float | None = None,
        dynamic_growth_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        inner = optimizers.get(inner_optimizer)
        if not isinstance(inner, Optimizer) or isinstance(inner, LossScaleOptimizer):
            raise TypeError(
                f"LossScaleOptimizer: expected an optimizer that scales no losses itself; received "
                f"{describe(inner_optimizer)}. Pass for example Adam()."
            )
        self.__dict__["inner_optimizer"] = inner
        if name is not None:
            inner.name = name
        self._check(dynamic, initial_scale, dynamic_growth_steps)
        scale = float(INITIAL_SCALE if initial_scale is None else initial_scale)
        growth = None if not dynamic else int(dynamic_growth_steps or GROWTH_STEPS)
        self.__dict__.update(
            _options={"dynamic": dynamic, "initial_scale": scale, "dynamic_growth_steps": growth},
            _scale=_variable(scale, "current_loss_scale:0", torch.float32),
            _good_steps=_variable(0, "good_steps:0", torch.int32),
            _pending=None,  # what tells later whether the last step was skipped
            _skipped=0,
            _used=set(),  # which of the two methods for loops of one's own have been called
            _said=set(),  # what has been warned of
        )

    def _check(self, dynamic: Any, initial_scale: Any, growth_steps: Any) -> None:
        if not isinstance(dynamic, bool):
            raise self._error("dynamic as True or False", repr(dynamic), "Pass a number as initial_scale.", TypeError)
        if not dynamic and initial_scale is None:
            raise self._error("an initial_scale with dynamic=False", "none", "Pass the scale, for example 1024.")
        if not dynamic and growth_steps is not None:
            raise self._error(
                "no dynamic_growth_steps with dynamic=False",
                f"dynamic_growth_steps={growth_steps!r}",
                "Leave them out, or let the scale be dynamic.",
            )
        if self._checked_positive("initial_scale", initial_scale) == float("inf"):
            raise self._error("a finite initial_scale", repr(initial_scale), "Pass a number such as 32768.")
        self._checked_count("dynamic_growth_steps", growth_steps, 1)

    # --- what is the inner optimizer's ---------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:
            raise AttributeError(name)  # while a copy is being made
        return getattr(self.inner_optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _OWN and hasattr(self.inner_optimizer, name):
            setattr(self.inner_optimizer, name, value)
        else:
            object.__setattr__(self, name, value)

    def build(self, var_list: Iterable[nn.Parameter]) -> None:
        """Let the inner optimizer make the variables that it keeps for the weights."""
        self.inner_optimizer.build(var_list)

    def finalize_variable_values(self, var_list: Iterable[nn.Parameter]) -> None:
        """What the inner optimizer does after the last step."""
        self._settle()
        self.inner_optimizer.finalize_variable_values(var_list)

    @property
    def gradient_watcher(self) -> Any:
        """What sees the gradients; the inner optimizer calls it."""
        return self.inner_optimizer.gradient_watcher

    @property
    def iterations(self) -> Variable:
        """The number of updates so far; skipped steps do not count."""
        self._settle()
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self.inner_optimizer.iterations = value

    # --- the scale -----------------------------------------------------------------------------------------------

    @property
    def dynamic(self) -> bool:
        """Whether the scale follows the gradients."""
        return self._options["dynamic"]

    @property
    def initial_scale(self) -> float:
        return self._options["initial_scale"]

    @property
    def dynamic_growth_steps(self) -> int | None:
        """After how many finite steps in a row the scale doubles; None for a fixed one."""
        return self._options["dynamic_growth_steps"]

    @property
    def loss_scale(self) -> torch.Tensor:
        """What the loss is multiplied by, a 0-dim tensor of float32."""
        return self._scale.detach().clone()

    @property
    def dynamic_counter(self) -> Variable | None:
        """The number of finite steps since the scale last changed; None for a fixed one."""
        return self._good_steps if self.dynamic else None

    @property
    def skipped_steps(self) -> int:
        """How many steps have changed no weight, because their gradients were not finite."""
        self._settle()
        return self._skipped

    def scale_loss(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss that `update` expects to be differentiated."""
        return self.inner_optimizer.scale_loss(loss) * self._scale.detach().to(loss.device)

    def get_scaled_loss(self, loss: Any) -> Any:
        """A loss, or a function that returns one, times `loss_scale`."""
        self._used.add("get_scaled_loss")
        if callable(loss) and not isinstance(loss, torch.Tensor):
            return lambda: self.scale_loss(loss())
        return self.scale_loss(loss)

    def get_unscaled_gradients(self, grads: Iterable[torch.Tensor | None]) -> list[torch.Tensor | None]:
        """The gradients of a scaled loss divided by `loss_scale`; None stays None."""
        self._used.add("get_unscaled_gradients")
        factor = 1.0 / self._scale.detach()
        return [None if gradient is None else gradient * factor.to(gradient) for gradient in grads]

    # --- updates -------------------------------------------------------------------------------------------------

    def update(self, gradients: Gradients, variables: Sequence[nn.Parameter]) -> None:
        """An update by the gradients of `scale_loss`, which are unscaled in place; for training loops."""
        self._update(gradients, variables, 1.0 / self._scale.detach())

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, nn.Parameter]],
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
        experimental_aggregate_gradients: bool = True,
    ) -> Variable:
        """Update by gradients that `get_unscaled_gradients` has divided, and return `iterations`.

        Warns once where the loss was not scaled, or the gradients not unscaled.
        """
        missing = [name for name in ("get_scaled_loss", "get_unscaled_gradients") if name not in self._used]
        if missing and "scaling" not in self._said:
            self._said.add("scaling")
            self._warn(
                f"apply_gradients was called without {' and '.join(missing)}. Differentiate get_scaled_loss(loss), and "
                "apply get_unscaled_gradients(gradients); or use minimize, which does both."
            )
        return self._apply_unscaled(grads_and_vars)

    def _apply_unscaled(self, grads_and_vars: Iterable[tuple[Any, nn.Parameter]]) -> Variable:
        pairs = [(as_gradient(gradient, variable), variable) for gradient, variable in grads_and_vars]
        if pairs:
            gradients, variables = zip(*pairs, strict=True)
            self._update(gradients, variables, torch.ones_like(self._scale.detach()))
        return self.iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[nn.Parameter] | None = None) -> Variable:
        """Keras 3's way: update by the gradients of `scale_loss(loss)`."""
        variables = list(self.param_groups[0]["params"] if trainable_variables is None else trainable_variables)
        self._used.update(("get_scaled_loss", "get_unscaled_gradients"))
        return super().apply(self.get_unscaled_gradients(grads), variables)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Sequence[nn.Parameter] | Callable[[], Sequence[nn.Parameter]],
        tape: Any = None,
    ) -> list[tuple[torch.Tensor | None, nn.Parameter]]:
        """Pairs of gradient, unscaled, and variable for a loss, a tensor or a callable without arguments."""
        self._used.add("get_scaled_loss")
        loss = loss if tape is None else self.get_scaled_loss(loss)  # without a tape `scale_loss` is called
        pairs = super().compute_gradients(loss, var_list, tape)
        gradients = self.get_unscaled_gradients(gradient for gradient, _ in pairs)
        return [(gradient, variable) for gradient, (_, variable) in zip(gradients, pairs, strict=True)]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """torch's way: update every weight by its `.grad`, that of a loss which was not scaled."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        variables = [one for one in self.param_groups[0]["params"] if one.grad is not None]
        if variables:
            self._apply_unscaled([(variable.grad, variable) for variable in variables])
        return loss

    def _update(self, gradients: Gradients, variables: Sequence[nn.Parameter], factor: torch.Tensor) -> None:
        self._settle()
        present = [gradient for gradient in gradients if gradient is not None]
        if not present:
            self.inner_optimizer.update(gradients, variables)  # which says what is wrong
            return
        infinite = _unscale(present, factor)
        later = None
        if infinite.device.type == "cuda" and skips_by_itself(self.inner_optimizer, gradients, variables):
            self.inner_optimizer.found_inf = infinite
            try:
                self.inner_optimizer.update(gradients, variables)
            finally:
                self.inner_optimizer.found_inf = None
            later = _read_later(infinite)
        elif not infinite.item():
            self.inner_optimizer.update(gradients, variables)
        else:
            self._note_skipped()
        if self.dynamic:
            self._move(infinite.device)
            torch._amp_update_scale_(
                self._scale.detach(), self._good_steps.detach(), infinite, 2.0, 0.5, self.dynamic_growth_steps
            )
            self._scale.detach().clamp_(min=1.0)
        self.__dict__["_pending"] = later

    def _settle(self) -> None:
        """Take back the count of the last step, if its gradients turn out not to have been finite.

        The device has had the time of a whole step to say so: nothing waits for it.
        """
        pending, self.__dict__["_pending"] = self._pending, None
        if pending is not None and pending():
            clock = self.inner_optimizer._clock
            clock[()] = clock.item() - 1
            self._note_skipped()

    def _note_skipped(self) -> None:
        self.__dict__["_skipped"] += 1
        step = self.inner_optimizer._clock.item() + 1
        scale = self._scale.item()
        if scale <= 1.0 and "lowest" not in self._said:
            self._said.update(("lowest", "skipped"))
            self._warn(
                f"step {step}: the gradients are not finite even at a loss scale of 1; no weight is changed. "
                "Look for NaN or infinity in the data, the loss or the weights."
            )
        elif "skipped" not in self._said:
            self._said.add("skipped")
            self._warn(
                f"step {step}: the gradients are not finite; no weight is changed"
                f"{', and the loss scale is halved' if self.dynamic else ''}. A few such steps are usual while the "
                "scale finds its size; `skipped_steps` counts them."
            )

    def _move(self, device: torch.device) -> None:
        """Keep the scale where the gradients are."""
        for variable in (self._scale, self._good_steps):
            if variable.device != device:
                variable.data = variable.detach().to(device)

    # --- state ---------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> VariableList:
        """Those of the inner optimizer, then the scale and the count of finite steps where they change."""
        self._settle()
        own = [self._scale, self._good_steps] if self.dynamic else []
        return VariableList([*self.inner_optimizer.variables, *own])

    def get_weights(self) -> list[np.ndarray]:
        """The values of `variables` as numpy arrays."""
        return [variable.numpy() for variable in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign what `get_weights` of this optimizer, or of the inner one, returned."""
        weights, known = list(weights), len(self.inner_optimizer.variables)
        if self.dynamic and len(weights) == known + 2:
            self.set_loss_scale(*weights[known:])
            weights = weights[:known]
        self.inner_optimizer.set_weights(weights)

    def set_loss_scale(self, scale: Any, good_steps: Any = 0) -> None:
        """Go on from another scale, and from this number of finite steps since it last changed."""
        self._scale.assign(np.asarray(scale, "float32"))
        self._good_steps.assign(np.asarray(good_steps, "int32"))

    def state_dict(self) -> dict[str, Any]:
        """That of the inner optimizer, and the scale."""
        self._settle()
        scale = {"scale": self._scale.detach().clone(), "good_steps": self._good_steps.detach().clone()}
        return {**self.inner_optimizer.state_dict(), "loss_scale": scale}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` of this optimizer, or of the inner one, returned."""
        state = dict(state_dict)
        scale = state.pop("loss_scale", None)
        if scale is not None:
            self.set_loss_scale(float(scale["scale"]), int(scale["good_steps"]))
        self.inner_optimizer.load_state_dict(state)

    def get_config(self) -> dict[str, Any]:
        return {"inner_optimizer": optimizers.serialize(self.inner_optimizer), **self._options}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The optimizer that `get_config` described, without state."""
        arguments = dict(config)
        inner = optimizers.deserialize(arguments.pop("inner_optimizer"), custom_objects)
        return cls(inner, **arguments)

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _variable(value: float, name: str, dtype: torch.dtype) -> Variable:
    return Variable(torch.tensor(value, dtype=dtype, device=current_device()), trainable=False, name=name)


def _unscale(gradients: Sequence[torch.Tensor], factor: torch.Tensor) -> torch.Tensor:
    """Multiply the gradients by `factor` in place; 1 where any of them is not finite, else 0."""
    kinds: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = {}
    for gradient in gradients:
        kinds.setdefault((gradient.device, gradient.dtype), []).append(gradient.detach())
    found = []
    for (device, _), part in kinds.items():
        found.append(torch.zeros((), device=device))
        torch._amp_foreach_non_finite_check_and_unscale_(part, found[-1], factor.to(device))
    return found[0] if len(found) == 1 else torch.stack([one.to(found[0].device) for one in found]).amax()


def skips_by_itself(optimizer: Optimizer, gradients: Gradients, variables: Sequence[nn.Parameter]) -> bool:
    """Whether all that an update does is one of torch's kernels that leave everything as it is at `found_inf`."""
    rule = type(optimizer).fused_step
    has_kernel = rule is Adam.fused_step or (rule is SGD.fused_step and not (optimizer.nesterov and optimizer.momentum))
    if not has_kernel or optimizer.use_ema or optimizer.gradient_accumulation_steps is not None:
        return False
    if any(gradient is None for gradient in gradients):
        return False
    plan = optimizer._plan_for(variables)
    decays_apart = optimizer.weight_decay and not (plan.decays_all and optimizer.fuses_weight_decay)
    return plan.fused and not decays_apart and not plan.constrained


def _read_later(infinite: torch.Tensor) -> Callable[[], bool]:
    """Copies the number to the host meanwhile; reading it waits for that alone."""
    copied, event = infinite.to("cpu", non_blocking=True), torch.cuda.Event()
    event.record()

    def read() -> bool:
        event.synchronize()
        return bool(copied)

    return read


def with_loss_scale(optimizer: Any, layers: Iterable[Any]) -> Any:
    """The optimizer that `compile` uses for these layers: those that compute in float16 need scaled losses."""
    scales = any(layer.dtype_policy.name == "mixed_float16" for layer in layers)
    return LossScaleOptimizer(optimizer) if scales and not isinstance(optimizer, LossScaleOptimizer) else optimizer


_NAMES = ("LossScaleOptimizer", "LossScaleOptimizerV3", "lossscaleoptimizer", "lossscaleoptimizerv3")
optimizers.registry.entries.update(dict.fromkeys(_NAMES, LossScaleOptimizer))
