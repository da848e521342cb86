"""What is measured, what is asked of it, and who is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

HAND, OURS = "hand", "ours"


@dataclass(frozen=True)
class Target:
    """An upper limit for ours: as a ratio to another contender, as a difference from it, or as it stands."""

    limit: float
    against: str = HAND
    kind: Literal["ratio", "difference", "value"] = "ratio"
    shares: int = 1  # what a difference is divided by, such as the number of layers that cause it


@dataclass(frozen=True)
class Case:
    """One row of the table: every contender runs the job of this name with these parameters.

    A job is a function `job(library, **parameters)` that prepares its work and returns a piece: a function
    without arguments. `time` is the time of a piece; `growth` the memory that repeating the piece takes and
    `growth of job` that repeating job and piece takes, in a new process; `growth to peak` the most that a second
    run of the piece takes beyond what was there; `peak of job` the most memory that a new process has had after job
    and piece; `import` the time of importing the library, for which there is no job.
    """

    title: str
    job: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    measure: Literal["time", "growth", "growth of job", "growth to peak", "peak of job", "import"] = "time"
    operations: int = 1  # the steps or calls in one piece; the table shows the time of one
    repeats: int = 1  # how often the piece is repeated while memory grows
    terminal: bool = True  # whether the contender takes its output for a terminal

    @property
    def grows(self) -> bool:
        """Whether memory is measured, in a process of its own."""
        return self.measure.startswith(("growth", "peak"))


@dataclass(frozen=True)
class Contender:
    """A library, the module of each suite that holds the jobs for it, and the environment that it needs."""

    name: str
    library: str
    jobs: str
    peer: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


TENSORFLOW = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
CONTENDERS = (
    Contender(HAND, "torch", "hand"),
    Contender(OURS, "kerastorch", "keras_like"),
    Contender("keras", "keras", "keras_like", peer=True, environment={"KERAS_BACKEND": "torch"}),
    Contender("tf_keras", "tf_keras", "keras_like", peer=True, environment=TENSORFLOW),
    Contender("lightning", "lightning", "lightning_module", peer=True),
)
