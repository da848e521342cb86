"""Fully connected layers over any axes, written as an einsum."""

from __future__ import annotations

import math
import re
from typing import Any

import torch

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer

_FORMS = (
    re.compile(r"()([a-zA-Z]+)(),([a-zA-Z]+)->([a-zA-Z]+)"),
    re.compile(r"(\.\.\.)([a-zA-Z]+)(),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)"),
    re.compile(r"()([a-zA-Z]{2,})(\.\.\.),([a-zA-Z]+)->([a-zA-Z]+)\.\.\."),
)


class EinsumDense(Layer):
    """A fully connected layer over any axes: `activation(einsum(equation, inputs, kernel) + bias)`.

    `equation` is 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...'; `output_shape` has the sizes of the output without
    the batch and without what '...' stands for, None where they follow from the input. `bias_axes` names the axes of
    the output along which the bias varies.
    Raises ValueError for an equation of another form, or whose letters have no size or two.

    >>> EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")(torch.zeros(1, 5, 4)).shape
    torch.Size([1, 5, 2, 3])
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.equation = equation
        self.partial_output_shape = [output_shape] if isinstance(output_shape, int) else list(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias = None
        self._parse()

    def _parse(self) -> None:
        """Take the equation apart, and refuse what no input could satisfy."""
        form = next((found for form in _FORMS if (found := form.fullmatch(str(self.equation)))), None)
        if form is None:
            raise self._error("an equation such as 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...'", self.equation)
        self._left, self._inputs, self._right, self._weights, self._outputs = form.groups()
        for letter in self._outputs:
            if letter not in self._inputs + self._weights:
                raise self._error(f"the output axis '{letter}' in the input or the kernel", self.equation)
        for letter in self._weights:
            if letter not in self._inputs + self._outputs:
                raise self._error(f"the kernel axis '{letter}' in the input or the output", self.equation)
        for letter in self.bias_axes or "":
            if letter not in self._outputs:
                raise self._error(f"bias_axes out of '{self._outputs}', the axes of the output", self.bias_axes)
        if len(self.partial_output_shape) != len(self._outputs) - (not self._left):
            named = self._outputs if self._left else self._outputs[1:]
            raise self._error(f"output_shape with a size for each of '{named}'", self.partial_output_shape)

    def _error(self, expected: str, received: Any) -> ValueError:
        return ValueError(
            f"EinsumDense '{self.name}': expected {expected}; received {received!r}. "
            "Write one letter an axis; the batch is the first, or part of '...'."
        )

    def _sizes(self, input_shape: Any) -> dict[str, Any]:
        """The size of each letter, and under '...' those that it stands for."""
        count = len(self._inputs)
        elided = len(input_shape) - count
        if elided < 0 or (elided and not self._left and not self._right):
            raise self._error(f"an input of rank {count}{' at least' * bool(self._left or self._right)}", input_shape)
        start = elided if self._left else 0
        sizes: dict[str, Any] = dict(zip(self._inputs, input_shape[start : start + count], strict=True))
        wanted = self.partial_output_shape if self._left else (None, *self.partial_output_shape)
        for letter, size in zip(self._outputs, wanted, strict=True):
            known = sizes.get(letter)
            if size is not None and known is not None and size != known:
                raise self._error(f"size {known} for the axis '{letter}' in output_shape, as in the input", size)
            sizes[letter] = known if size is None else size
        sizes["..."] = tuple(input_shape[:start] if self._left else input_shape[count:])
        return sizes

    def build(self, input_shape: Any) -> None:
        sizes = self._sizes(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            [sizes[letter] for letter in self._weights],
            None,
            self.kernel_initializer,
            self.kernel_regularizer,
            True,
            self.kernel_constraint,
        )
        if self.bias_axes:
            spread = self._outputs[min(map(self._outputs.index, self.bias_axes)) :]
            shape = [sizes[letter] if letter in self.bias_axes else 1 for letter in spread]
            shape += [1] * len(sizes["..."]) if self._right else []
            self.bias = self.add_weight(
                "bias", shape, None, self.bias_initializer, self.bias_regularizer, True, self.bias_constraint
            )
        offset = -len(self._inputs) if self._left else 0
        axes = {place + offset: sizes[c] for place, c in enumerate(self._inputs) if c in self._weights}
        self.input_spec = InputSpec(min_ndim=len(self._inputs), axes=axes)
        self._contracted = self._matrix_product(sizes)

    def _matrix_product(self, sizes: dict[str, Any]) -> tuple[int, int, int, tuple[int, ...]] | None:
        """Where the last axes of input are the first of the kernel and nothing else is shared: how many they are,
        rows and columns of the kernel as a matrix, and the output's new sizes. None for any other einsum."""
        new = "".join(letter for letter in self._weights if letter not in self._inputs)
        shared = self._weights.removesuffix(new)
        free = self._inputs.removesuffix(shared)
        plain = bool(shared) and not self._right and len(free) + len(shared) == len(self._inputs)
        whole_bias = not self.bias_axes or set(self.bias_axes) == set(new)
        if not (plain and whole_bias and len(shared) + len(new) == len(self._weights) and self._outputs == free + new):
            return None
        rows, columns = math.prod(sizes[c] for c in shared), math.prod(sizes[c] for c in new)
        return len(shared), rows, columns, tuple(sizes[c] for c in new)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if not inputs.is_floating_point():
            inputs = inputs.to(self._dtype)
        kernel, bias = self._parameters["kernel"], self._parameters.get("bias")
        if self._contracted is None:
            outputs = torch.einsum(self.equation, inputs, kernel)
            outputs = outputs if bias is None else outputs + bias
        else:
            axes, rows, columns, new = self._contracted
            matrix, kernel = inputs.reshape(-1, rows), kernel.view(rows, columns)
            outputs = matrix.mm(kernel) if bias is None else torch.addmm(bias.view(columns), matrix, kernel)
            outputs = outputs.view(*inputs.shape[:-axes], *new)
        return activations.apply_in_place(self.activation, outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = self._sizes(input_shape)
        named = tuple(sizes[letter] for letter in self._outputs)
        return (*sizes["..."], *named) if self._left else (*named, *sizes["..."])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_shape": list(self.partial_output_shape)}
