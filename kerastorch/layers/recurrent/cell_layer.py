"""What SimpleRNN, LSTM and GRU share: a cell of their own holds the options and the weights."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from kerastorch.engine.input_spec import InputSpec
from kerastorch.layers.recurrent.rnn import RNN

OPTIONS = (
    *("units", "activation", "recurrent_activation", "use_bias", "unit_forget_bias", "reset_after", "implementation"),
    *("kernel_initializer", "recurrent_initializer", "bias_initializer", "dropout", "recurrent_dropout"),
    *("kernel_regularizer", "recurrent_regularizer", "bias_regularizer"),
    *("kernel_constraint", "recurrent_constraint", "bias_constraint"),
)


class CellLayer(RNN):
    """A recurrent layer that makes its cell; the cell's options are attributes of the layer too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.__dict__["_sequence_spec"] = InputSpec(ndim=3)

    def _drops_each_step(self) -> bool:
        return self.cell.drops_each_step and not self.unroll

    def is_plain(self, with_children: bool = False) -> bool:
        return super().is_plain(with_children=True) and self.cell.is_plain()


for _name in OPTIONS:
    setattr(CellLayer, _name, property(attrgetter(f"cell.{_name}")))


def shared_with_cell(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The base arguments of a layer that its cell gets too."""
    return {key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs}
