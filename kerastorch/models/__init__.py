"""Models, and what makes and copies them."""

from kerastorch.layers import layer_registry
from kerastorch.models.cloning import MODEL_CLASSES, clone_model, model_from_config, model_from_json
from kerastorch.models.model import Functional, Model
from kerastorch.models.sequential import Sequential
from kerastorch.saving import load_model, save_model

layer_registry.entries.update(MODEL_CLASSES)  # models are layers of other models

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "save_model",
]
