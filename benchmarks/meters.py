"""What a worker reads off a piece: seconds, or megabytes."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Piece = Callable[[], object]


def synchronise() -> None:
    """Wait for the accelerator that torch uses, if there is one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.accelerator.is_available():
        torch.accelerator.synchronize()


def seconds(piece: Piece, at_least: float = 0.1) -> float:
    """The wall time of a piece; a short one is repeated for a tenth of a second."""
    repeats, elapsed = 0, 0.0
    synchronise()
    start = time.perf_counter()
    while elapsed < at_least:
        piece()
        synchronise()
        repeats += 1
        elapsed = time.perf_counter() - start
    return elapsed / repeats


def seconds_of_import(library: str) -> float:
    """The time of an import in a new interpreter, without the start of the interpreter."""
    code = f"import time; start = time.perf_counter(); import {library}; print(time.perf_counter() - start)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return float(output.split()[-1])


def resident_megabytes() -> float:
    """The memory of this process, without what its allocator merely keeps for later.

    Where the system does not tell (no /proc), the most that the process ever had.
    """
    import resource  # which Windows lacks

    status = Path("/proc/self/statm")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc; without it some 8 MB come and go
    if give_back is not None:
        give_back(0)
    return int(status.read_text().split()[1]) * resource.getpagesize() / 2**20


def growth(piece: Piece, repeats: int) -> float:
    """The megabytes by which repeating a piece grows the process while no garbage is collected."""
    gc.disable()
    try:
        for _ in range(max(1, repeats // 10)):
            piece()
        before = resident_megabytes()
        for _ in range(repeats):
            piece()
        return resident_megabytes() - before
    finally:
        gc.enable()


def peak(piece: Piece) -> float:
    """The most megabytes that this process has ever had, after a piece."""
    import resource  # which Windows lacks

    piece()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def growth_to_peak(piece: Piece) -> float:
    """The megabytes that a piece takes at its worst moment beyond those before.

    Only Linux tells; elsewhere a ValueError says so.
    """
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not clear.exists():
        raise ValueError("growth_to_peak: expected a system with /proc/self/clear_refs; received another. Use Linux.")
    gc.collect()
    before = resident_megabytes()  # which gives back what the allocator kept, so it comes first
    clear.write_text("5")
    piece()
    highest = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(highest.split()[1]) / 2**10 - before
