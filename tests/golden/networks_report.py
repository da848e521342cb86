"""Writes docs/networks.md: how far the features of every network of `applications` are from tf_keras' in float64.

It reads what test_applications_parity.py has noted:

    pytest -m parity tests/test_applications_parity.py --junitxml=parity.xml -o junit_family=xunit1
    python tests/golden/networks_report.py parity.xml [more.xml ...]
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from cases_applications import NETWORKS, TRAINED  # noqa: E402

KINDS = ("float64", "float32", "tf_keras in float32")
HEAD = """# Networks beside tf_keras

Each network gets random weights from a file that tf_keras has written (`save_weights('w.h5')`), and computes the
features of four pictures. The columns are the largest differences from tf_keras' features in float64, as a share of
the largest feature: ours in float64, ours in float32, and tf_keras' own in float32, there with the weights that we
have written back. With random weights some networks magnify what rounding leaves in the first layer ten thousand
times; so float64 says whether the layers are the same (limit 1e-9), and float32 stands beside tf_keras' own (limit
1e-4, or three times that). "Trained" networks went through three steps of SGD in both in float64 as well: losses, and
every weight and moving average by the share of its way, agree to 1e-4. `make parity` writes this file.

"""


def main(*reports: str) -> None:
    found: dict[str, dict[str, float]] = {}
    for case in (case for report in reports for case in ElementTree.parse(report).iter("testcase")):
        name = case.get("name", "").partition("[")[2].rstrip("]")
        if name in NETWORKS and case.find("failure") is None and case.find("error") is None:
            properties = {one.get("name"): float(one.get("value", "nan")) for one in case.iter("property")}
            found[name] = {kind: properties[kind] for kind in KINDS if kind in properties}
    missing = [name for name in NETWORKS if len(found.get(name, ())) < len(KINDS)]
    if missing:
        sys.exit(
            f"networks_report: expected results of all networks; none of {', '.join(missing)}. Run the tests again."
        )
    lines = ["| | float64 | float32 | tf_keras in float32 | trained |", "| --- | ---: | ---: | ---: | --- |"]
    for name in NETWORKS:
        values = " | ".join(f"{found[name][kind]:.1e}" for kind in KINDS)
        lines.append(f"| {name} | {values} | {'yes' if name in TRAINED else ''} |")
    (TESTS.parent / "docs" / "networks.md").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


main(*sys.argv[1:])
