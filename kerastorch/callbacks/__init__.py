"""Callbacks: what `fit`, `evaluate` and `predict` call between batches and epochs."""

from kerastorch.callbacks import experimental
from kerastorch.callbacks.averages import SwapEMAWeights
from kerastorch.callbacks.backup import BackupAndRestore
from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.callback_list import CallbackList
from kerastorch.callbacks.checkpoint import ModelCheckpoint
from kerastorch.callbacks.finder import LRFinder
from kerastorch.callbacks.gradients import GradientReport
from kerastorch.callbacks.history import BaseLogger, History
from kerastorch.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from kerastorch.callbacks.logs import LazyLogs, Logs
from kerastorch.callbacks.progress import Progbar, ProgbarLogger
from kerastorch.callbacks.records import CSVLogger, LambdaCallback
from kerastorch.callbacks.remote import RemoteMonitor
from kerastorch.callbacks.stopping import EarlyStopping, TerminateOnNaN
from kerastorch.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "GradientReport",
    "History",
    "LRFinder",
    "LambdaCallback",
    "LazyLogs",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "Progbar",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "experimental",
]
