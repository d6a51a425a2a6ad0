"""Loaders: how they are found, and every encoder of the catalogue compared with its publisher's implementation.

The publisher's network is made in small with random weights, saved in the published format under the published names,
and loaded by its catalogue entry. Both then embed the same images.
"""

from pathlib import Path

import numpy as np
import open_clip
import pytest
import safetensors.torch
import segment_anything.modeling as sam
import timm
import torch
import torchvision
import transformers
from torch.nn import functional

from cbir.encoders import loaders
from cbir.encoders.image_encoder import load_encoder
from cbir.encoders.loaders import find_loader, find_loader_file, list_loaders
from cbir.errors import InputError
from small_encoders import (
    CATALOGUE,
    CLIP,
    SWIN,
    VIT,
    make_biomedclip,
    make_medclip,
    make_seem,
    make_torchvision,
    randomize,
    reduce,
    save_as_torchvision_did,
    save_published,
    save_tensors,
    seem_reference,
)


def images(count=2):
    """Squares of random colours; plain noise would look the same to a network that averages."""
    rng = np.random.default_rng(1)
    colours = [rng.integers(0, 256, (3 + number, 4, 3), dtype=np.uint8) for number in range(count)]
    return [np.kron(blotches, np.ones((24, 22, 1), dtype=np.uint8)) for blotches in colours]


@torch.inference_mode()
def assert_same_embeddings(entry, path, reference, half_precision=0.999):
    encoder = load_encoder(entry, path, "cpu", "float32")
    batch = torch.stack([encoder.preprocess(image) for image in images()])
    expected = reference(batch)
    embedded, norms = encoder.forward(batch)
    assert embedded.shape == (2, entry["dimensions"])
    assert (functional.cosine_similarity(embedded, expected) > 0.99999).all()
    torch.testing.assert_close(norms, expected.norm(dim=1), rtol=1e-3, atol=0)
    assert not torch.allclose(embedded[0], embedded[1], atol=1e-3)  # the network distinguishes the images
    half = load_encoder(entry, path, "cpu", "bfloat16").forward(batch)[0]
    assert (functional.cosine_similarity(half, expected) > half_precision).all()


def test_the_catalogue_uses_every_loader_and_no_other():
    assert {entry["loader"] for entry in CATALOGUE.values()} == set(list_loaders())


def test_a_loader_is_a_file_of_the_folder_that_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").touch()
    (tmp_path / "my_own.py").touch()
    monkeypatch.setattr(loaders, "FOLDER", tmp_path)
    assert list_loaders() == ["my-own"]
    assert find_loader_file("my-own") == tmp_path / "my_own.py"


@pytest.mark.parametrize("name", list_loaders())
def test_every_loader_loads_image_encoders(name):
    assert callable(find_loader(name).load_image_encoder)


@pytest.mark.parametrize("name", ["openclip", "open_clip", "open-clap"])
def test_an_unknown_loader_is_named_with_a_suggestion_and_all_names(name):
    said = rf"^no loader {name} \(did you mean open-clip\?\); .* timm, torchvision, transformers$"
    with pytest.raises(InputError, match=said):
        find_loader(name)


def test_a_loader_name_unlike_all_others_gets_no_suggestion():
    with pytest.raises(InputError, match=r"^no loader xyz; correct the entry's loader to one of efficientnet-lite, "):
        find_loader("xyz")


def test_a_loader_with_the_name_of_a_library_does_not_hide_the_library():
    for library in (timm, torchvision, transformers, open_clip):
        assert find_loader(library.__name__.replace("_", "-")) is not library
        assert Path(library.__file__).name == "__init__.py"


def test_resnet50_is_pooled_and_resnet50_logits_gives_its_class_scores(tmp_path):
    small = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2]}
    config = transformers.ResNetConfig(**small, num_labels=5)
    model = randomize(transformers.ResNetForImageClassification(config))
    path = save_published(model, tmp_path)
    names = safetensors.torch.load_file(path).keys()
    assert {"resnet.embedder.embedder.convolution.weight", "classifier.1.weight"} <= names
    assert "resnet.encoder.stages.1.layers.1.layer.0.convolution.weight" in names
    entry = reduce("resnet50", small, 64, dimensions=16)
    assert_same_embeddings(entry, path, lambda batch: model.resnet(batch).pooler_output.flatten(1))
    entry = reduce("resnet50-logits", small | {"num_labels": 5}, 64, dimensions=5)
    assert_same_embeddings(entry, path, lambda batch: model(batch).logits)


def test_vit_gives_its_class_token_after_the_last_norm(tmp_path):
    config = transformers.ViTConfig(**VIT, image_size=32)
    model = randomize(transformers.ViTModel(config))
    path = save_published(model, tmp_path)
    names = safetensors.torch.load_file(path).keys()
    assert {"embeddings.cls_token", "layernorm.weight", "pooler.dense.weight"} <= names
    assert "encoder.layer.1.attention.attention.query.weight" in names
    entry = reduce("vit-b16-in21k", VIT | {"image_size": 32}, 32, dimensions=32)
    assert_same_embeddings(entry, path, lambda batch: model(batch).last_hidden_state[:, 0])


def test_mae_gives_its_class_token_with_nothing_masked(tmp_path):
    decoder = {"decoder_hidden_size": 16, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2}
    config = transformers.ViTMAEConfig(**VIT, **decoder, image_size=32, mask_ratio=0.0)
    model = randomize(transformers.ViTMAEForPreTraining(config))
    path = save_published(model, tmp_path)
    names = safetensors.torch.load_file(path).keys()
    assert {"vit.embeddings.cls_token", "vit.layernorm.bias", "decoder.mask_token"} <= names
    entry = reduce("mae-vit-b16", VIT | {"image_size": 32}, 32, dimensions=32)
    in_order = torch.arange(4).expand(2, 4).float()
    assert_same_embeddings(entry, path, lambda batch: model.vit(batch, noise=in_order).last_hidden_state[:, 0])


@pytest.mark.parametrize("name", ["dinov2-vitb14", "rad-dino"])
def test_dinov2_gives_its_class_token(tmp_path, name):
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = randomize(transformers.Dinov2Model(transformers.Dinov2Config(**small, image_size=518)))
    path = save_published(model, tmp_path)
    names = safetensors.torch.load_file(path).keys()
    assert {"embeddings.mask_token", "encoder.layer.0.layer_scale1.lambda1", "encoder.layer.1.mlp.fc2.bias"} <= names
    assert "encoder.layer.0.attention.attention.key.weight" in names
    entry = reduce(name, small, dimensions=32)
    assert_same_embeddings(entry, path, lambda batch: model(batch).last_hidden_state[:, 0])


def test_dinov3_gives_its_class_token(tmp_path):
    config = transformers.DINOv3ViTConfig(**VIT, num_register_tokens=4)
    model = randomize(transformers.DINOv3ViTModel(config))
    path = save_published(model, tmp_path)
    names = safetensors.torch.load_file(path).keys()
    assert {"embeddings.register_tokens", "layer.0.attention.q_proj.weight", "norm.weight"} <= names
    entry = reduce("dinov3-vitb16", VIT, 64, dimensions=32)
    assert_same_embeddings(entry, path, lambda batch: model(batch).last_hidden_state[:, 0])


@pytest.mark.parametrize("name", ["siglip2-vitb16", "medsiglip"])
def test_siglip_gives_its_attention_pooled_image(tmp_path, name):
    vision = VIT | {"image_size": 32, "patch_size": 8}
    config = transformers.SiglipConfig(vision_config=vision, text_config=VIT | {"vocab_size": 64})
    model = randomize(transformers.SiglipModel(config))
    path = save_published(model, tmp_path)
    assert {"vision_model.head.probe", "text_model.head.bias", "logit_bias"} <= safetensors.torch.load_file(path).keys()
    entry = reduce(name, vision, 32, dimensions=32)
    assert_same_embeddings(entry, path, lambda batch: model.vision_model(batch).pooler_output)


@pytest.mark.parametrize("name", ["sam-vitb", "medsam-vitb"])
def test_sam_gives_the_mean_of_its_last_feature_map(tmp_path, name):
    encoder = sam.ImageEncoderViT(
        img_size=256,
        embed_dim=32,
        depth=2,
        num_heads=2,
        out_chans=16,
        use_rel_pos=True,
        window_size=5,
        global_attn_indexes=(1,),
        norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6),
    )
    prompt = sam.PromptEncoder(
        embed_dim=16, image_embedding_size=(16, 16), input_image_size=(256, 256), mask_in_chans=16
    )
    two_way = sam.TwoWayTransformer(depth=1, embedding_dim=16, mlp_dim=16, num_heads=2)
    decoder = sam.MaskDecoder(transformer_dim=16, transformer=two_way)
    model = randomize(sam.Sam(encoder, prompt, decoder))
    path = tmp_path / "sam.pth"
    torch.save(model.state_dict(), path)
    assert {"image_encoder.blocks.0.mlp.lin1.weight", "image_encoder.neck.3.bias"} <= model.state_dict().keys()
    small = {"img_size": 256, "embed_dim": 32, "depth": 2, "num_heads": 2, "neck_chans": 16}
    entry = reduce(name, small | {"window_size": 5, "global_attn_indexes": (1,)}, 256, dimensions=16)
    assert_same_embeddings(entry, path, lambda batch: model.image_encoder(batch).mean((2, 3)))


@pytest.mark.parametrize("name", ["clip-vitl14", "openclip-vitb16", "openclip-vitg14"])
def test_clip_gives_its_image_projection(tmp_path, name):
    quick = CLIP | {"quick_gelu": name == "clip-vitl14"}
    assert open_clip.get_model_config(CATALOGUE[name]["architecture"]).get("quick_gelu", False) == quick["quick_gelu"]
    model = randomize(open_clip.CLIP(**quick))
    path = save_tensors(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    assert {"visual.proj", "visual.ln_post.weight", "text_projection", "logit_scale"} <= model.state_dict().keys()
    assert_same_embeddings(reduce(name, quick, 32, dimensions=24), path, model.encode_image)


def test_biomedclip_gives_its_image_projection(tmp_path):
    model, path, entry = make_biomedclip(tmp_path)
    names = model.state_dict().keys()
    assert {"visual.trunk.cls_token", "visual.head.proj.weight", "text.proj.2.weight"} <= names
    assert_same_embeddings(entry, path, model.encode_image)


def test_medclip_gives_its_image_projection(tmp_path):
    swin, head, _, _, path = make_medclip(tmp_path)
    entry = reduce("medclip-swin", SWIN, 32, dimensions=24)
    assert_same_embeddings(entry, path, lambda batch: head(swin(batch).pooler_output))


def test_blip_gives_its_class_token(tmp_path):
    small = {"img_size": 32, "embed_dim": 32, "depth": 2, "num_heads": 2}
    model = randomize(timm.models.VisionTransformer(patch_size=16, num_classes=0, **small))
    tensors = {f"visual_encoder{copy}.{name}": t for copy in ("", "_m") for name, t in model.state_dict().items()}
    others = ("text_encoder.embeddings.position_ids", "text_decoder.cls.predictions.bias", "vision_proj.weight", "temp")
    tensors |= {name: torch.zeros(1) for name in (*others, "itm_head.bias", "image_queue", "text_queue", "queue_ptr")}
    path = tmp_path / "model_base.pth"
    torch.save({"model": tensors, "config": {"image_size": 224}, "epoch": 19}, path)
    entry = reduce("blip-vitb16", small, 32, dimensions=32)
    assert_same_embeddings(entry, path, lambda batch: model.forward_features(batch)[:, 0])


def test_seem_gives_the_mean_of_its_last_feature_map(tmp_path):
    depths, levels = [1, 2, 1, 1], 3
    tensors = make_seem(8, depths, levels)
    path = tmp_path / "seem_focalt_v0.pt"
    others = {"sem_seg_head.predictor.query_feat.weight": torch.zeros(2), "criterion.empty_weight": torch.zeros(2)}
    torch.save(tensors | others, path)
    entry = reduce("seem-focalt", {"embed_dim": 8, "depths": depths}, 64, dimensions=64)
    assert entry["options"]["focal_levels"] == [levels] * 4
    assert_same_embeddings(entry, path, lambda batch: seem_reference(tensors, batch, depths, levels))


def test_radimagenet_gives_its_pooled_features(tmp_path):
    layers = list(randomize(torchvision.models.resnet50(weights=None)).children())[:9]
    model = torch.nn.Sequential(*layers).eval()
    path = tmp_path / "ResNet50.pt"
    torch.save({f"backbone.{name}": tensor for name, tensor in model.state_dict().items()}, path)
    entry = reduce("radimagenet-resnet50", size=64)
    assert_same_embeddings(entry, path, lambda batch: model(batch).flatten(1))


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("resnet50-v1", "resnet18"),
        ("vgg19", "vgg11"),
        ("densenet121", "densenet121"),
        ("efficientnet-v2-m", "efficientnet_b0"),
    ],
)
def test_a_network_of_torchvision_gives_the_mean_of_its_last_feature_map(tmp_path, name, architecture):
    model, features = make_torchvision(architecture)
    path = save_as_torchvision_did(model, tmp_path / "model.pth")
    with torch.inference_mode():
        width = features(torch.zeros(1, 3, 64, 64)).shape[1]
    entry = reduce(name, size=64, architecture=architecture, dimensions=width)
    assert_same_embeddings(entry, path, lambda batch: features(batch).mean((2, 3)), half_precision=0.99)


def test_a_network_of_torchvision_that_ends_in_no_classifier_or_is_unknown_is_refused(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({}, path)
    for architecture, said in (("swin_t", "does not end in a classifier"), ("resnet5", "Unknown model resnet5")):
        with pytest.raises(InputError, match=said):
            load_encoder(reduce("vgg19", architecture=architecture), path, "cpu", "float32")


def test_a_tensor_of_a_torchvision_model_that_is_missing_is_named(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3), "classifier.0.bias": torch.zeros(4096)}, path)
    with pytest.raises(InputError, match=r"missing features\.0\.bias"):
        load_encoder(reduce("vgg19"), path, "cpu", "float32")


def test_a_tensor_of_a_transformers_model_that_is_missing_unexpected_or_of_another_shape_is_named(tmp_path):
    config = transformers.ViTConfig(**VIT, image_size=32)
    path = save_published(transformers.ViTModel(config), tmp_path)
    tensors = safetensors.torch.load_file(path)
    tensors["layernorm.wait"] = tensors.pop("layernorm.weight")
    tensors["embeddings.cls_token"] = tensors["embeddings.cls_token"][..., :10]
    tensors["encoder.layer.1.intermediate.dense.bias"] = torch.zeros(3)
    save_tensors(tensors, path)
    with pytest.raises(InputError) as error:
        load_encoder(reduce("vit-b16-in21k", VIT | {"image_size": 32}), path, "cpu", "float32")
    message = str(error.value)
    assert str(path) in message
    assert "missing layernorm.weight" in message
    assert "unexpected layernorm.wait" in message
    assert "embeddings.cls_token is (1, 1, 10), should be (1, 1, 32)" in message
    assert "is (3,), should be (64,)" in message


def test_no_transformers_architecture_of_the_catalogue_ignores_missing_or_unexpected_tensors():
    for entry in CATALOGUE.values():
        for tower in (entry, entry.get("text", {})):
            architecture = getattr(transformers, tower.get("architecture", ""), None)
            ignored = {
                pattern
                for side in ("missing", "unexpected")
                for pattern in getattr(architecture, f"_keys_to_ignore_on_load_{side}", None) or ()
                if "relative_position_index" not in pattern  # a buffer that is computed from the window's size
            }
            assert not ignored


def test_a_tensor_of_a_part_that_the_entry_does_not_mention_is_named(tmp_path):
    path = tmp_path / "ResNet50.pt"
    torch.save({"backbone.0.weight": torch.zeros(1), "head.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"neither under backbone\. nor in tensors.omit:\s+unexpected head.weight"):
        load_encoder(reduce("radimagenet-resnet50"), path, "cpu", "float32")


def test_a_checkpoint_without_the_entrys_key_or_projection_is_named(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"state": {}}, path)
    with pytest.raises(InputError, match=f"{path}: no model in it"):
        load_encoder(reduce("blip-vitb16"), path, "cpu", "float32")
    torch.save({"vision_model.model.layernorm.bias": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"no tensor vision_model\.projection_head\.weight"):
        load_encoder(reduce("medclip-swin"), path, "cpu", "float32")
