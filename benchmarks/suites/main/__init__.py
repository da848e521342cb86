"""The everyday work: training, inference, overheads, import and memory of two small networks."""

from __future__ import annotations

from benchmarks.cases import Case, Target

CALLS = 10
LAYERS = 50


def fit(network: str, batch: int, steps: int, hand: float, keras: float, tf_keras: float) -> Case:
    """One epoch a piece, with accuracy and the bar of a terminal."""
    parameters = {"network": network, "batch": batch, "samples": steps * batch}
    targets = (Target(hand), Target(keras, "keras"), Target(tf_keras, "tf_keras"))
    return Case(f"fit {network}, batch {batch}: one step", "fit", parameters, targets, operations=steps)


def cases(quick: bool) -> list[Case]:
    """All cases in the order of the table."""
    plain = {"network": "MLP", "batch": 32, "samples": 300 * 32}
    title = "fit MLP, batch 32, output no terminal: one step"
    result = [
        fit("MLP", 32, 300, hand=0.9, keras=1 / 3.5, tf_keras=0.55),
        fit("MLP", 128, 200, hand=0.9, keras=1 / 2.3, tf_keras=0.55),
        fit("CNN", 32, 150, hand=1.0, keras=1 / 2.5, tf_keras=1.0),
        Case(title, "fit", plain, (Target(0.9),), operations=300, terminal=False),
    ]
    for network in ("MLP", "CNN"):
        many = {"network": network, "batch": 32, "samples": 10_000}
        one = {"network": network, "calls": CALLS}
        result += [
            Case(f"predict {network}, 10,000 images", "predict", many, (Target(1.05),)),
            Case(f"evaluate {network}, 10,000 images", "evaluate", many, (Target(1.05),)),
            Case(f"predict {network}, one image", "predict_one", one, (Target(3.0),), operations=CALLS),
            Case(f"model(x) {network}, one image", "call", one, (Target(2.0),), operations=CALLS),
        ]
    rounds, calls = (20, 200) if quick else (100, 1000)
    few = {"batch": 32, "samples": 64}
    memory = (Target(5.0, kind="value"),)
    chain = (Target(4e-6, kind="difference", shares=LAYERS),)
    result.append(Case(f"model(x), chain of {LAYERS} layers", "chain", {"layers": LAYERS}, chain))
    result.append(Case("import", targets=(Target(1.15),), measure="import"))
    for network in ("MLP", "CNN"):
        title, parameters = f"memory: {rounds} x build, fit, del {network}", {"network": network, **few}
        result.append(Case(title, "fit", parameters, memory, "growth of job", repeats=rounds))
    title = f"memory: {calls} x predict CNN"
    result.append(Case(title, "predict", {"network": "CNN", **few}, memory, "growth", repeats=calls))
    return result
