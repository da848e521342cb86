"""Where earlier Keras kept the drawing of models."""

from kerastorch.utils.model_plot import model_to_dot, plot_model

__all__ = ["model_to_dot", "plot_model"]
