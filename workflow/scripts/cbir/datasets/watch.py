"""What changed in a dataset's files since they were listed and inspected. Imports nothing slow.

A changed label table has a newer time, which Snakemake sees. It sees neither that an image was replaced nor that a tree
of images has other files. Each run therefore compares the files' states with those that were written down, and leaves a
note where they differ: a file that is an input of the step which has to look again.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cbir.datasets.trees import SCHEMA, list_tree, read_states
from cbir.experiment.plan import Experiment
from cbir.files import whole_file


def count_changed_files(listed: str | Path, root: str | Path) -> int:
    """How many files below a folder were added, removed or changed since write_states; 0 if there is no such file."""
    known = _read(listed, SCHEMA.names)
    if known is None or not Path(root).is_dir():
        return 0
    before, now = dict(zip(*(column.to_pylist() for column in known.columns), strict=True)), list_tree(root)
    return sum(before.get(path) != now.get(path) for path in before.keys() | now.keys())


def count_changed_images(inspection: str | Path, look_again: bool) -> int:
    """How many files of inspected images were changed or removed; 0 if there is no inspection.

    All images count after an inspection by an earlier version, which did not write down their files.

    inspection: the table of `path, file_state, readable` of a dataset. look_again: whether the files of unreadable
    images count as changed.
    """
    columns = ["path", "file_state", "readable"]
    known = _read(inspection, columns)
    if known is None:
        return 0
    if not set(columns) <= set(known.column_names):
        return known.num_rows
    known = known.select(columns)
    paths, states, readable = (column.to_pylist() for column in known.columns)
    before = dict(zip(paths, states, strict=True))
    now = read_states(list(before))
    suspects = {path for path, can_be_read in zip(paths, readable, strict=True) if look_again and not can_be_read}
    return len(suspects | {path for path, state in before.items() if now[path] != state})


def note_change(note: str | Path, count: Callable[[], int]) -> int:
    """Count changes, and write a note if there are any. Returns their number."""
    changes = count()
    if changes:
        with whole_file(note) as partial:
            partial.write_text(f"{changes} changed, seen at {time.time_ns()}\n")
    return changes


def watch_datasets(experiment: Experiment) -> list[str]:
    """Note what changed in the files of each dataset, and say it: one line for each dataset with changes.

    Datasets without image files, unions and phantoms, whose images the workflow makes, are passed over. Unreadable
    images are looked at again where they stop the run.
    """
    results, lines = Path(experiment.config["results"]), []
    look_again = experiment.config["unreadable"] == "fail"
    for name, dataset in experiment.datasets.items():
        if not dataset.is_embedded or dataset.source == "phantoms":
            continue
        files = partial(count_changed_files, results / f"manifests/files/{name}.parquet", dataset.tree or "")
        images = partial(count_changed_images, results / f"inspections/{name}.parquet", look_again)
        changes = []
        if dataset.tree and (number := note_change(experiment.note_of_changes(name, "files"), files)):
            changes.append(f"{number} files of {dataset.tree} were added, removed or changed")
        if number := note_change(experiment.note_of_changes(name, "images"), images):
            changes.append(f"the files of {number} images were changed or removed, or could not be read")
        if changes:
            lines.append(f"dataset {name}: {', and '.join(changes)}; what depends on them is made again")
    return lines


def _read(path: str | Path, columns: list[str]) -> pa.Table | None:
    """Those of some columns that a Parquet file has; None for one that is missing or damaged: it is made again."""
    try:
        present = pq.read_schema(path).names
        return pq.read_table(path, columns=[name for name in columns if name in present])
    except (OSError, pa.ArrowInvalid):
        return None
