"""Callbacks: what `fit`, `evaluate` and `predict` call between batches and epochs."""

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.callback_list import CallbackList
from kerastorch.callbacks.checkpoint import ModelCheckpoint
from kerastorch.callbacks.history import BaseLogger, History
from kerastorch.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from kerastorch.callbacks.logs import LazyLogs, Logs
from kerastorch.callbacks.progress import Progbar, ProgbarLogger
from kerastorch.callbacks.records import CSVLogger, LambdaCallback
from kerastorch.callbacks.stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LazyLogs",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "Progbar",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
