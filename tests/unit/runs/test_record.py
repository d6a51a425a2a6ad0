import subprocess
from importlib.metadata import version
from pathlib import Path

from cbir.runs.record import (
    describe_code,
    describe_versions,
    list_changes,
    read_runs,
    record_end,
    record_start,
)

ROOT = Path(__file__).parents[3]


def test_a_run_is_recorded_from_its_start_to_its_end(tmp_path):
    record_start(tmp_path, {"seed": 3}, ROOT)
    (run,) = read_runs(tmp_path)
    assert (run["outcome"], run["ended"], run["config"]) == ("running", None, {"seed": 3})
    assert run["versions"]["numpy"] == version("numpy")
    record_end(tmp_path, "success")
    record_start(tmp_path, {"seed": 4}, ROOT)
    assert [(run["outcome"], run["config"]["seed"]) for run in read_runs(tmp_path)] == [("success", 3), ("running", 4)]


def test_a_damaged_record_starts_again(tmp_path):
    (tmp_path / "run.json").write_text('{"runs": [')
    record_start(tmp_path, {}, ROOT)
    assert len(read_runs(tmp_path)) == 1


def test_a_changed_module_and_a_changed_package_are_named(tmp_path):
    results, library = tmp_path / "results", tmp_path / "workflow/scripts/cbir"
    (library / "datasets").mkdir(parents=True)
    (library / "datasets/nih14.py").write_text("a")
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/lock.txt").write_text("no-such-package==7.1\n")
    results.mkdir()
    assert list_changes(results, tmp_path) == []
    record_start(results, {}, tmp_path)
    assert list_changes(results, tmp_path) == []
    (library / "datasets/nih14.py").rename(library / "nih14.py")
    assert list_changes(results, tmp_path) == ["workflow/scripts/cbir"]
    (tmp_path / "envs/lock.txt").write_text("no-such-package==7.2\nanother==1\n")
    assert list_changes(results, tmp_path) == ["workflow/scripts/cbir", "no-such-package", "another"]
    record_start(results, {}, tmp_path)
    assert list_changes(results, tmp_path) == []


def test_the_revision_is_that_of_git_with_a_mark_for_changed_files(tmp_path):
    assert describe_code(tmp_path) == {"revision": None, "changed": None}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    (tmp_path / "a").touch()
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "a"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert describe_code(tmp_path) == {"revision": head, "changed": False}
    (tmp_path / "a").write_text("b")
    assert describe_code(tmp_path) == {"revision": head, "changed": True}


def test_a_package_that_is_not_installed_has_the_version_of_the_lock(tmp_path):
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/lock.txt").write_text("pytest==0.1\nno-such-package==7.1 ; python_full_version < '3.12'\n")
    versions = describe_versions(tmp_path)
    assert versions.pop("python").startswith("3.")
    assert versions == {"pytest": version("pytest"), "no-such-package": "7.1"}
