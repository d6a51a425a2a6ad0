"""What changed in a dataset's files since they were listed and inspected. Needs no package but Snakemake's.

A changed label table has a newer time, which Snakemake sees. It sees neither that an image was replaced nor that a tree
of images has other files. Each run therefore compares the files' states with those that were written down, and leaves a
note where they differ: a file that is an input of the step which has to look again.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cbir.datasets.trees import list_tree, load_states, read_states
from cbir.experiment.plan import Experiment
from cbir.files import whole_file


def count_changed_files(listed: str | Path, root: str | Path) -> int:
    """How many files below a folder were added, removed or changed since write_states; 0 if there is no such file."""
    known = load_states(listed)
    if known is None or not Path(root).is_dir():
        return 0
    before, now = known[0], list_tree(root)
    return sum(before.get(path) != now.get(path) for path in before.keys() | now.keys())


def count_changed_images(inspected: str | Path, look_again: bool) -> int:
    """How many files of inspected images were changed or removed since write_states; 0 if there is no such file.

    If not one of the files is there, the images are not at hand, as when a disk is not mounted. Then none counts, so
    that what was made of them stays.

    look_again: whether the files of unreadable images count as changed.
    """
    known = load_states(inspected)
    if known is None:
        return 0
    before, unreadable = known
    now = read_states(list(before))
    if not any(now.values()):
        return 0
    changed = {path for path, state in before.items() if now[path] != state}
    return len(changed | set(unreadable) if look_again else changed)


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
        files = partial(count_changed_files, results / f"manifests/files/{name}.json", dataset.tree or "")
        images = partial(count_changed_images, results / f"inspections/states/{name}.json", look_again)
        changes = []
        if dataset.tree and (number := note_change(experiment.note_of_changes(name, "files"), files)):
            changes.append(f"{number} files of {dataset.tree} were added, removed or changed")
        if number := note_change(experiment.note_of_changes(name, "images"), images):
            changes.append(f"the files of {number} images were changed or removed, or could not be read")
        if changes:
            lines.append(f"dataset {name}: {', and '.join(changes)}; what depends on them is made again")
    return lines
