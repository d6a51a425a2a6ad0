import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENVS = Path(__file__).parents[2] / "envs"
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
