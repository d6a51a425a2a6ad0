"""Source `folder`: a tree of images whose paths contain their labels."""

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbir.datasets.manifest import LABEL_PARTS
from cbir.datasets.sources.files import dataset_root, find_files, openable
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError, listing

FIELDS = ("patient_id", *LABEL_PARTS, "split")


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read a tree of images: a table with one row per image.

    options: `root`; `pattern`, which a whole path relative to root must match; `labels`, which hold for all images and
    are not in their paths, such as `{modality: US}`. A pattern looks like
    `{modality}/{anatomic_region}/{pathology}/{patient_id}_*.png`:

    - `{field}` is the shortest text without a slash that lets the rest match. The fields are those of FIELDS.
    - `*` is any text without a slash, and `**/` is any number of folders.
    - All other characters stand for themselves. Upper and lower case match each other.

    Images that do not match are left out. Raises InputError for a wrong pattern and if no image matches.
    """
    root = dataset_root(dataset, options)
    expression = _compile_pattern(options["pattern"], dataset)
    fields = re.findall(r"\?P<(\w+)>", expression)
    _check_fields(fields, options["labels"], dataset)
    paths = find_files(root, dataset)
    matches = pc.extract_regex(pa.array(paths, pa.string()), expression)
    matched = pd.Series(pc.is_valid(matches).to_pandas())
    if not matched.any():
        raise InputError(
            f"dataset {dataset}: none of the {len(paths)} images under {root} matches {options['pattern']}; "
            f"change datasets.{dataset}.pattern to fit their paths:{listing(paths)}"
        )
    images = pd.DataFrame({field: pc.struct_field(matches, field).to_pandas() for field in fields}, dtype="str")
    images = images.assign(image_id=paths, path=openable(paths, root), **options["labels"])
    return keep_images(images, matched, "path does not match the pattern")


def _compile_pattern(pattern: str, dataset: str) -> str:
    """The regular expression (RE2) of a pattern. Raises InputError for an unknown field and for a single brace."""
    parts = re.split(r"(\*\*/|\*|\{\w+\})", pattern)
    expressions = {"**/": "(?:.*/)?", "*": "[^/]*"} | {f"{{{field}}}": f"(?P<{field}>[^/]+?)" for field in FIELDS}
    unknown = [part for part in parts[1::2] if part not in expressions]
    if unknown or re.search(r"[{}]", "".join(parts[::2])):
        raise InputError(
            f"dataset {dataset}: pattern {pattern} with {', '.join(unknown) or 'a brace alone'}; "
            f"fields are {', '.join(f'{{{field}}}' for field in FIELDS)}, anything else is `*`"
        )
    return "(?i)^" + "".join(expressions.get(part, re.escape(part)) for part in parts) + "$"


def _check_fields(fields: list[str], labels: dict[str, str], dataset: str) -> None:
    """Raise InputError unless each part of the label is given exactly once, in the pattern or by the labels."""
    known = [*fields, *labels]
    wrong = [f"{field} is given {known.count(field)} times" for field in FIELDS if known.count(field) > 1]
    wrong += [f"{field} is missing" for field in LABEL_PARTS if field not in known]
    if wrong:
        raise InputError(
            f"dataset {dataset}: each of {', '.join(LABEL_PARTS)} must be given once, in the pattern or under "
            f"datasets.{dataset}.labels:{listing(wrong)}"
        )
