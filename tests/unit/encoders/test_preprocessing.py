"""The preprocessing of every encoder, compared pixel by pixel with the processor of its publisher."""

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import transformers
from PIL import Image
from segment_anything.utils.transforms import ResizeLongestSide
from torchvision import models, transforms
from torchvision.transforms import InterpolationMode

from cbir.encoders.preprocessing import preprocess_image
from cbir.experiment.catalogue import load_catalogue

CATALOGUE = load_catalogue(Path(__file__).parents[3] / "workflow/models.yaml")
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
SHAPES = [(301, 200, 3), (64, 515), (79, 83, 3), (224, 224), (300, 300, 3)]

# settings from preprocessor_config.json of the repositories
PROCESSORS = {
    "resnet50": transformers.ConvNextImageProcessorPil(
        **IMAGENET, crop_pct=0.875, resample=BICUBIC, size={"shortest_edge": 224}
    ),
    "vit-b16-in21k": transformers.ViTImageProcessorPil(**HALF, resample=BILINEAR),
    "mae-vit-b16": transformers.ViTImageProcessorPil(**IMAGENET, resample=BILINEAR),
    "dinov2-vitb14": transformers.BitImageProcessorPil(
        **IMAGENET, resample=BICUBIC, size={"shortest_edge": 256}, crop_size=224
    ),
    "rad-dino": transformers.BitImageProcessorPil(
        image_mean=[0.5307] * 3,
        image_std=[0.2583] * 3,
        resample=BICUBIC,
        size={"shortest_edge": 518},
        crop_size=518,
    ),
    "sam-vitb": transformers.SamImageProcessorPil(),
    "siglip2-vitb16": transformers.SiglipImageProcessorPil(
        **HALF, resample=BILINEAR, size={"height": 224, "width": 224}
    ),
    "medsiglip": transformers.SiglipImageProcessorPil(**HALF, resample=BICUBIC, size={"height": 448, "width": 448}),
}

PRESETS = {
    "resnet50-v1": models.ResNet50_Weights.IMAGENET1K_V1,
    "vgg19": models.VGG19_Weights.IMAGENET1K_V1,
    "densenet121": models.DenseNet121_Weights.IMAGENET1K_V1,
    "efficientnet-v2-m": models.EfficientNet_V2_M_Weights.IMAGENET1K_V1,
}


def make_image(shape):
    """Noise on a gradient: a shift of half a pixel changes every pixel."""
    ramp = np.linspace(0, 155, shape[0])[:, None] + np.linspace(0, 50, shape[1])[None]
    ramp = ramp if len(shape) == 2 else ramp[..., None]
    return (ramp + np.random.default_rng(0).integers(0, 50, shape)).astype(np.uint8)


def process(processor, image):
    pixels = processor(Image.fromarray(image).convert("RGB"), return_tensors="pt")["pixel_values"][0]
    return pixels.to(torch.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PROCESSORS)
def test_an_encoder_of_transformers_gets_the_pixels_of_its_processor(name, shape):
    image = make_image(shape)
    expected = process(PROCESSORS[name], image)
    np.testing.assert_allclose(preprocess_image(image, CATALOGUE[name]["input"]), expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_dinov3_gets_the_pixels_of_its_processor_except_for_the_rounding_to_grey_levels(shape):
    image = make_image(shape)
    expected = process(transformers.DINOv3ViTImageProcessor(), image)
    difference = (preprocess_image(image, CATALOGUE["dinov3-vitb16"]["input"]) - expected).abs()
    grey_level = 1 / 255 / min(IMAGENET["image_std"])  # the processor resizes without rounding to grey levels
    assert difference.max() < 1.1 * grey_level


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["clip-vitl14", "openclip-vitb16", "openclip-vitg14", "biomedclip"])
def test_clip_gets_the_pixels_of_open_clip(name, shape):
    image = make_image(shape)
    expected = open_clip.image_transform(224, is_train=False)(Image.fromarray(image))
    np.testing.assert_allclose(preprocess_image(image, CATALOGUE[name]["input"]), expected, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PRESETS)
def test_an_encoder_of_torchvision_gets_the_pixels_of_the_preset_of_its_weights(name, shape):
    image = make_image(shape)
    expected = PRESETS[name].transforms()(Image.fromarray(image).convert("RGB"))
    np.testing.assert_allclose(preprocess_image(image, CATALOGUE[name]["input"]), expected, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["sam-vitb", "medsam-vitb"])
def test_sam_gets_the_pixels_of_segment_anything(name, shape):
    image = make_image(shape)
    resized = ResizeLongestSide(1024).apply_image(np.array(Image.fromarray(image).convert("RGB")))
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    expected = torch.zeros(3, 1024, 1024)
    expected[:, : resized.shape[0], : resized.shape[1]] = ((torch.tensor(resized) - mean) / std).permute(2, 0, 1)
    np.testing.assert_allclose(preprocess_image(image, CATALOGUE[name]["input"]), expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_medclip_gets_a_grey_image_in_the_middle_of_a_black_square(shape):
    image = Image.fromarray(make_image(shape))
    side = max(224, *image.size)
    square = Image.new("L", (side, side), 0)
    square.paste(image, (int((side - image.size[0]) / 2), int((side - image.size[1]) / 2)))
    grey = np.array(square.resize((224, 224), BICUBIC), dtype=np.float64) / 255
    expected = np.repeat(((grey - 0.5862785803043838) / 0.27950088968644304)[None], 3, axis=0)
    given = preprocess_image(make_image(shape), CATALOGUE["medclip-swin"]["input"])
    np.testing.assert_allclose(given, expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "side", "interpolation", "mean", "std"),
    [
        ("blip-vitb16", 224, "bicubic", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
        (
            "seem-focalt",
            512,
            "bicubic",
            (123.675 / 255, 116.28 / 255, 103.53 / 255),
            (58.395 / 255, 57.12 / 255, 0.225),
        ),
        ("radimagenet-resnet50", 224, "bilinear", (0.5,) * 3, (0.5,) * 3),
    ],
)
def test_the_other_encoders_get_the_pixels_of_torchvision(name, side, interpolation, mean, std, shape):
    image = make_image(shape)
    steps = [
        transforms.Resize((side, side), InterpolationMode(interpolation)),
        transforms.ToTensor(),
        transforms.Normalize(mean, std),
    ]
    expected = transforms.Compose(steps)(Image.fromarray(image).convert("RGB"))
    np.testing.assert_allclose(preprocess_image(image, CATALOGUE[name]["input"]), expected, atol=1e-5)


def test_every_encoder_is_compared_with_a_processor():
    compared = {*PROCESSORS, "dinov3-vitb16", "clip-vitl14", "openclip-vitb16", "biomedclip", "medsam-vitb"}
    compared |= {*PRESETS, "openclip-vitg14", "medclip-swin", "blip-vitb16", "seem-focalt", "radimagenet-resnet50"}
    same = {name for name, entry in CATALOGUE.items() if entry["input"] in [CATALOGUE[n]["input"] for n in compared]}
    assert {name for name, entry in CATALOGUE.items() if "package" not in entry["weights"]} - same == {
        "efficientnet-lite0-untrained",
        "pixels",
    }
