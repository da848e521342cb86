"""The shape of the project: layers of imports, rules of the code, what an import costs, what is packaged."""

from __future__ import annotations

import ast
import io
import re
import statistics
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import kerastorch

ROOT = Path(__file__).resolve().parents[1]

# A module imports only from the lines above its own: never from below, never from its siblings.
LAYERS = [
    {"_mount"},
    {"core"},
    {"ops"},
    {"data"},
    {"activations", "initializers", "regularizers", "constraints", "losses", "random"},
    {"engine"},
    {"layers", "metrics", "optimizers"},
    {"mixed_precision"},
    {"callbacks"},
    {"training"},
    {"saving"},
    {"models"},
    {"preprocessing", "datasets"},
    {"utils", "explain", "wrappers", "distribute", "tuner", "export"},
    {"applications"},
    {"backend", "objectives", "optimizer_v2", "tf", "porting"},
    {"config"},
    {"kerastorch"},  # the package's own __init__.py
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def library_files() -> dict[str, Path]:
    """Module names of the library with their files."""
    files = {}
    for folder, prefix in (
        (ROOT / "kerastorch", "kerastorch"),
        (ROOT / "applications", "kerastorch.applications"),
    ):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            files[".".join((prefix, *parts))] = path
    return files


FILES = library_files()
each_file = pytest.mark.parametrize("module", FILES)


def top(module: str) -> str:
    """The entry of LAYERS that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def own_imports(module: str, path: Path, tree: ast.AST) -> list[tuple[str, ast.stmt]]:
    """The modules of the project that the import statements in `tree` name."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            names = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node) for name in names if name.split(".")[0] == "kerastorch"]
    return found


def violations(module: str, path: Path, source: str) -> list[str]:
    """What the imports of a file break: the order of the layers, or the rule that they stand at the top."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    problems = []
    own = top(module)
    for name, node in own_imports(module, path, tree):
        other = top(name)
        if id(node) in inside:
            problems.append(f"line {node.lineno}: {name} is imported inside a function")
        if other != own and RANK.get(other, len(LAYERS)) >= RANK[own]:
            problems.append(f"line {node.lineno}: {own} imports {name}, which is not below it")
    return problems


@each_file
def test_imports_go_downwards_only(module):
    assert top(module) in RANK, f"{module} has no place in LAYERS"
    assert violations(module, FILES[module], FILES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "file", "source", "count"),
    [
        ("kerastorch.layers.dense", "dense.py", "from kerastorch.engine.layer import Layer", 0),
        ("kerastorch.layers.dense", "dense.py", "from . import pooling\nfrom .pooling import x", 0),
        ("kerastorch.layers.dense", "dense.py", "from ..engine import layer", 0),
        ("kerastorch.layers", "__init__.py", "from .core import Dense", 0),
        ("kerastorch.layers.dense", "dense.py", "import torch, kerastorch.core.config", 0),
        ("kerastorch.layers.dense", "dense.py", "from ..metrics import Mean", 1),
        ("kerastorch.layers.dense", "dense.py", "from kerastorch import models", 1),
        ("kerastorch.layers.dense", "dense.py", "import kerastorch", 1),
        ("kerastorch.layers.dense", "dense.py", "import kerastorch.unheard_of", 1),
        ("kerastorch.layers.dense", "dense.py", "def f():\n    from kerastorch.engine import layer", 1),
        ("kerastorch.applications.resnet", "resnet.py", "from kerastorch.models import Model", 0),
        ("kerastorch.models", "__init__.py", "from kerastorch.applications import resnet", 1),
        ("kerastorch", "__init__.py", "from kerastorch import layers, models, backend", 0),
        ("kerastorch.tf", "tf.py", "from kerastorch import backend", 1),
    ],
)
def test_the_check_of_imports_sees_what_it_should(module, file, source, count):
    assert len(violations(module, Path(file), source)) == count


def broken_rules(source: str) -> list[str]:
    """The rules of the library's code that a source text breaks."""
    problems = []
    for node in ast.walk(ast.parse(source, feature_version=(3, 10))):
        if isinstance(node, ast.Assert):
            problems.append(f"line {node.lineno}: assert vanishes under -O; raise an error")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            problems.append(f"line {node.lineno}: print; write to sys.stdout where Keras prints")
        elif isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or getattr(kind, "id", "") in ("Exception", "BaseException") for kind in caught):
                problems.append(f"line {node.lineno}: except catches everything; name the errors")
        elif isinstance(node, ast.Global):
            problems.append(f"line {node.lineno}: global; keep state in an object")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string):
            problems.append(f"line {token.start[0]}: an unfinished thing belongs into the tracker")
    return problems


@each_file
def test_library_code_keeps_the_rules(module):
    assert broken_rules(FILES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "assert x",
        "print(x)",
        "try:\n    f()\nexcept:\n    g()",
        "try:\n    f()\nexcept Exception as error:\n    g()",
        "try:\n    f()\nexcept (ValueError, BaseException):\n    g()",
        "def f():\n    global x\n    x = 1",
        "x = 1  # TODO: more",
    ],
)
def test_the_check_of_rules_sees_what_it_should(source):
    assert len(broken_rules(source)) == 1


def run(code: str, **options) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, **options
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


HEAVY = ["matplotlib", "pandas", "tensorflow", "keras", "tf_keras", "torchvision", "h5py", "PIL", "IPython"]


def test_import_kerastorch_is_light():
    assert run(f"import sys, kerastorch; print(*set({HEAVY!r}) & set(sys.modules))") == ""


def test_applications_are_found_in_a_clone():
    output = run(
        "import kerastorch.applications, kerastorch\n"
        "from kerastorch import applications\n"
        "print(applications.__name__, applications is kerastorch.applications, applications.__file__)"
    )
    assert output == f"kerastorch.applications True {ROOT / 'applications' / '__init__.py'}"


def test_no_other_folder_of_a_clone_becomes_a_module():
    output = run(
        "import kerastorch\n"
        "from importlib.util import find_spec\n"
        "print([find_spec(f'kerastorch.{name}') for name in ('tests', 'examples', 'benchmarks')])"
    )
    assert output == "[None, None, None]"


def listed_in_pyproject(key: str) -> list[str]:
    """The strings of a list in pyproject.toml (Python 3.10 has no reader of TOML)."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"([^"]+)"', re.search(rf"^{key} = \[(.*?)\]$", text, re.DOTALL | re.MULTILINE)[1])


def test_every_package_is_listed_for_the_wheel():
    packages = [module for module, path in FILES.items() if path.name == "__init__.py"]
    assert sorted(listed_in_pyproject("packages")) == sorted(packages)


def test_every_folder_of_the_library_is_a_package():
    folders = {path.parent for path in FILES.values()}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_required_dependencies_are_the_five():
    names = [re.match(r"[a-z0-9_-]+", name)[0] for name in listed_in_pyproject("dependencies")]
    assert names == ["torch", "torchvision", "numpy", "h5py", "pillow"]


def test_the_versions_agree():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.*)"$', text, re.MULTILINE)[1] == kerastorch.__version__
    assert f"## {kerastorch.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_types_ship():
    assert (ROOT / "kerastorch" / "py.typed").is_file()
    assert 'kerastorch = ["py.typed"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def code_lines(node: ast.ClassDef, source: list[str]) -> int:
    """Lines of a class that are neither blank nor comment nor docstring."""
    documented = {
        line
        for inner in ast.walk(node)
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner)
        for line in range(inner.body[0].lineno, inner.body[0].end_lineno + 1)
    }
    lines = set(range(node.lineno, node.end_lineno + 1)) - documented
    return sum(bool(text := source[line - 1].strip()) and not text.startswith("#") for line in lines)


def test_layers_are_short():
    public = set(kerastorch.layers.__all__)
    lengths = {}
    for path in (ROOT / "kerastorch" / "layers").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
        lengths |= {node.name: code_lines(node, text.splitlines()) for node in classes if node.name in public}
    assert len(lengths) > 90
    assert statistics.median(lengths.values()) <= 30
