import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbir.datasets.trees import list_tree, write_states
from cbir.datasets.watch import (
    count_changed_files,
    count_changed_images,
    note_change,
    watch_datasets,
)
from cbir.images.file_states import file_state

LIBRARY = Path(__file__).parents[3] / "workflow/scripts"


@pytest.fixture
def tree(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    return tmp_path / "tree"


def inspect(paths, path, unreadable=()):
    write_states({name: file_state(name) for name in paths}, path, unreadable)


def test_added_removed_replaced_and_touched_files_count(tree, tmp_path):
    listed = tmp_path / "listed.json"
    write_states(list_tree(tree), listed)
    assert count_changed_files(listed, tree) == 0
    (tree / "a/1.png").unlink()
    (tree / "a/2.png").write_text("another image")
    os.utime(tree / "b/3.png", ns=(0, 1))
    (tree / "b/4.png").touch()
    assert count_changed_files(listed, tree) == 4


def test_nothing_has_changed_before_the_first_run_and_where_the_folder_is_not_at_hand(tree, tmp_path):
    assert count_changed_files(tmp_path / "listed.json", tree) == 0
    assert count_changed_images(tmp_path / "inspection.json", look_again=True) == 0
    write_states(list_tree(tree), tmp_path / "listed.json")
    assert count_changed_files(tmp_path / "listed.json", tmp_path / "unmounted") == 0


def test_images_that_are_all_gone_are_taken_as_not_at_hand(tree, tmp_path):
    inspect([str(tree / "a/1.png"), str(tree / "a/2.png")], tmp_path / "inspection.json")
    tree.rename(tmp_path / "unmounted")
    assert count_changed_images(tmp_path / "inspection.json", look_again=True) == 0


def test_a_damaged_file_counts_nothing_since_it_is_made_again(tree, tmp_path):
    (tmp_path / "damaged.json").write_text("{")
    assert count_changed_files(tmp_path / "damaged.json", tree) == 0
    assert count_changed_images(tmp_path / "damaged.json", look_again=True) == 0


def test_replaced_and_removed_images_count_once_however_many_frames_they_have(tree, tmp_path):
    paths = [str(tree / name) for name in ("a/1.png", "a/1.png", "a/2.png", "b/3.png")]
    inspect(paths, tmp_path / "inspection.json")
    (tree / "a/1.png").write_text("replaced")
    (tree / "b/3.png").unlink()
    assert count_changed_images(tmp_path / "inspection.json", look_again=False) == 2


def test_unreadable_images_count_where_they_stop_the_run(tree, tmp_path):
    paths = [str(tree / "a/1.png"), str(tree / "a/2.png")]
    inspect(paths, tmp_path / "inspection.json", paths[1:])
    assert count_changed_images(tmp_path / "inspection.json", look_again=True) == 1
    assert count_changed_images(tmp_path / "inspection.json", look_again=False) == 0


def test_a_note_is_left_only_where_something_changed(tmp_path):
    assert note_change(tmp_path / "changes/mine.images", lambda: 0) == 0
    assert not (tmp_path / "changes").exists()
    assert note_change(tmp_path / "changes/mine.images", lambda: 3) == 3
    assert (tmp_path / "changes/mine.images").read_text().startswith("3 changed")


def test_each_dataset_with_changes_has_a_line_and_notes(tree, tmp_path):
    write_states(list_tree(tree), tmp_path / "manifests/files/wood.json")
    inspect([str(tree / "a/1.png")], tmp_path / "inspections/states/wood.json")
    datasets = {
        "wood": SimpleNamespace(is_embedded=True, source="folder", tree=str(tree)),
        "same": SimpleNamespace(is_embedded=True, source="table", tree=None),
        "drawn": SimpleNamespace(is_embedded=True, source="phantoms", tree=None),
        "released": SimpleNamespace(is_embedded=False, source="released", tree=None),
    }
    experiment = SimpleNamespace(
        config={"results": str(tmp_path), "unreadable": "fail"},
        datasets=datasets,
        note_of_changes=lambda dataset, kind: tmp_path / f"changes/{dataset}.{kind}",
    )
    assert watch_datasets(experiment) == []
    (tree / "a/1.png").write_text("replaced")
    (line,) = watch_datasets(experiment)
    assert line.startswith(f"dataset wood: 1 files of {tree} were added, removed or changed, and the files of 1 images")
    assert sorted(path.name for path in (tmp_path / "changes").iterdir()) == ["wood.files", "wood.images"]


def test_the_process_that_plans_needs_no_package_but_snakemakes():
    """Snakemake may be installed alone, with the packages of the steps in conda environments."""
    absent = "".join(f"sys.modules[{name!r}] = None; " for name in ("numpy", "pandas", "pyarrow", "PIL", "nibabel"))
    code = f"import sys; {absent}import cbir.datasets.watch, cbir.runs.console, cbir.runs.handlers, cbir.runs.record"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(LIBRARY)}, check=True)
