import subprocess
import sys
import venv
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"


@pytest.fixture
def site_packages(tmp_path) -> dict[str, Path]:
    """The site-packages of Snakemake's environment, which has a package `borrowed`, and of a rule's, which has none."""
    found = {}
    for name in ("snakemake", "rule"):
        venv.create(tmp_path / name)
        (found[name],) = (tmp_path / name).glob("lib/python*/site-packages")
    for package in ("snakemake", "borrowed"):
        (found["snakemake"] / package).mkdir()
        (found["snakemake"] / package / "__init__.py").touch()
    return found


def run_script(site_packages: dict[str, Path], *lines: str, python: str = "rule") -> subprocess.CompletedProcess:
    """Run a script as Snakemake does: its own search path behind that of the rule's Python."""
    search_path = [str(site_packages["snakemake"]), *filter(Path.is_dir, map(Path, sys.path)), str(SCRIPTS)]
    preamble = f"import sys; sys.path.extend({list(map(str, search_path))!r}); import snakemake"
    executable = site_packages[python].parents[2] / "bin/python"
    return subprocess.run(
        [executable, "-c", "\n".join([preamble, *lines])], capture_output=True, text=True, check=False
    )


def test_a_package_that_only_snakemakes_environment_has_is_not_found(site_packages):
    done = run_script(site_packages, "import cbir", "import borrowed")
    assert "ModuleNotFoundError: No module named 'borrowed'" in done.stderr


def test_a_package_taken_from_snakemakes_environment_before_is_named(site_packages):
    done = run_script(site_packages, "import borrowed", "import cbir")
    assert "ImportError: borrowed: not in the environment of this rule" in done.stderr


def test_a_package_of_the_rules_own_environment_is_taken_from_there(site_packages):
    (site_packages["rule"] / "borrowed.py").write_text("print('own')")
    done = run_script(site_packages, "import borrowed", "import cbir.runs.job")
    assert (done.returncode, done.stdout) == (0, "own\n"), done.stderr


def test_where_rules_share_snakemakes_environment_its_packages_are_their_own(site_packages):
    done = run_script(site_packages, "import cbir", "import borrowed", python="snakemake")
    assert done.returncode == 0, done.stderr
