"""The ways to ask an optimizer for an update: those of Keras 2, of Keras 3 and of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.variable import Variable
from kerastorch.optimizers.gradients import as_gradient
from kerastorch.optimizers.slots import Slots

Gradients = Sequence[torch.Tensor | None]


class Interface(Slots):
    """Turns pairs, losses and `.grad` into lists for `update`."""

    loss_scale_factor: float | None
    iterations: Variable

    def update(self, gradients: Gradients, variables: Sequence[nn.Parameter]) -> None:
        raise NotImplementedError

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, nn.Parameter]], name: str | None = None, **options: Any
    ) -> Variable:
        """Update each variable, any `nn.Parameter`, by its gradient and return `iterations`.

        Pairs whose gradient is None are skipped with a warning; ValueError when all are. `name` and the
        aggregation options of Keras are accepted and have no effect.

        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> int(SGD(0.5).apply_gradients([(torch.ones(2), weight)]))
        1
        """
        self._reject_unknown(
            {
                key: value
                for key, value in options.items()
                if key not in ("skip_gradients_aggregation", "experimental_aggregate_gradients")
            }
        )
        pairs = [(as_gradient(gradient, variable), variable) for gradient, variable in grads_and_vars]
        if pairs:
            self.update([gradient for gradient, _ in pairs], tuple(variable for _, variable in pairs))
        return self.iterations

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[nn.Parameter] | None = None) -> Variable:
        """Keras 3's way: update the variables, by default those of `build`, by as many gradients."""
        gradients = list(grads)
        variables = list(self.param_groups[0]["params"] if trainable_variables is None else trainable_variables)
        if len(gradients) != len(variables):
            raise self._error(
                f"a gradient for each of {len(variables)} variables",
                f"{len(gradients)}",
                "Pass the variables as well, or call build(variables) with all of them first.",
            )
        return self.apply_gradients(zip(gradients, variables, strict=True))

    def aggregate_gradients(self, grads_and_vars: Iterable[tuple[Any, nn.Parameter]]) -> list[tuple[Any, nn.Parameter]]:
        """The pairs as they are: there is one replica."""
        return list(grads_and_vars)

    def scale_loss(self, loss: torch.Tensor) -> torch.Tensor:
        """`loss` times `loss_scale_factor`, by which the update divides its gradients."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def compute_gradients(
        self,
        loss: Any,
        var_list: Sequence[nn.Parameter] | Callable[[], Sequence[nn.Parameter]],
        tape: Any = None,
    ) -> list[tuple[torch.Tensor | None, nn.Parameter]]:
        """Pairs of gradient and variable for a loss, which is a tensor or a callable without arguments."""
        if callable(loss) and not isinstance(loss, torch.Tensor):
            with torch.enable_grad():
                loss = loss()
        variables = list(var_list() if callable(var_list) else var_list)
        if tape is not None:
            return list(zip(tape.gradient(loss, variables), variables, strict=True))
        if loss.dim():
            loss = loss.sum()  # tf.GradientTape adds up the elements of what it differentiates
        gradients = torch.autograd.grad(self.scale_loss(loss), variables, allow_unused=True)
        return list(zip(gradients, variables, strict=True))

    def minimize(
        self,
        loss: Any,
        var_list: Sequence[nn.Parameter] | Callable[[], Sequence[nn.Parameter]],
        tape: Any = None,
        name: str | None = None,
    ) -> Variable:
        """One update of `var_list` down the gradient of `loss`, a tensor or a callable without arguments.

        >>> weight = Variable(2.0)
        >>> _ = SGD(0.25).minimize(lambda: weight**2, [weight])
        >>> weight.numpy()
        array(1., dtype=float32)
        """
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """torch's way: update every weight by its `.grad`; returns what `closure`, the loss anew, gives."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not self.built:
            raise self._error("a built optimizer", "step() before build", "Call build(model.parameters()) first.")
        variables = self.param_groups[0]["params"]
        gradients = [variable.grad for variable in variables]
        if any(gradient is None or gradient.layout != torch.strided for gradient in gradients):
            variables = tuple(v for v, g in zip(variables, gradients, strict=True) if g is not None)
            gradients = [g.to_dense() if g.layout != torch.strided else g for g in gradients if g is not None]
        if variables:
            self.update(gradients, variables)
        return loss

    def assign(self, variable: torch.Tensor, value: Any) -> None:
        """Write `value` into a variable; rules written for Keras 3 do it this way."""
        variable.copy_(torch.as_tensor(value))

    def assign_add(self, variable: torch.Tensor, value: Any) -> None:
        """Add `value` to a variable."""
        variable.add_(value)

    def assign_sub(self, variable: torch.Tensor, value: Any) -> None:
        """Subtract `value` from a variable."""
        variable.sub_(value)
