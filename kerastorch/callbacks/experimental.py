"""The module in which Keras 2.3 to 2.7 had BackupAndRestore."""

from kerastorch.callbacks.backup import BackupAndRestore

__all__ = ["BackupAndRestore"]
