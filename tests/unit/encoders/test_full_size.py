"""Every encoder of the catalogue in full size with random weights: tensors of the published shapes fit its entry."""

import gc
from copy import deepcopy

import numpy as np
import open_clip
import pytest
import safetensors.torch
import segment_anything
import timm
import torch
import torchvision
import transformers
from torch.nn import functional

from cbir.embeddings.images import keep_freed_memory
from cbir.encoders.image_encoder import load_encoder
from small_encoders import (
    CATALOGUE,
    make_seem,
    make_torchvision,
    save_as_torchvision_did,
    save_published,
    seem_reference,
)

pytestmark = pytest.mark.slow


def transformers_model(name, architecture, forward, **options):
    def make(folder):
        config = architecture.config_class(**CATALOGUE[name].get("options", {}) | options)
        model = architecture(config).eval()
        return save_published(model, folder), lambda batch: forward(model, batch)

    return make


def class_token(model, batch):
    return model(batch).last_hidden_state[:, 0]


def siglip(name):
    def make(folder):
        text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
        config = transformers.SiglipConfig(vision_config=CATALOGUE[name].get("options", {}), text_config=text)
        model = transformers.SiglipModel(config).eval()
        return save_published(model, folder), lambda batch: model.vision_model(batch).pooler_output

    return make


def mae(folder):
    model = transformers.ViTMAEForPreTraining(transformers.ViTMAEConfig(mask_ratio=0.0)).eval()
    in_order = torch.arange(196).float()[None]
    return save_published(model, folder), lambda batch: model.vit(batch, noise=in_order).last_hidden_state[:, 0]


def sam(folder):
    model = segment_anything.sam_model_registry["vit_b"]().eval()
    torch.save(model.state_dict(), folder / "sam.pth")
    return folder / "sam.pth", lambda batch: model.image_encoder(batch).mean((2, 3))


def clip(name):
    def make(folder):
        model = open_clip.CLIP(**open_clip.get_model_config(name)).eval()
        path = folder / "open_clip_model.safetensors"
        safetensors.torch.save_file({n: tensor.contiguous() for n, tensor in model.state_dict().items()}, path)
        return path, model.encode_image

    return make


def biomedclip(folder):
    config = deepcopy(CATALOGUE["biomedclip"]["options"])
    transformers.BertConfig().save_pretrained(folder)
    config["text_cfg"] |= {"hf_model_name": str(folder), "hf_model_pretrained": False, "context_length": 256}
    model = open_clip.CustomTextCLIP(**config).eval()
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder / "open_clip_pytorch_model.bin", model.encode_image


def medclip(folder):
    model = transformers.SwinModel(transformers.SwinConfig()).eval()
    head = torch.nn.Linear(768, 512, bias=False)
    published = safetensors.torch.load_file(save_published(model, folder))
    tensors = {f"vision_model.model.{name}": tensor for name, tensor in published.items()}
    tensors |= {"vision_model.projection_head.weight": head.weight.detach(), "logit_scale": torch.tensor(2.0)}
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin", lambda batch: head(model(batch).pooler_output)


def blip(folder):
    model = timm.models.VisionTransformer(num_classes=0).eval()
    tensors = {f"visual_encoder.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"model": tensors}, folder / "model_base.pth")
    return folder / "model_base.pth", lambda batch: model.forward_features(batch)[:, 0]


def seem(folder):
    depths, levels = [2, 2, 6, 2], 3
    tensors = make_seem(96, depths, levels)
    torch.save(tensors, folder / "seem.pt")
    return folder / "seem.pt", lambda batch: seem_reference(tensors, batch, depths, levels)


def radimagenet(folder):
    model = torch.nn.Sequential(*list(torchvision.models.resnet50(weights=None).children())[:9]).eval()
    torch.save({f"backbone.{name}": tensor for name, tensor in model.state_dict().items()}, folder / "ResNet50.pt")
    return folder / "ResNet50.pt", lambda batch: model(batch).flatten(1)


def torchvision_model(name):
    def make(folder):
        model, features = make_torchvision(CATALOGUE[name]["architecture"])
        return save_as_torchvision_did(model, folder / "model.pth"), lambda batch: features(batch).mean((2, 3))

    return make


def clip_vitg14(folder):
    """The image tower in full size, with a small text tower beside it."""
    config = open_clip.get_model_config("ViT-g-14")
    config["text_cfg"] |= {"width": 64, "heads": 2, "layers": 1}
    model = open_clip.CLIP(**config).eval()
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder / "open_clip_pytorch_model.bin", model.encode_image


RESNET = transformers.ResNetForImageClassification
ENCODERS = {
    "resnet50": transformers_model(
        "resnet50", RESNET, lambda m, b: m.resnet(b).pooler_output.flatten(1), num_labels=1000
    ),
    "resnet50-logits": transformers_model("resnet50-logits", RESNET, lambda m, b: m(b).logits),
    "resnet50-v1": torchvision_model("resnet50-v1"),
    "vgg19": torchvision_model("vgg19"),
    "densenet121": torchvision_model("densenet121"),
    "efficientnet-v2-m": torchvision_model("efficientnet-v2-m"),
    "vit-b16-in21k": transformers_model("vit-b16-in21k", transformers.ViTModel, class_token),
    "mae-vit-b16": mae,
    "dinov2-vitb14": transformers_model("dinov2-vitb14", transformers.Dinov2Model, class_token),
    "sam-vitb": sam,
    "medsam-vitb": sam,
    "clip-vitl14": clip("ViT-L-14-quickgelu"),
    "openclip-vitb16": clip("ViT-B-16"),
    "openclip-vitg14": clip_vitg14,
    "biomedclip": biomedclip,
    "medclip-swin": medclip,
    "blip-vitb16": blip,
    "seem-focalt": seem,
    "radimagenet-resnet50": radimagenet,
    "rad-dino": transformers_model("rad-dino", transformers.Dinov2Model, class_token),
    "siglip2-vitb16": siglip("siglip2-vitb16"),
    "medsiglip": siglip("medsiglip"),
    "dinov3-vitb16": transformers_model("dinov3-vitb16", transformers.DINOv3ViTModel, class_token),
}


@pytest.mark.parametrize("name", ENCODERS)
@torch.inference_mode()
def test_an_encoder_in_full_size_gives_the_vectors_of_its_publishers_implementation(tmp_path, name):
    keep_freed_memory()
    torch.manual_seed(0)
    path, reference = ENCODERS[name](tmp_path)
    entry = deepcopy(CATALOGUE[name])
    entry["weights"].pop("sha256", None)
    image = np.random.default_rng(0).integers(0, 256, (300, 260), dtype=np.uint8)
    encoder = load_encoder(entry, path, "cpu", "float32")
    batch = encoder.preprocess(image)[None]
    expected = reference(batch)
    del reference
    gc.collect()
    assert (functional.cosine_similarity(encoder.forward(batch)[0], expected) > 0.99999).all()
    path.unlink()


def test_every_encoder_with_published_weights_is_tested():
    published = {name for name, entry in CATALOGUE.items() if entry["weights"].keys() & {"repository", "url"}}
    assert set(ENCODERS) == published
