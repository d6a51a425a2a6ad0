"""Costs: the time it takes to embed an image, and the room its embedding takes."""

import pandas as pd

BYTES = 4  # of a float32
SETTING = ["device", "precision", "batch_size", "threads"]


def add_costs(shards: pd.DataFrame) -> pd.DataFrame:
    """What the shards of a dataset took together, in one row.

    shards: `images`, `seconds`, of reading, decoding and embedding them, `dimensions`, and the columns of SETTING, a
    row a shard. Returns `images, seconds, seconds_per_image, dimensions, bytes_per_image` and SETTING, where shards
    that were embedded in several settings have all of them named.
    """
    images, seconds, dimensions = shards["images"].sum(), shards["seconds"].sum(), shards["dimensions"].iloc[0]
    cost = {"images": images, "seconds": seconds, "seconds_per_image": seconds / images}
    cost |= {"dimensions": dimensions, "bytes_per_image": BYTES * dimensions}
    settings = {name: " ".join(sorted(map(str, shards[name].unique()))) for name in SETTING}
    return pd.DataFrame([cost | settings])
