"""Distinct pictures of a dataset, so that each is embedded once, however often it occurs."""

import pandas as pd


def distinct_pixels(manifest: pd.DataFrame, inspection: pd.DataFrame) -> pd.DataFrame:
    """List each distinct picture of a dataset once, with a file that shows it.

    manifest: `image_id, path, frame`, sorted by `image_id`. inspection: `image_id, readable, pixel_hash,
    file_state`, with a row for each image of the manifest.

    Returns `pixel_hash, path, frame, file_state`: one row for each distinct hash of the readable images, in the order
    of the manifest. Where several images have the same pixels, the first one stands for them.

    >>> manifest = pd.DataFrame({"image_id": ["a", "b", "c"], "path": ["a.png", "b.png", "c.png"], "frame": 0})
    >>> inspection = pd.DataFrame({"image_id": ["a", "b", "c"], "readable": True, "pixel_hash": ["2e", "1f", "2e"]})
    >>> distinct_pixels(manifest, inspection.assign(file_state="9 bytes"))[["pixel_hash", "path", "frame"]]
      pixel_hash   path  frame
    0         2e  a.png      0
    1         1f  b.png      0
    """
    inspection = inspection.set_index("image_id").loc[manifest["image_id"]].set_axis(manifest.index)
    images = manifest.join(inspection[["pixel_hash", "file_state"]])[inspection["readable"]]
    return images.drop_duplicates("pixel_hash", ignore_index=True)[["pixel_hash", "path", "frame", "file_state"]]


def pixel_hashes(manifest: pd.DataFrame, inspection: pd.DataFrame) -> list[str]:
    """The pixel hash of each image of a manifest, in its order.

    manifest: `image_id`. inspection: `image_id, pixel_hash`, with a row for each image of the manifest.

    >>> inspection = pd.DataFrame({"image_id": ["a", "b", "c"], "pixel_hash": ["2e", "1f", "2e"]})
    >>> pixel_hashes(pd.DataFrame({"image_id": ["c", "b"]}), inspection)
    ['2e', '1f']
    """
    return inspection.set_index("image_id")["pixel_hash"].loc[manifest["image_id"]].tolist()
