"""Which generator draws: torch's is always used, so these settings change nothing."""

from __future__ import annotations


def enable_tf_random_generator() -> None:
    """Accepted for programs that choose TensorFlow's generator."""


def disable_tf_random_generator() -> None:
    """Accepted for programs that choose TensorFlow's generator."""


def is_tf_random_generator_enabled() -> bool:
    """False: numbers come from torch's generator."""
    return False
