import hashlib
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from cbir.errors import InputError
from cbir.images.reading import inspect_image, inspect_images, read_image
from cbir.images.thumbnails import make_thumbnail
from dicom_files import write_dicom
from picture_files import write_png

GREY = np.random.default_rng(0).integers(0, 256, (37, 53), dtype=np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (37, 53, 3), dtype=np.uint8)
SMOOTH = (np.add.outer(np.arange(600), np.arange(1000)) * 255 / 1598).astype(np.uint8)


def save(folder, image, name="image.png", **options):
    path = folder / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.gif", "a.jp2", "a.pgm", "a.webp", "no_extension"])
@pytest.mark.parametrize("pixels", [GREY, COLOR], ids=["grey", "color"])
def test_pictures_in_lossless_formats_have_the_pixels_that_were_saved(tmp_path, name, pixels):
    if name == "a.gif" and pixels is COLOR:
        pixels = pixels // 64 * 85  # 64 colors fit a palette
    kind = {"no_extension": "PNG", "a.webp": "WEBP", "a.jp2": "JPEG2000"}.get(name)
    options = {"lossless": True} if kind == "WEBP" else {}
    path = save(tmp_path, Image.fromarray(pixels), name, format=kind, **options)
    read = read_image(path)
    assert read.dtype == np.uint8
    expected = pixels if read.ndim == pixels.ndim else np.repeat(pixels[..., None], 3, axis=2)
    np.testing.assert_array_equal(read, expected)


def test_the_format_is_found_by_the_content_and_not_by_the_name(tmp_path):
    np.testing.assert_array_equal(read_image(save(tmp_path, Image.fromarray(GREY), "a.dcm", format="PNG")), GREY)
    np.testing.assert_array_equal(read_image(write_dicom(tmp_path / "b.png", GREY)), GREY)


def test_1_bit_pixels_are_black_and_white(tmp_path):
    path = save(tmp_path, Image.fromarray(GREY > 127))
    np.testing.assert_array_equal(read_image(path), np.where(GREY > 127, 255, 0))
    assert inspect_image(path)["bits"] == 1


@pytest.mark.parametrize("depth", [2, 4])
def test_grey_of_2_or_4_bits_is_shown_from_black_to_white(tmp_path, depth):
    path = write_png(tmp_path / "a.png", 8 // depth, 1, depth, 0, [[0b00011011 if depth == 2 else 0x0F]])
    np.testing.assert_array_equal(read_image(path), [[0, 85, 170, 255] if depth == 2 else [0, 255]])


def test_a_palette_becomes_its_colors(tmp_path):
    image = Image.fromarray(GREY % 4)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 7, 8, 9])
    colors = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [7, 8, 9]])
    np.testing.assert_array_equal(read_image(save(tmp_path, image)), colors[GREY % 4])
    colors[3] = 0
    np.testing.assert_array_equal(read_image(save(tmp_path, image, transparency=3)), colors[GREY % 4])


@pytest.mark.parametrize("pixels", [GREY, COLOR], ids=["grey", "color"])
def test_transparent_pixels_are_blended_with_black(tmp_path, pixels):
    alpha = np.tile(np.array([0, 128, 255], np.uint8), (37, 18))[:, :53]
    path = save(tmp_path, Image.fromarray(np.dstack([pixels, alpha])))
    shares = alpha / 255 if pixels.ndim == 2 else alpha[..., None] / 255
    read = read_image(path)
    assert read.shape == pixels.shape
    np.testing.assert_allclose(read, pixels * shares, atol=1)
    np.testing.assert_array_equal(read[alpha == 255], pixels[alpha == 255])


def test_a_transparent_grey_value_is_black(tmp_path):
    path = save(tmp_path, Image.fromarray(GREY % 4 * 50), transparency=150)
    np.testing.assert_array_equal(read_image(path), np.where(GREY % 4 == 3, 0, GREY % 4 * 50))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_shown_from_its_minimum_to_its_maximum(tmp_path, name):
    pixels = np.array([[1000, 2000, 3000], [1500, 1002, 1000]], np.uint16)
    path = save(tmp_path, Image.fromarray(pixels), name)
    np.testing.assert_array_equal(read_image(path), [[0, 128, 255], [64, 0, 0]])
    assert inspect_image(path)["bits"] == 16


@pytest.mark.filterwarnings("error")
def test_16_bit_grey_of_one_value_is_black(tmp_path):
    assert not read_image(save(tmp_path, Image.fromarray(np.full((3, 4), 700, np.uint16)))).any()


def test_float_grey_is_shown_from_its_minimum_to_its_maximum_with_nan_and_infinity_as_black(tmp_path):
    pixels = np.array([[-1.0, 0.0, 1.0, np.nan, -np.inf]], np.float32)
    path = save(tmp_path, Image.fromarray(pixels), "a.tif")
    np.testing.assert_array_equal(read_image(path), [[0, 128, 255, 0, 0]])
    assert inspect_image(path)["bits"] == 32


@pytest.mark.parametrize("pixels", [SMOOTH, np.dstack([SMOOTH, SMOOTH[::-1], SMOOTH[:, ::-1]])], ids=["grey", "color"])
def test_a_jpeg_is_close_to_the_pixels_that_were_saved(tmp_path, pixels):
    read = read_image(save(tmp_path, Image.fromarray(pixels), "a.jpg", quality=95))
    assert read.shape == pixels.shape
    np.testing.assert_allclose(read.astype(int), pixels, atol=8)


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    read = read_image(save(tmp_path, cyan, "a.jpg", quality=95))
    assert read.shape == (16, 16, 3)
    np.testing.assert_allclose(read[8, 8], [0, 255, 255], atol=4)


def test_a_jpeg_is_decoded_smaller_where_at_least_four_times_the_size_asked_for_is_left(tmp_path):
    path = save(tmp_path, Image.fromarray(SMOOTH), "a.jpg")
    assert {size: read_image(path, size=size).shape for size in (600, 300, 76, 75, 38, 37, 19, 18, 9)} == {
        600: (600, 1000),
        300: (600, 1000),
        76: (600, 1000),
        75: (300, 500),
        38: (300, 500),
        37: (150, 250),
        19: (150, 250),
        18: (75, 125),
        9: (75, 125),
    }
    halved = SMOOTH.reshape(300, 2, 500, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(read_image(path, size=75).astype(int), halved, atol=3)


@pytest.mark.parametrize("side", [599, 601])
def test_a_jpeg_that_a_half_does_not_divide_evenly_is_decoded_in_full(tmp_path, side):
    path = save(tmp_path, Image.fromarray(SMOOTH[:, :side]), "a.jpg")
    assert read_image(path, size=10).shape == (600, side)


def test_a_jpeg_of_a_photograph_decoded_smaller_differs_by_four_grey_levels_at_most_after_resizing(tmp_path):
    photograph = Image.fromarray(load_sample_image("china.jpg"))
    path = save(tmp_path, photograph.resize((1024, 512)), "a.jpg", quality=90)
    drafted, full = (
        np.asarray(Image.fromarray(pixels).resize((128, 64), Image.Resampling.BICUBIC)).astype(int)
        for pixels in (read_image(path, size=64), read_image(path))
    )
    assert read_image(path, size=64).shape == (256, 512, 3)
    assert 0 < np.abs(drafted - full).max() <= 4


def test_a_size_changes_nothing_for_formats_other_than_jpeg(tmp_path):
    np.testing.assert_array_equal(read_image(save(tmp_path, Image.fromarray(SMOOTH)), size=10), SMOOTH)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_exif_orientation_turns_the_picture_upright(tmp_path, name):
    upright = np.kron(np.array([[0, 80], [160, 255]], np.uint8), np.ones((16, 24), np.uint8))
    stored = {  # the rows that a camera writes for each orientation, EXIF 2.32 section 4.6.5.1.A
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    for orientation, pixels in stored.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path, Image.fromarray(pixels), name, exif=exif)
        np.testing.assert_allclose(read_image(path).astype(int), upright, atol=3)


@pytest.mark.parametrize("name", ["a.tif", "a.gif"])
def test_a_picture_of_several_frames_is_read_by_number(tmp_path, name):
    frames = [Image.fromarray(np.full((5, 6), 60 * number + 10, np.uint8)) for number in range(4)]
    path = save(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    assert [read_image(path, frame).max() for frame in range(4)] == [10, 70, 130, 190]
    with pytest.raises(InputError, match="no frame 4, it has 4"):
        read_image(path, 4)


def test_a_second_frame_of_a_single_picture_is_refused(tmp_path):
    path = save(tmp_path, Image.fromarray(GREY))
    for frame in (1, -1):
        with pytest.raises(InputError, match=f"no frame {frame}, it has 1"):
            read_image(path, frame)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "a.jp2", "a.webp", "a.gif"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_a_truncated_picture_is_refused(tmp_path, name, share):
    path = save(tmp_path, Image.fromarray(COLOR), name)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(len(whole) * share))])
    with pytest.raises(InputError, match=f"^{path}: "):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty file"), (b"not an image\n" * 50, "not an image"), (b"\0" * 500, "not an image")],
)
def test_a_file_that_is_no_image_is_refused(tmp_path, content, reason):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}: {reason}$"):
        read_image(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(InputError, match="Is a directory"):
        read_image(tmp_path)


def test_a_picture_that_claims_too_many_pixels_is_refused(tmp_path):
    for side in (10_001, 100_000):
        path = write_png(tmp_path / "a.png", side, side, 8, 0, [])
        with pytest.raises(InputError, match="pixels"):
            read_image(path)


def test_inspection_hashes_the_shape_and_the_pixels(tmp_path):
    path = save(tmp_path, Image.fromarray(COLOR))
    expected = hashlib.blake2b(b"(37, 53, 3)" + COLOR.tobytes(), digest_size=16).hexdigest()
    assert inspect_image(path) == {
        "readable": True,
        "reason": "",
        "width": 53,
        "height": 37,
        "bits": 8,
        "pixel_hash": expected,
        "thumbnail": make_thumbnail(COLOR).tobytes(),
    }


def test_the_thumbnail_of_a_large_jpeg_is_that_of_its_full_resolution(tmp_path):
    rows = np.random.default_rng(6).integers(0, 256, (70, 70)).astype(np.uint8)
    picture = Image.fromarray(rows).resize((1000, 1000), Image.Resampling.BICUBIC)
    thumbnail = inspect_image(save(tmp_path, picture, "a.jpg", quality=95))["thumbnail"]
    difference = np.frombuffer(thumbnail, np.uint8).reshape(32, 32).astype(int) - make_thumbnail(np.array(picture))
    assert np.abs(difference).max() <= 2


def test_the_same_pixels_in_any_lossless_format_have_the_same_hash(tmp_path):
    paths = [save(tmp_path, Image.fromarray(GREY), name) for name in ("a.png", "a.bmp", "a.tif", "a.pgm")]
    paths.append(write_dicom(tmp_path / "a.dcm", GREY))
    assert len({inspect_image(path)["pixel_hash"] for path in paths}) == 1
    other = save(tmp_path, Image.fromarray(GREY.reshape(53, 37)), "other.png")
    assert inspect_image(other)["pixel_hash"] != inspect_image(paths[0])["pixel_hash"]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_inspection_keeps_the_order_and_gives_the_reason_for_unreadable_images(tmp_path, threads):
    names = [f"{number:02}.png" for number in reversed(range(40))]
    for number, name in enumerate(names):
        save(tmp_path, Image.fromarray(GREY[: number + 1]), name)
    (tmp_path / names[7]).write_bytes(b"")
    (tmp_path / names[20]).unlink()
    images = pd.DataFrame({"image_id": names, "path": [str(tmp_path / name) for name in names], "frame": 0})
    inspected = inspect_images(images, threads)
    columns = ["image_id", "path", "frame", "readable", "reason", "width", "height", "bits", "pixel_hash"]
    columns += ["file_state", "decoder", "thumbnail"]
    assert list(inspected) == columns
    assert list(inspected["image_id"]) == names
    expected = np.arange(1, 41).clip(max=37)
    expected[[7, 20]] = 0
    np.testing.assert_array_equal(inspected["height"], expected)
    assert inspected.loc[~inspected["readable"], "reason"].to_dict() == {
        7: "empty file",
        20: "No such file or directory",
    }
    assert inspected["file_state"][20] == ""
    assert inspected["file_state"][7].startswith("0 bytes, changed at ")


def test_an_inspection_of_no_images_is_an_empty_table():
    none = pd.DataFrame({"image_id": [], "path": [], "frame": []})
    assert list(inspect_images(none, 1)) == list(inspect_images(none, 2))
    assert inspect_images(none, 1).empty


@pytest.fixture
def inspected(tmp_path):
    """Three images, one of them unreadable, and their inspection."""
    for number in range(3):
        save(tmp_path, Image.fromarray(GREY + number), f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"no image")
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    images = pd.DataFrame({"image_id": ["a", "b", "c"], "path": paths, "frame": 0})
    return images, inspect_images(images, 1)


def test_an_image_whose_file_is_the_same_is_not_decoded_again(inspected, monkeypatch):
    images, known = inspected
    monkeypatch.setattr("cbir.images.reading.inspect_image", lambda path, frame: pytest.fail(f"{path} is decoded"))
    reordered = images.iloc[[2, 0]].assign(image_id=["other", "ids"])
    again = inspect_images(reordered, 1, known)
    expected = known.iloc[[2, 0]].assign(image_id=["other", "ids"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(again, expected)


def test_replaced_new_and_unreadable_images_are_decoded_again(inspected, tmp_path):
    images, known = inspected
    save(tmp_path, Image.fromarray(GREY + 7), "0.png")  # replaced
    save(tmp_path, Image.fromarray(GREY + 8), "3.png")  # new
    save(tmp_path, Image.fromarray(GREY + 9), "1.png")  # mended
    more = pd.DataFrame({"image_id": ["d"], "path": [str(tmp_path / "3.png")], "frame": 0})
    images = pd.concat([images, more], ignore_index=True)
    pd.testing.assert_frame_equal(inspect_images(images, 1, known), inspect_images(images, 1))


def test_another_decoder_decodes_all_again(inspected, monkeypatch):
    images, known = inspected
    monkeypatch.setattr("cbir.images.reading.describe_decoder", lambda: "another")
    decoded = []
    monkeypatch.setattr(
        "cbir.images.reading.inspect_image",
        lambda path, frame: (
            decoded.append(path)
            or {"readable": False, "reason": "", "width": 0, "height": 0, "bits": 0, "pixel_hash": "", "thumbnail": b""}
        ),
    )
    inspect_images(images, 1, known)
    assert decoded == images["path"].tolist()


def test_a_path_may_have_spaces_and_letters_of_any_language(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "PNG")
    path = tmp_path / "Thorax à 12°, «côté».PNG"
    path.write_bytes(stream.getvalue())
    np.testing.assert_array_equal(read_image(str(path)), GREY)
