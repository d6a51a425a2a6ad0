"""Small fingerprints of pictures, by which near copies are found: a thumbnail and a perceptual hash of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.fft import dctn

from cbir.files import set_aside, whole_file
from cbir.images.reading import INSPECTION
from cbir.images.thumbnails import SIDE
from cbir.tidy import read_table

LOW = 8  # number of the lowest frequencies of each axis that the hash describes
ROWS = 16_384  # number of pictures that are held in memory at a time
SCHEMA = pa.schema({"pixel_hash": pa.string(), "perceptual_hash": pa.uint64(), "thumbnail": pa.binary(SIDE * SIDE)})


def hash_thumbnails(thumbnails: np.ndarray) -> np.ndarray:
    """The perceptual hash of each thumbnail: which of its lowest frequencies are above their median.

    The hash of pictures that look the same differs in few of its 64 bits. Zauner, Implementation and Benchmarking of
    Perceptual Image Hash Functions, 2010, section 3.2.1, with the 8 x 8 lowest coefficients of the discrete cosine
    transform, without a mean filter, as the means over boxes smooth already.

    thumbnails: (n, 32, 32) uint8. Returns (n,) uint64.
    """
    low = dctn(thumbnails.astype(np.float64), axes=(1, 2), norm="ortho")[:, :LOW, :LOW].reshape(-1, LOW * LOW)
    low = low.round(6)  # equal coefficients stay equal in spite of rounding errors
    above = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(">u8").ravel().astype(np.uint64)


def fingerprint_images(inspection: pd.DataFrame) -> pd.DataFrame:
    """The fingerprint of each distinct picture that can be read.

    inspection: `readable, pixel_hash, thumbnail`, as `cbir.images.reading.inspect_images` returns them. Returns
    `pixel_hash, perceptual_hash, thumbnail` with one row per distinct `pixel_hash`, in the order of the images.
    """
    columns = ["pixel_hash", "thumbnail"]
    pictures = inspection.loc[inspection["readable"], columns].drop_duplicates("pixel_hash", ignore_index=True)
    thumbnails = np.frombuffer(b"".join(pictures["thumbnail"]), np.uint8).reshape(-1, SIDE, SIDE)
    return pictures.assign(perceptual_hash=hash_thumbnails(thumbnails))[SCHEMA.names]


def write_fingerprints(blocks: Iterable[pd.DataFrame], path: str | Path) -> None:
    """Write blocks of fingerprints to one Parquet file, with one row per distinct `pixel_hash`: the first one stays."""
    written: set[str] = set()
    with whole_file(path) as partial, pq.ParquetWriter(partial, SCHEMA, compression="zstd") as file:
        for block in blocks:
            fresh = block[~block["pixel_hash"].isin(written)]
            written.update(fresh["pixel_hash"])
            if len(fresh):
                file.write_table(pa.Table.from_pandas(fresh, SCHEMA, preserve_index=False))


def read_fingerprints(paths: Iterable[str | Path]) -> Iterator[pd.DataFrame]:
    """Read files of fingerprints block by block, at most 16,384 pictures at a time: 16 MiB of thumbnails.

    Raises InputError for a damaged file, which is set aside.
    """
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS):
                    yield batch.to_pandas()
        except (FileNotFoundError, PermissionError, MemoryError):
            raise
        except Exception as error:  # pyarrow raises many kinds for a damaged file
            raise set_aside(path, f"not a file of fingerprints ({error})") from error


def read_earlier_inspection(inspection: str | Path, fingerprints: str | Path, paths: pd.Series) -> pd.DataFrame | None:
    """What the earlier inspection of a dataset found out about some files, with the column `thumbnail`.

    inspection, fingerprints: the files that it left. paths: of the images that are asked for. Rows that are not
    readable, or whose picture is not among the fingerprints, are left out. None where there is no earlier inspection,
    or one by an earlier version with other columns.
    """
    if not (Path(inspection).exists() and Path(fingerprints).exists()):
        return None
    known = read_table(inspection)
    if not set(INSPECTION) <= set(known):
        return None
    known = known[known["readable"] & known["path"].isin(paths)]
    parts = [known.iloc[:0].assign(thumbnail=pd.Series(dtype=object))]
    for block in read_fingerprints([fingerprints]):
        parts.append(known.merge(block[["pixel_hash", "thumbnail"]], on="pixel_hash"))
    return pd.concat(parts, ignore_index=True)
