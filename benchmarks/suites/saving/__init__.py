"""ResNet50's weights to files and back, beside `torch.save` and `torch.load` of the same bytes on the same disk."""

from __future__ import annotations

from benchmarks.cases import Case, Target

FORMATS = (".h5", ".weights.h5", ".keras", ".safetensors", ".pt")
MEGABYTES = 102.5  # of the weights; a file may take 1.3 times as much in all
LIMIT = 1.5


def cases(quick: bool) -> list[Case]:
    """All cases in the order of the table."""
    result = []
    for suffix in FORMATS:
        parameters = {"suffix": suffix}
        result.append(Case(f"save as {suffix}, until it is on the disk", "save", parameters, (Target(LIMIT),)))
        result.append(Case(f"load {suffix}", "load", parameters, (Target(LIMIT),)))
    for suffix in FORMATS:
        parameters = {"suffix": suffix}
        more = (Target(0.3 * MEGABYTES, kind="value"),) if suffix in FORMATS[:3] else ()
        result.append(Case(f"memory beside the weights: save as {suffix}", "save", parameters, more, "growth to peak"))
        result.append(Case(f"memory beside the weights: load {suffix}", "load", parameters, more, "growth to peak"))
    return result
