"""Where data enters a model."""

from __future__ import annotations

from typing import Any

from kerastorch.core.config import floatx
from kerastorch.core.naming import names
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import KerasTensor, Node, TensorSpec


class InputLayer(Layer):
    """The place where data enters a model; `Input` makes one and returns its symbolic tensor.

    Shapes: `input_shape` without the batch axis, `batch_input_shape` with it; None where unknown.
    """

    def __init__(
        self,
        input_shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_input_shape: Any = None,
        shape: Any = None,
        batch_shape: Any = None,
        optional: bool = False,
        **kwargs: Any,
    ) -> None:
        input_shape = shape if input_shape is None else input_shape
        full = batch_input_shape if batch_input_shape is not None else batch_shape
        if full is None:
            input_shape = () if input_shape is None else input_shape
            full = (batch_size, *((input_shape,) if isinstance(input_shape, int) else input_shape))
        if any(size is not None and (not isinstance(size, int) or size < 0) for size in full):
            raise ValueError(
                f"InputLayer '{name or 'input'}': expected a shape of integers or None; received {tuple(full)}. "
                "Give the shape of one sample, without the batch axis: Input(shape=(28, 28, 1))."
            )
        super().__init__(
            name=name or names.next("input", first_is_bare=False),
            dtype=floatx() if dtype is None else dtype,  # whatever the policy: data come in full precision
            batch_input_shape=full,
            **kwargs,
        )
        self.sparse, self.ragged = bool(sparse), bool(ragged)
        self.built = True
        # the layer keeps its node alive here, and here only: every other layer's node holds the layer
        self.__dict__["_spec"] = TensorSpec(tuple(full), self._dtype)

    def call(self, inputs: Any) -> Any:
        return inputs

    def new_tensor(self) -> KerasTensor:
        """The symbolic tensor of this input."""
        return Node(self, (), {}, self._spec).outputs

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_input_shape": self._batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
) -> KerasTensor:
    """The symbolic tensor that a functional model starts from.

    `shape` is the shape of one sample, None for sizes that vary; the batch axis is added in front.
    Raises ValueError for a shape that is not made of integers and None.

    >>> Input(shape=(28, 28, 1)).shape
    (None, 28, 28, 1)
    """
    if tensor is not None:
        return tensor
    if shape is None and batch_shape is None:
        raise ValueError("Input: expected a shape; received none. Pass the shape of one sample: Input(shape=(784,)).")
    return InputLayer(
        input_shape=shape,
        batch_size=batch_size,
        name=name,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_input_shape=batch_shape,
    ).new_tensor()
