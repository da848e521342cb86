"""Inference on many samples: models inside run code in which convolutions hold the normalisation that follows."""

from __future__ import annotations

from typing import Any

from torch.nn.modules import module as torch_module

from kerastorch.engine.context import structure_version


class folded_inference:
    """While it is entered, calls of `model` compute convolutions and the batch normalisation behind them as one.

    The weights of both are multiplied on entering: what changes them meanwhile has no effect. Calls in training, and
    calls after a change of structure, run the ordinary code.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def __enter__(self) -> None:
        self.before: list[tuple[Any, dict[str, Any]]] = []
        if torch_module._has_any_global_hook():
            return
        for layer in (self.model, *self.model.inner_layers):
            if getattr(layer, "graph", None) is None or layer.__dict__.get("_is_folded") or not layer.runs_its_graph():
                continue
            program = layer.inference_program()
            if not program.folding:
                continue
            self.before.append((layer, {name: layer.__dict__[name] for name in ("_programs", "_direct")}))
            function, bound, version = program.function, program.bind(), structure_version.number
            direct = layer.direct_call()
            if direct[1] is not None:
                direct = (version, function, bound, *direct[3:])
            layer.__dict__.update(_is_folded=True, _direct=direct, _programs={None: (version, False, function, bound)})

    def __exit__(self, *_: Any) -> None:
        for layer, state in self.before:
            layer.__dict__.update(state, _is_folded=False)
