import os
from types import SimpleNamespace

import pandas as pd
import pytest

from cbir.datasets.trees import list_tree, write_states
from cbir.datasets.watch import (
    count_changed_files,
    count_changed_images,
    note_change,
    watch_datasets,
)
from cbir.images.file_states import file_state


@pytest.fixture
def tree(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    return tmp_path / "tree"


def inspect(paths, readable=True):
    return pd.DataFrame({"path": paths, "file_state": [file_state(path) for path in paths], "readable": readable})


def test_added_removed_replaced_and_touched_files_count(tree, tmp_path):
    listed = tmp_path / "listed.parquet"
    write_states(list_tree(tree), listed)
    assert count_changed_files(listed, tree) == 0
    (tree / "a/1.png").unlink()
    (tree / "a/2.png").write_text("another image")
    os.utime(tree / "b/3.png", ns=(0, 1))
    (tree / "b/4.png").touch()
    assert count_changed_files(listed, tree) == 4


def test_nothing_has_changed_before_the_first_run_and_where_the_folder_is_not_at_hand(tree, tmp_path):
    assert count_changed_files(tmp_path / "listed.parquet", tree) == 0
    assert count_changed_images(tmp_path / "inspection.parquet", look_again=True) == 0
    write_states(list_tree(tree), tmp_path / "listed.parquet")
    assert count_changed_files(tmp_path / "listed.parquet", tmp_path / "unmounted") == 0


def test_a_damaged_table_counts_nothing_since_it_is_made_again(tree, tmp_path):
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    assert count_changed_files(tmp_path / "damaged.parquet", tree) == 0
    assert count_changed_images(tmp_path / "damaged.parquet", look_again=True) == 0


def test_replaced_and_removed_images_count_once_however_many_frames_they_have(tree, tmp_path):
    paths = [str(tree / name) for name in ("a/1.png", "a/1.png", "a/2.png", "b/3.png")]
    inspect(paths).to_parquet(tmp_path / "inspection.parquet")
    (tree / "a/1.png").write_text("replaced")
    (tree / "b/3.png").unlink()
    assert count_changed_images(tmp_path / "inspection.parquet", look_again=False) == 2


def test_unreadable_images_count_where_they_stop_the_run(tree, tmp_path):
    inspect([str(tree / "a/1.png"), str(tree / "a/2.png")], [True, False]).to_parquet(tmp_path / "inspection.parquet")
    assert count_changed_images(tmp_path / "inspection.parquet", look_again=True) == 1
    assert count_changed_images(tmp_path / "inspection.parquet", look_again=False) == 0


def test_all_images_count_after_an_inspection_that_did_not_write_down_their_files(tmp_path):
    pd.DataFrame({"image_id": ["a", "b"], "readable": True}).to_parquet(tmp_path / "inspection.parquet")
    assert count_changed_images(tmp_path / "inspection.parquet", look_again=False) == 2


def test_a_note_is_left_only_where_something_changed(tmp_path):
    assert note_change(tmp_path / "changes/mine.images", lambda: 0) == 0
    assert not (tmp_path / "changes").exists()
    assert note_change(tmp_path / "changes/mine.images", lambda: 3) == 3
    assert (tmp_path / "changes/mine.images").read_text().startswith("3 changed")


def test_each_dataset_with_changes_has_a_line_and_notes(tree, tmp_path):
    write_states(list_tree(tree), tmp_path / "manifests/files/wood.parquet")
    (tmp_path / "inspections").mkdir()
    inspect([str(tree / "a/1.png")]).to_parquet(tmp_path / "inspections/wood.parquet")
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
