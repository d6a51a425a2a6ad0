import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from cbir.embeddings import images as embedding
from cbir.embeddings.images import describe_progress, embed_images, scale_batch
from cbir.embeddings.vectors import find_vectors, list_segments, open_segment, pixel_keys
from cbir.encoders.image_encoder import load_encoder
from cbir.errors import InputError
from cbir.experiment.catalogue import load_catalogue
from cbir.images.file_states import file_state

PIXELS = load_catalogue(Path(__file__).parents[3] / "workflow/models.yaml")["pixels"]
SIZES = [(40, 50), (64, 64, 3), (33, 90), (128, 70, 3), (32, 32), (50, 40), (45, 45)]


@pytest.fixture
def encoder():
    return load_encoder(PIXELS, None, "cpu", "float32")


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, size, dtype=np.uint8) for size in SIZES]
    paths = [str(tmp_path / f"{number}.png") for number in range(len(pixels))]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    hashes = [f"{number:032x}" for number in range(len(paths))]
    return describe(hashes, paths), pixels


def describe(hashes, paths):
    """Rows of distinct images, as an inspection of their files as they are now gives them."""
    columns = {"pixel_hash": hashes, "path": paths, "frame": 0, "file_state": list(map(file_state, paths))}
    return pd.DataFrame(columns)


def stored(store, rows, field="vector"):
    """The vectors of images in a store, or another field of their records."""
    segment, record = find_vectors(store, 1024, pixel_keys(rows["pixel_hash"]))
    assert (segment >= 0).all()
    paths = list_segments(store)
    return np.stack([open_segment(paths[one], 1024)[field][at] for one, at in zip(segment, record, strict=True)])


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_each_image_has_its_own_embedding_in_the_store(tmp_path, encoder, images, batch_size, threads):
    rows, pixels = images
    assert embed_images(encoder, rows, tmp_path / "store", batch_size, threads) == len(rows)
    for vector, image in zip(stored(tmp_path / "store", rows), pixels, strict=True):
        (alone,), _ = encoder.forward(encoder.preprocess(image).unsqueeze(0))
        np.testing.assert_allclose(vector, alone, atol=1e-6)


def test_a_vector_times_its_norm_is_what_the_network_gave(tmp_path, encoder, images):
    rows, pixels = images
    embed_images(encoder, rows, tmp_path / "store", 3, 1)
    raw = stored(tmp_path / "store", rows) * stored(tmp_path / "store", rows, "norm")[:, None]
    for features, image in zip(raw, pixels, strict=True):
        expected = encoder.network(encoder.preprocess(image).unsqueeze(0))[0]
        np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_the_same_images_and_threads_give_the_same_bytes(tmp_path, encoder, images):
    for name in ("first", "second"):
        embed_images(encoder, images[0], tmp_path / name, 4, 2)
    first, second = (list_segments(tmp_path / name)[0].read_bytes() for name in ("first", "second"))
    assert first == second


class Counting(torch.nn.Module):
    """A network that counts the images it sees, and fails when it has seen as many as it may."""

    def __init__(self, network, limit=10**9):
        super().__init__()
        self.network, self.limit, self.seen = network, limit, 0

    def forward(self, batch):
        if self.seen + len(batch) > self.limit:
            raise KeyboardInterrupt
        self.seen += len(batch)
        return self.network(batch)


def test_a_stopped_job_goes_on_at_its_batch_with_the_same_vectors(tmp_path, encoder, images):
    rows, _ = images
    embed_images(encoder, rows, tmp_path / "whole", 2, 1)
    with pytest.raises(KeyboardInterrupt):
        embed_images(replace(encoder, network=Counting(encoder.network, limit=4)), rows, tmp_path / "store", 2, 1)
    counting = Counting(encoder.network)
    assert embed_images(replace(encoder, network=counting), rows, tmp_path / "store", 2, 1) == 3
    assert counting.seen == 3
    np.testing.assert_array_equal(stored(tmp_path / "store", rows), stored(tmp_path / "whole", rows))


def test_known_images_are_not_embedded_again_wherever_they_lie(tmp_path, encoder, images):
    rows, _ = images
    embed_images(encoder, rows.iloc[:5], tmp_path / "store", 2, 1)
    moved = rows.assign(path=["gone"] * 5 + rows["path"].tolist()[5:]).iloc[::-1]
    counting = Counting(encoder.network)
    assert embed_images(replace(encoder, network=counting), moved, tmp_path / "store", 2, 1) == 2
    assert counting.seen == 2
    assert embed_images(replace(encoder, network=Counting(None)), moved, tmp_path / "store", 2, 1) == 0


def test_threads_are_those_of_the_job(tmp_path, encoder, images):
    for threads in (1, 2):
        embed_images(encoder, images[0], tmp_path / str(threads), 4, threads)
        assert torch.get_num_threads() == threads


def test_all_bad_images_are_named_together_and_the_others_are_kept(tmp_path, encoder, images):
    rows, _ = images
    Path(rows["path"][1]).write_bytes(b"")
    Path(rows["path"][2]).unlink()
    Path(rows["path"][6]).write_bytes(b"no image")
    rows = describe(rows["pixel_hash"], rows["path"])
    with pytest.raises(InputError, match="3 images") as error:
        embed_images(encoder, rows, tmp_path / "store", 2, 1)
    assert all(rows["path"][row] in str(error.value) for row in (1, 2, 6))
    assert rows["path"][0] not in str(error.value)
    assert len(stored(tmp_path / "store", rows.iloc[[0, 3, 4, 5]])) == 4


def test_a_batch_of_bad_images_alone_is_reported_too(tmp_path, encoder, images):
    rows, _ = images
    for path in rows["path"]:
        Path(path).unlink()
    with pytest.raises(InputError, match="7 images"):
        embed_images(encoder, rows, tmp_path / "store", 2, 1)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_an_image_without_a_direction_is_named(tmp_path, encoder, images, value):
    rows, pixels = images

    class Faulty(torch.nn.Module):
        def forward(self, batch):
            features = encoder.network(batch)
            features[encoder.preprocess(pixels[4]).eq(batch).flatten(1).all(dim=1)] = value
            return features

    with pytest.raises(InputError, match="1 images") as error:
        embed_images(replace(encoder, network=Faulty()), rows, tmp_path / "store", 3, 1)
    assert rows["path"][4] in str(error.value)
    assert find_vectors(tmp_path / "store", 1024, pixel_keys(rows["pixel_hash"]))[0].tolist() == [0, 0, 0, 0, -1, 0, 0]


def test_progress_is_logged_at_each_interval_and_at_the_end(tmp_path, encoder, images, monkeypatch, caplog):
    monkeypatch.setattr(embedding, "PROGRESS_INTERVAL", 0)
    with caplog.at_level(logging.INFO):
        embed_images(encoder, images[0], tmp_path / "store", 3, 1)
    lines = [record.message for record in caplog.records if "images/s" in record.message]
    assert [line.split(" images")[0] for line in lines] == ["3 of 7", "6 of 7", "7 of 7"]


def test_progress_tells_images_done_speed_and_time_left():
    assert describe_progress(2_000, 9_320, 100) == "2,000 of 9,320 images, 20.0 images/s, 0:06:06 left"


def test_the_log_tells_how_long_the_encoder_waited_for_images(tmp_path, encoder, images, caplog):
    with caplog.at_level(logging.INFO):
        embed_images(encoder, images[0], tmp_path / "store", 3, 1)
    assert re.fullmatch(r"the encoder waited for images for \d+ % of the time", caplog.records[-1].message)


@pytest.mark.parametrize(
    ("side", "images"), [(32, 64), (224, 64), (240, 55), (448, 16), (518, 11), (1024, 3), (4096, 1)]
)
def test_a_batch_of_larger_inputs_takes_no_more_memory(side, images):
    assert scale_batch(64, side) == images


def test_an_image_that_was_replaced_since_its_inspection_gets_no_vector_under_the_old_hash(tmp_path, encoder, images):
    rows, pixels = images
    Image.fromarray(pixels[3][::-1].copy()).save(rows["path"][2])
    with pytest.raises(InputError, match=rf"{rows['path'][2]}: changed or gone since it was inspected; run again"):
        embed_images(encoder, rows, tmp_path / "store", 3, 1)
    assert find_vectors(tmp_path / "store", 1024, pixel_keys(rows["pixel_hash"]))[0].tolist() == [0, 0, -1, 0, 0, 0, 0]
