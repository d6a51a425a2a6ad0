"""The cost of embedding, added up over its jobs."""

import pandas as pd

from cbir.embeddings.cost import add_costs


def shard(images, seconds, device="cpu"):
    row = {"images": images, "seconds": seconds, "dimensions": 512, "device": device, "precision": "float32"}
    return row | {"batch_size": 64, "threads": 2}


def test_seconds_per_image_are_those_of_all_shards_together():
    cost = add_costs(pd.DataFrame([shard(300, 30.0), shard(100, 50.0)])).iloc[0]
    assert (cost["images"], cost["seconds"], cost["seconds_per_image"]) == (400, 80.0, 0.2)


def test_an_embedding_takes_four_bytes_per_dimension():
    assert add_costs(pd.DataFrame([shard(1, 1.0)]))["bytes_per_image"].item() == 2048


def test_all_devices_of_the_shards_are_named():
    cost = add_costs(pd.DataFrame([shard(1, 1.0, "cuda"), shard(1, 1.0), shard(1, 1.0)])).iloc[0]
    assert (cost["device"], cost["threads"]) == ("cpu cuda", "2")
