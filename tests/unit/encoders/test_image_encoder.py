import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from cbir.encoders.image_encoder import load_encoder
from cbir.encoders.preprocessing import preprocess_image
from cbir.encoders.weights import find_packaged_weights
from cbir.errors import InputError
from cbir.experiment.catalogue import load_catalogue

CATALOGUE = load_catalogue(Path(__file__).parents[3] / "workflow/models.yaml")
INPUT = {
    "size": 160,
    "resize": "squash",
    "interpolation": "bicubic",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
# the smallest ViT of timm
TINY = {
    "loader": "timm",
    "architecture": "test_vit",
    "weights": {"seed": 3},
    "input": INPUT,
    "pooling": "class-token",
    "dimensions": 64,
}


def make_image(height, width, channels=None, seed=0):
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def load(entry, weights=None, precision="float32"):
    return load_encoder(entry, weights, "cpu", precision)


def cosines(a, b):
    return torch.nn.functional.cosine_similarity(a, b).numpy()


def save_tiny(path, change=lambda tensors: None):
    torch.manual_seed(0)
    model = timm.create_model("test_vit").eval()
    tensors = model.state_dict()
    change(tensors)
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return model


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_efficientnet_lite_gives_the_vectors_of_its_publishers_code(name):
    entry = CATALOGUE[name]
    weights = str(find_packaged_weights(entry["weights"]))
    reference = EfficientNet.from_pretrained(name, weights_path=weights).eval()
    assert reference.input_image_size == entry["input"]["size"]
    encoder = load(entry)
    batch = torch.stack([encoder.preprocess(make_image(300, 260, seed=seed)) for seed in range(2)])
    with torch.inference_mode():
        expected = reference.extract_features(batch).mean((2, 3))
    embedded, norms = encoder.forward(batch)
    assert (cosines(embedded, expected) > 0.99999).all()
    np.testing.assert_allclose(embedded.norm(dim=1), 1, atol=1e-6)
    np.testing.assert_allclose(norms, expected.norm(dim=1), rtol=1e-5)


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize(("height", "width"), [(301, 200), (64, 515), (224, 224)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("rule", ["squash", "shortest"])
def test_preprocessing_equals_torchvision_pixel_by_pixel(rule, interpolation, height, width, channels):
    image = make_image(height, width, channels)
    options = INPUT | {"interpolation": interpolation, "resize": rule, "size": 256 if rule == "shortest" else 224}
    if rule == "shortest":
        options["crop"] = 224
    steps = [
        transforms.Resize(256 if rule == "shortest" else (224, 224), InterpolationMode(interpolation)),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(INPUT["mean"], INPUT["std"]),
    ]
    expected = transforms.Compose(steps)(Image.fromarray(image).convert("RGB"))
    tensor = preprocess_image(image, options)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert torch.equal(tensor, expected)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_timm_encoder_gives_the_vectors_of_timm(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    model = save_tiny(path)
    batch = torch.stack([preprocess_image(make_image(200, 180, 3), INPUT)])
    with torch.inference_mode():
        expected = model.forward_features(batch)[:, 0]
    assert (cosines(load(TINY, path).forward(batch)[0], expected) > 0.99999).all()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_gives_nearly_the_same_unit_vectors(tmp_path, precision):
    path = tmp_path / "model.safetensors"
    save_tiny(path)
    batch = torch.stack([preprocess_image(make_image(200, 180, 3), INPUT)])
    embedded, norms = load(TINY, path, precision).forward(batch)
    assert embedded.dtype == norms.dtype == torch.float32
    np.testing.assert_allclose(embedded.norm(dim=1), 1, atol=1e-6)
    assert (cosines(embedded, load(TINY, path).forward(batch)[0]) > 0.999).all()


def test_random_weights_depend_on_nothing_but_the_seed():
    batch = torch.stack([preprocess_image(make_image(200, 180), INPUT)])
    state = torch.random.get_rng_state()
    first = load(TINY).forward(batch)[0]
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(load(TINY).forward(batch)[0], first)
    assert not torch.equal(load(TINY | {"weights": {"seed": 4}}).forward(batch)[0], first)


def test_the_untrained_control_differs_from_the_trained_encoder_only_in_its_weights():
    trained, untrained = CATALOGUE["efficientnet-lite0"], CATALOGUE["efficientnet-lite0-untrained"]
    assert all(trained[key] == untrained[key] for key in ("architecture", "input", "pooling", "dimensions"))
    names = load(untrained).network.state_dict().keys()
    assert names == load(trained).network.state_dict().keys()


def test_pixels_are_the_resized_image_with_zero_mean_and_unit_norm():
    encoder = load(CATALOGUE["pixels"])
    image = make_image(100, 80)
    pixels = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR), dtype=float).ravel()
    pixels -= pixels.mean()
    (embedded,), (norm,) = encoder.forward(encoder.preprocess(image).unsqueeze(0))
    np.testing.assert_allclose(embedded, pixels / np.linalg.norm(pixels), atol=1e-6)
    np.testing.assert_allclose(norm, np.linalg.norm(pixels / 255), rtol=1e-5)


def test_a_blank_image_is_similar_to_blank_images_only():
    encoder = load(CATALOGUE["pixels"])
    images = [np.zeros((50, 50), np.uint8), np.full((60, 40), 77, np.uint8), make_image(50, 50)]
    embedded, _ = encoder.forward(torch.stack([encoder.preprocess(image) for image in images]))
    np.testing.assert_allclose(embedded @ embedded.T, [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-5)


def test_tensors_that_are_missing_unexpected_or_of_another_shape_are_all_named(tmp_path):
    def change(tensors):
        tensors["norm.wait"] = tensors.pop("norm.weight")
        tensors["cls_token"] = tensors["cls_token"][..., :10].contiguous()

    path = tmp_path / "model.safetensors"
    save_tiny(path, change)
    with pytest.raises(InputError) as error:
        load(TINY, path)
    for said in (str(path), "missing norm.weight", "unexpected norm.wait", "cls_token is (1, 1, 10)"):
        assert said in str(error.value)


def test_efficientnet_lite_names_tensors_that_do_not_fit_in_pairs(tmp_path):
    entry = CATALOGUE["efficientnet-lite0"]
    tensors = torch.load(find_packaged_weights(entry["weights"]), weights_only=True)
    tensors["_bn0.bias"] = tensors.pop("_bn0.bias")
    path = tmp_path / "model.pth"
    torch.save(tensors, path)
    with pytest.raises(InputError, match=r"_bn0\.running_mean \(32,\) for bn1\.bias \(32,\)"):
        load(entry | {"weights": {"url": "https://example.org", "file": "model.pth"}}, path)


class Malice:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("content", [Malice(), {"model": {"weight": torch.zeros(1)}}, torch.zeros(1), None])
def test_a_file_that_is_no_state_dict_is_refused_and_no_code_in_it_is_run(tmp_path, capsys, content):
    path = tmp_path / "model.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=str(path)):
        load(TINY, path)
    assert "run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
@pytest.mark.parametrize("kept", [0, 1000])
def test_truncated_weights_are_named(tmp_path, name, kept):
    path = tmp_path / name
    save_tiny(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=f"{path}: unreadable weights"):
        load(TINY, path)


def test_weights_with_a_wrong_checksum_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_tiny(path)
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(InputError, match=f"SHA-256 {actual}, the catalogue says {'0' * 64}"):
        load(TINY | {"weights": {"url": "https://example.org", "file": "model.safetensors", "sha256": "0" * 64}}, path)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(InputError, match=r"model\.pth: no such weights"):
        load(TINY, tmp_path / "model.pth")
    with pytest.raises(InputError, match="no Python package no_such_package"):
        load(TINY | {"weights": {"package": "no_such_package", "file": "model.pth"}})


def test_an_unknown_architecture_and_wrong_dimensions_are_named():
    with pytest.raises(InputError, match="no_such_net"):
        load(TINY | {"architecture": "no_such_net"})
    with pytest.raises(InputError, match=r"test_vit: embeddings of shape \(64,\), the catalogue says 65"):
        load(TINY | {"dimensions": 65}).forward(torch.zeros(1, 3, 160, 160))
