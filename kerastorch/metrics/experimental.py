"""Metrics that compute in plain Python."""

from __future__ import annotations

from typing import Any

from kerastorch.metrics.base import Metric


class PyMetric(Metric):
    """Base of metrics whose state is plain Python values, which `reset_state` makes.

    `update_state` receives detached tensors, so that numpy and scikit-learn take them.

    >>> class Count(PyMetric):
    ...     def reset_state(self):
    ...         self.count = 0
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.count += len(y_true)
    ...     def result(self):
    ...         return self.count
    >>> Count()([1, 2], [1, 3])
    2
    """

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.reset_state()
