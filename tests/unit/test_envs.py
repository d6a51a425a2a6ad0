import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
SCRIPTS = ROOT / "workflow/scripts"
PACKAGES = tomllib.loads((ENVS / "packages.toml").read_text())
LOCK = (ENVS / "lock.txt").read_text().splitlines()


def pins(name: str) -> list[str]:
    environment = yaml.safe_load((ENVS / f"{name}.yaml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == [f"python={PACKAGES['python']}", "pip"]
    return pip["pip"]


def applies(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate(default_environment() | {"extra": extra})


def closure(wanted: list[str]) -> set[str]:
    """Names of all packages that `wanted` needs on this machine, from the metadata of the installed packages."""
    found, todo = set(), [Requirement(text) for text in wanted]
    seen = set()
    while todo:
        requirement = todo.pop()
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) in seen:
                continue
            seen.add((requirement.name, extra))
            found.add(canonicalize_name(requirement.name))
            inner = map(Requirement, requires(requirement.name) or [])
            todo += [one for one in inner if applies(one, extra)]
    return found


def test_every_line_of_the_lock_is_a_pin():
    assert all(re.match(r"[A-Za-z0-9._-]+==[^ ]+( ; .+)?$", line) for line in LOCK)


@pytest.mark.parametrize("name", PACKAGES["environments"])
def test_an_environment_holds_pins_of_the_lock_and_nothing_else(name):
    names = {line.split("==")[0]: line.split(" ;")[0] for line in LOCK}
    for pin in pins(name):
        assert pin.split(" ;")[0] == names[pin.split("==")[0]]


@pytest.mark.parametrize("name", PACKAGES["environments"])
def test_an_environment_holds_all_packages_that_its_packages_need(name):
    held = {canonicalize_name(Requirement(pin).name) for pin in pins(name)}
    assert closure(PACKAGES["environments"][name]) <= held


def test_every_environment_file_is_listed_in_packages_toml():
    assert {path.stem for path in ENVS.glob("*.yaml")} == set(PACKAGES["environments"])


def scripts_with_environments() -> list[tuple[str, str]]:
    """Each script and the conda environment of its rule."""
    rules = "".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    environment_then_script = r'f"\{ENVS\}/(\w+)\.yaml"(?:(?!ENVS).)*?"\.\./scripts/(\w+)\.py"'
    found = re.findall(environment_then_script, rules, re.DOTALL)
    return sorted({(script, environment) for environment, script in found})


def module_files(name: str) -> list[Path]:
    """The file of a module of the library, or of a name in it; none where it is no module."""
    path = SCRIPTS.joinpath(*name.split("."))
    return [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists()]


def imported_packages(script: str) -> set[str]:
    """The top-level packages that a script imports, also through the library and inside functions."""
    packages, seen, todo = set(), set(), [SCRIPTS / f"{script}.py"]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        text = path.read_text()
        if "import_module(" in text:  # it finds the modules beside it by their names
            todo += path.parent.glob("*.py")
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            todo += [file for name in names if name.startswith("cbir") for file in module_files(name)]
            packages |= {name.split(".")[0] for name in names}
    return packages - set(sys.stdlib_module_names) - {"cbir"}


def test_every_script_has_an_environment():
    assert {script for script, _ in scripts_with_environments()} == {path.stem for path in SCRIPTS.glob("*.py")}


@pytest.mark.parametrize(("script", "environment"), scripts_with_environments())
def test_an_environment_has_every_package_that_its_scripts_import(script, environment):
    """In an environment of conda, Python would silently take a missing package from the one that runs Snakemake."""
    distributions = packages_distributions()
    held = {canonicalize_name(Requirement(pin).name) for pin in pins(environment)}
    for package in imported_packages(script):
        names = {canonicalize_name(name) for name in distributions.get(package, [package])}
        assert names & held, (
            f"{script} imports {package}; add it to {environment} in envs/packages.toml, then make lock"
        )
