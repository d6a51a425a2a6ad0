"""A dataset's files: its root folder, its label files and its images."""

import csv
import io
import os
import posixpath
from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cbir.errors import InputError, listing

IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".jp2", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".dcm", ".dicom")


def dataset_root(dataset: str, options: dict) -> Path:
    """The dataset's root folder, from the option `root`. Raises InputError if it is not a folder."""
    root = Path(options["root"]).expanduser()
    if not root.is_dir():
        raise InputError(
            f"dataset {dataset}: no folder {root}; set datasets.{dataset}.root to the folder that holds it"
        )
    return root


def label_file(root: Path, names: Iterable[str], dataset: str) -> Path:
    """The first file under root that matches one of the names, which are glob patterns.

    The names are tried in the order given. Raises InputError if no file matches.
    """
    names = list(names)
    for name in names:
        found = sorted(path for path in root.glob(name) if path.is_file())
        if found:
            return found[0]
    raise InputError(
        f"dataset {dataset}: no {' or '.join(names)} under {root}; "
        f"set datasets.{dataset}.root to the folder that holds it"
    )


def chosen_file(root: Path, options: dict, key: str, dataset: str) -> Path:
    """The file that the option `key` gives, as a path relative to root or an absolute path.

    Raises InputError if the file does not exist.
    """
    path = root / Path(options[key]).expanduser()
    if not path.is_file():
        raise InputError(f"dataset {dataset}: no file {path}; set datasets.{dataset}.{key} to a file below root")
    return path


def read_csv(path: Path, dataset: str, columns: Collection[str] = (), coded: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV file, plain or gzipped (.gz), as text without the spaces around each value; a blank cell is "".

    columns: the only columns to read, each of which must be in the file once; () reads all columns with a name. coded:
    columns with few different values, which are read as categories. Raises InputError if the file cannot be read, or if
    a column is missing or repeated.
    """
    header = read_header(path, dataset)
    names = list(columns) or [name for name in header if name]
    missing = [name for name in names if name not in header]
    if missing:
        raise InputError(
            f"dataset {dataset}: {path} has no column {', '.join(missing)}; its columns are {', '.join(header)}"
        )
    repeated = sorted({name for name in names if header.count(name) > 1})
    if repeated:
        raise InputError(f"dataset {dataset}: {path} has column {', '.join(repeated)} twice; name each column once")
    # columns are read by their position, because the header can contain blank or repeated names
    positions = {name: str(header.index(name)) for name in names}
    kinds = {
        position: pa.dictionary(pa.int32(), pa.string()) if name in coded else pa.string()
        for name, position in positions.items()
    }
    try:
        table = pyarrow.csv.read_csv(
            path,
            pyarrow.csv.ReadOptions(column_names=[str(position) for position in range(len(header))], skip_rows=1),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(column_types=kinds, include_columns=list(kinds)),
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"dataset {dataset}: cannot read {path} as CSV in UTF-8 ({error}); correct it") from error
    trimmed = {
        name: table[position] if name in coded else pc.utf8_trim_whitespace(table[position])
        for name, position in positions.items()
    }
    return pa.table(trimmed).to_pandas()


def read_header(path: Path, dataset: str) -> list[str]:
    """Read the column names of a CSV file, plain or gzipped (.gz), without the spaces around them.

    Raises InputError if the file cannot be read or is empty.
    """
    try:
        with pa.input_stream(str(path), compression="detect") as stream, io.TextIOWrapper(stream, "utf-8-sig") as text:
            header = [name.strip() for name in next(csv.reader(text), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"dataset {dataset}: cannot read {path} as CSV in UTF-8 ({error}); correct it") from error
    if not any(header):
        raise InputError(f"dataset {dataset}: {path} does not begin with column names; write them in its first line")
    return header


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, without blank lines and without the spaces around each line."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def relative_paths(paths: pd.Series, dataset: str) -> pd.Series:
    """Paths relative to the root, in their plain form.

    Only the text of a path is considered, so links inside the root can lead anywhere. Raises InputError that lists the
    paths that are blank, are absolute or lead out of the root.

    >>> relative_paths(pd.Series(["a/./b//c.png", "a/../b.png"]), "mine").tolist()
    ['a/b/c.png', 'b.png']
    """
    unplain = paths.str.contains(r"(?:^|/)\.{0,2}(?:/|$)", regex=True)
    if not unplain.any():
        return paths
    plain = paths.copy()
    plain[unplain] = [posixpath.normpath(path) if path else "." for path in paths[unplain]]
    outside = paths[plain.str.startswith("/") | plain.str.startswith("../") | plain.isin([".", ".."])]
    if len(outside):
        raise InputError(
            f"dataset {dataset}: {len(outside)} paths are blank or leave the root; "
            f"write them relative to datasets.{dataset}.root:{listing(repr(path) for path in outside)}"
        )
    return plain


def check_present(paths: pd.Series, root: Path, dataset: str) -> None:
    """Check that every path, relative to root, is a file. Raises InputError that lists the missing ones.

    Each folder is listed once, which is faster than a look at each file.
    """
    folders = paths.str.replace(r"/?[^/]*$", "", regex=True).unique()
    present = [f"{folder}/{name}".lstrip("/") for folder in folders for name in list_folder(root / folder)]
    absent = paths[~paths.isin(present)].unique()
    if len(absent):
        raise InputError(
            f"dataset {dataset}: {len(absent)} listed files are not under {root}; "
            f"complete it, or take them out of the list:{listing(absent)}"
        )


def list_folder(folder: Path) -> list[str]:
    """Names of the files in a folder, sorted; an empty list if the folder does not exist."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_files(root: Path, dataset: str, extensions: Collection[str] = IMAGE_EXTENSIONS) -> pd.Series:
    """Paths of the files anywhere below root with one of the extensions, relative to root and sorted.

    Extensions match in upper and lower case. Linked folders are searched too, except for links back to a folder above.
    Raises InputError if a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise InputError(f"dataset {dataset}: cannot list {error.filename} ({error.strerror}); correct its permissions")

    found = []
    for folder, folders, names in os.walk(root, followlinks=True, onerror=fail):
        folders[:] = [name for name in folders if not _leads_back(Path(folder, name))]
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        found += [prefix + name for name in names if name.lower().endswith(tuple(extensions))]
    return pd.Series(sorted(found), dtype="str")


def _leads_back(folder: Path) -> bool:
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def openable(paths: pd.Series, root: Path) -> pd.Series:
    """Paths that can be opened from the working directory. A blank path stays blank.

    >>> openable(pd.Series(["a/1.png", ""]), Path("/data/mine")).tolist()
    ['/data/mine/a/1.png', '']
    """
    return (root.as_posix().rstrip("/") + "/" + paths).where(paths != "", "")


def complete_names(stems: pd.Series, folder: Path, extension: str) -> pd.Series:
    """File names of images that are listed without their extension.

    stems: the listed names. The extension is that of the image in `folder`. For an image that is not in the folder it
    is `extension`, such as ".png".
    """
    images = [name for name in list_folder(folder) if name.lower().endswith(IMAGE_EXTENSIONS)]
    found = pd.Series(images, index=[os.path.splitext(name)[0] for name in images], dtype="str")  # noqa: PTH122
    return stems.map(found[~found.index.duplicated()]).astype("str").fillna(stems + extension)
