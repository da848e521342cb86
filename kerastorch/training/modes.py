"""The modes that a model is in while it is trained or evaluated, and out of again afterwards."""

from __future__ import annotations

from typing import Any

from kerastorch.engine.context import call_context


class training_mode:
    """Put a model and the torch modules inside into training or inference, and back."""

    def __init__(self, model: Any, training: bool) -> None:
        self.model, self.training = model, training

    def __enter__(self) -> None:
        self.before, self.was_said = self.model.training, call_context.training_was_said
        call_context.training_was_said = True
        if self.before != self.training:
            self.model.train(self.training)

    def __exit__(self, *_: Any) -> None:
        if self.before != self.training:
            self.model.train(self.before)
        call_context.training_was_said = self.was_said


class trainable_as_compiled:
    """Freeze and thaw layers as they were when the model was compiled, and back.

    tf.keras trains what was trainable at `compile`; a GAN's discriminator is compiled, then frozen for the other model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def __enter__(self) -> None:
        flags = self.model._trainable_when_compiled
        layers = (self.model, *self.model.inner_layers)
        self.changed = [layer for layer in layers if flags.get(id(layer), layer.trainable) is not layer.trainable]
        for layer in self.changed:
            layer.set_own_trainable(not layer.trainable)

    def __exit__(self, *_: Any) -> None:
        for layer in self.changed:
            layer.set_own_trainable(not layer.trainable)
