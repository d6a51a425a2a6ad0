"""Cost: the time it takes to embed an image, and the room that its embedding takes."""

import pandas as pd

BYTES = 4  # bytes of a float32
SETTING = ["device", "precision", "batch_size", "threads"]


def add_costs(parts: pd.DataFrame) -> pd.DataFrame:
    """The cost of embedding images that was measured in several parts, in one row.

    parts: `images`, `seconds` (of reading, decoding and embedding them), `dimensions`, and the columns of SETTING, one
    row per part. Returns `images, seconds, seconds_per_image, dimensions, bytes_per_image` and SETTING. Where the parts
    were embedded in several settings, all of them are named.

    >>> part = {"images": 10, "seconds": 2.0, "dimensions": 3, "device": "cpu", "precision": "float32"}
    >>> parts = pd.DataFrame([part | {"batch_size": 8, "threads": threads} for threads in (1, 2)])
    >>> add_costs(parts)[["images", "seconds_per_image", "bytes_per_image", "threads"]]
       images  seconds_per_image  bytes_per_image threads
    0      20                0.2               12     1 2
    """
    images, seconds, dimensions = parts["images"].sum(), parts["seconds"].sum(), parts["dimensions"].iloc[0]
    cost = {"images": images, "seconds": seconds, "seconds_per_image": seconds / images}
    cost |= {"dimensions": dimensions, "bytes_per_image": BYTES * dimensions}
    settings = {name: " ".join(sorted(map(str, parts[name].unique()))) for name in SETTING}
    return pd.DataFrame([cost | settings])
