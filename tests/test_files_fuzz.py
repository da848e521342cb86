"""Damaged files: each loads or is refused, in seconds, in a gigabyte, and without harm to the process."""

from __future__ import annotations

import pytest

import file_fuzzing


def check(numbers: range) -> None:
    counts, wrong, longest = file_fuzzing.run(numbers)
    assert wrong == {}
    assert counts["loaded"] > len(numbers) / 4, counts  # a flipped byte is most often in a number
    assert counts["refused"] > len(numbers) / 4, counts
    assert longest < file_fuzzing.PATIENCE


def test_some_damaged_files() -> None:
    check(range(300))


@pytest.mark.fuzz
def test_twenty_thousand_damaged_files() -> None:
    check(range(1000, 21_000))
