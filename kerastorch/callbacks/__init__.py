"""Callbacks: what `fit`, `evaluate` and `predict` call between batches and epochs."""

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.callback_list import CallbackList
from kerastorch.callbacks.history import BaseLogger, History
from kerastorch.callbacks.logs import LazyLogs, Logs
from kerastorch.callbacks.progress import Progbar, ProgbarLogger

__all__ = [
    "BaseLogger",
    "Callback",
    "CallbackList",
    "History",
    "LazyLogs",
    "Logs",
    "Progbar",
    "ProgbarLogger",
]
