"""The house's walls: who may import whom, and what no module may do."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dlkit

PACKAGE = Path(dlkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the ground up. A module may import its own layer and those below it.
LAYERS = [
    {"errors", "records", "jit", "llvm", "machine", "signals", "__init__"},
    {"config"},
    {"console", "progress", "options"},
    {"artifacts", "vectors"},
    {"data"},
    {"training", "neighbours", "report"},
    {"encoders"},
    {"classifiers"},
    {"knn", "classify", "cnn", "word2vec", "similar"},
    {"app"},
    {"__main__"},
]
ROOMS = {"knn", "classify", "cnn", "word2vec", "similar"}
# Networks of cnn, which cnn/model.py makes by name, and what follows them: torch too, imported in
# bodies only.
NETWORKS = {
    f"cnn.{each}"
    for each in (
        "network",
        "plain",
        "vgg",
        "resnet",
        "fast",
        "torchvisions",
        "following",
        "probabilities",
    )
}
# What of the rooms encodes inputs for others: encoders alone may know it.
ENCODING = ("cnn.encoding", "cnn.search.encoding", "word2vec.encoding")
HEAVY = {
    "torch",
    "torchvision",
    "datasets",
    "numba",
    "llvmlite",
    "matplotlib",
    "rjieba",
    "pyarrow",
    "sklearn",
    "skimage",
}


def name_of(path: Path) -> str:
    """dlkit/data/vocab.py -> data.vocab"""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def layer_of(name: str) -> int:
    top = name.partition(".")[0]
    return next(index for index, layer in enumerate(LAYERS) if top in layer)


def imports_of(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def internal(name: str) -> str | None:
    """The dlkit module that an imported dotted name belongs to, without the package's name."""
    if not name.startswith("dlkit."):
        return None
    return name.removeprefix("dlkit.")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def top_level_imports(tree: ast.Module) -> set[str]:
    """Distributions imported when the module is, type-checking blocks aside."""
    return {name.partition(".")[0] for name in names_imported(tree)}


def internal_imports(tree: ast.Module) -> set[str]:
    """Modules of dlkit imported when the module is, and their packages."""
    return {name for name in map(internal, names_imported(tree)) if name is not None}


def path_of(name: str) -> Path:
    """The file of the module (or package) that an imported dotted name belongs to."""
    parts = name.split(".")
    while parts:
        for path in (
            PACKAGE.joinpath(*parts).with_suffix(".py"),
            PACKAGE.joinpath(*parts, "__init__.py"),
        ):
            if path.exists():
                return path
        parts.pop()
    return PACKAGE / "__init__.py"


def names_imported(tree: ast.Module) -> set[str]:
    """Dotted names imported when the module is, type-checking blocks aside."""
    found: set[str] = set()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {name for name, _ in imports_of(node)}
        stack.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_downward(path: Path):
    here = name_of(path)
    for imported, node in imports_of(tree_of(path)):
        target = internal(imported)
        if target is None or target == "__version__":
            continue
        is_cli = here.endswith("cli")
        if here == "encoders" and target.startswith(ENCODING):
            continue
        assert layer_of(target) <= layer_of(here) or (
            is_cli and target.partition(".")[0] in {"console", "progress", "options"}
        ), f"{here} line {node.lineno} imports {target}, which lies above it"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_room_imports_another(path: Path):
    room = name_of(path).partition(".")[0]
    if room not in ROOMS:
        return
    for imported, node in imports_of(tree_of(path)):
        target = (internal(imported) or "").partition(".")[0]
        assert target not in ROOMS - {room}, f"line {node.lineno} imports {target}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_line_knows_typer_and_rich(path: Path):
    here = name_of(path)
    if here in {"app", "console", "progress", "options"} or here.endswith("cli"):
        return
    for imported, node in imports_of(tree_of(path)):
        assert imported.partition(".")[0] not in {"typer", "rich", "click"}, f"line {node.lineno}"
        assert internal(imported) is None or not internal(imported).startswith(
            ("console", "progress", "options")
        ), f"line {node.lineno}: work yields records, it does not print"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_typers_private_click_is_never_imported(path: Path):
    for imported, node in imports_of(tree_of(path)):
        assert not imported.startswith(("click", "typer._click")), f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_libraries_are_imported_where_they_are_used(path: Path):
    here = name_of(path)
    # model.py is torch through and through; kernels are numba: both are imported in bodies only.
    allowed = {"torch"} if here.endswith("model") or here in NETWORKS else set()
    compiled = here.startswith(("word2vec.kernels.", "neighbours.kernels."))
    if compiled or here in {"data.scan", "llvm"}:
        allowed = {"numba", "llvmlite"}
    assert not (top_level_imports(tree_of(path)) & HEAVY) - allowed


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.stem.endswith("cli") or p.name == "app.py"], ids=name_of
)
def test_a_cli_module_imports_nothing_heavier_than_typer(path: Path):
    outside = {name for name in top_level_imports(tree_of(path)) if not is_standard(name)}
    assert outside <= {"typer", "dlkit"}


def test_the_modules_that_clis_import_are_light_too():
    light, waiting = set(), {p for p in MODULES if p.stem.endswith("cli") or p.name == "app.py"}
    while waiting:
        path = waiting.pop()
        light.add(path)
        found = top_level_imports(tree_of(path)) & (HEAVY | {"numpy", "pydantic", "scipy"})
        assert not found, f"{name_of(path)}, which a cli imports, imports {found}"
        waiting |= set(map(path_of, internal_imports(tree_of(path)))) - light


def is_standard(name: str) -> bool:
    return name in sys.stdlib_module_names


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "config.py"], ids=name_of)
def test_settings_import_pydantic_and_other_settings_only(path: Path):
    for imported, node in imports_of(tree_of(path)):
        target = internal(imported)
        top = imported.partition(".")[0]
        fine = (
            is_standard(top)
            or top == "pydantic"
            or (
                target is not None
                and (target.startswith(("errors", "config.schema")) or ".config." in f"{target}.")
            )
        )
        assert fine, f"line {node.lineno} imports {imported}"


FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "print",
    "pickle.load",
    "pickle.loads",
    "torch.load",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
    "np.load",
    "numpy.load",
    "joblib.load",
    "marshal.loads",
}
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_executes_what_it_loads(path: Path):
    tree = tree_of(path)
    for imported, node in imports_of(tree):
        assert imported.partition(".")[0] not in FORBIDDEN_IMPORTS, f"line {node.lineno}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "print" and name_of(path) == "console":
            continue
        assert called not in FORBIDDEN_CALLS, f"line {node.lineno} calls {called}"
        for keyword in node.keywords:
            assert keyword.arg not in {"trust_remote_code", "allow_pickle"}, f"line {node.lineno}"
            assert keyword.arg != "shell", f"line {node.lineno}"


def opens_text(node: ast.Call) -> bool:
    """True for a call that opens a file as text and so needs to say its encoding."""
    called = ast.unparse(node.func)
    if called.endswith((".read_text", ".write_text")):
        return True
    if called != "open" and not called.endswith(".open"):
        return False
    if called in {"os.open", "np.memmap.open"} or called.startswith(("gzip", "bz2", "lzma", "tar")):
        return False
    position = 1 if called == "open" else 0
    mode = node.args[position] if len(node.args) > position else None
    mode = next((k.value for k in node.keywords if k.arg == "mode"), mode)
    return mode is None or (isinstance(mode, ast.Constant) and "b" not in str(mode.value))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_text_files_say_their_encoding(path: Path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and opens_text(node):
            names = {keyword.arg for keyword in node.keywords}
            assert "encoding" in names, f"line {node.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py"], ids=name_of)
def test_packages_import_nothing_when_they_are_imported(path: Path):
    assert not list(imports_of(tree_of(path)))
