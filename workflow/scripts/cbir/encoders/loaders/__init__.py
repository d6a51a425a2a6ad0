"""How each kind of encoder is built: a module a kind, which imports the library that it needs and no other."""

from importlib import import_module
from types import ModuleType

LOADERS = {
    "efficientnet-lite": "efficientnet_lite",
    "focalnet": "focalnet",
    "open-clip": "open_clip_models",
    "pixels": "pixels",
    "timm": "timm_models",
    "transformers": "transformers_models",
}


def find_loader(name: str) -> ModuleType:
    """The module with `load_image_encoder`, and with `load_text_encoder` where the kind has text towers.

    Both: (catalogue entry, weight file or None) -> network in float32 on the CPU, (b, 3, h, w) -> (b, d) for images.
    """
    return import_module(f"cbir.encoders.loaders.{LOADERS[name]}")
