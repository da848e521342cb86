"""What `keras.engine.topology` held of layers."""

from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import Node

__all__ = ["InputSpec", "Layer", "Node"]
