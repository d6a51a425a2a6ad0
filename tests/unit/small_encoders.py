"""The publishers' reference implementations in small, saved as published, and the catalogue's entries to match."""

from copy import deepcopy
from pathlib import Path

import open_clip
import safetensors.torch
import torch
import transformers

from cbir.models.catalogue import load_catalogue

CATALOGUE = load_catalogue(Path(__file__).parents[2] / "workflow/models.yaml")
VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
CLIP = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
SWIN = {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4, "image_size": 32}


def reduce(name, options=None, size=None, **changes):
    """A catalogue entry in small: the given options over its own, at another input size."""
    entry = deepcopy(CATALOGUE[name]) | changes
    entry["options"] = entry.get("options", {}) | (options or {})
    entry["weights"].pop("sha256", None)
    if size:
        entry["input"]["size"] = size
        if "crop" in entry["input"]:
            entry["input"]["crop"] = size
    return entry


def randomize(model, seed=0):
    """Every tensor drawn anew, so that none is at an initial value that would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn(tensor.shape, generator=generator) * 0.1
            tensor.copy_(1 + values.abs() if "var" in name or tensor.ndim < 2 else values)
    return model.eval()


def save_published(model, folder):
    """Save a transformers model as its repository does, which is not under the names of its present modules."""
    model.save_pretrained(folder)
    return folder / "model.safetensors"


def save_tensors(tensors, path):
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def make_biomedclip(folder):
    """BiomedCLIP in small, with the configuration of its text tower where open_clip looks for one."""
    transformers.BertConfig(**VIT, vocab_size=64).save_pretrained(folder)
    text = {
        "hf_model_name": str(folder),
        "hf_model_pretrained": False,
        "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
    }
    vision = CATALOGUE["biomedclip"]["options"]["vision_cfg"] | {"timm_model_name": "test_vit", "image_size": 160}
    options = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text | {"context_length": 256}}
    model = randomize(open_clip.CustomTextCLIP(**deepcopy(options)))
    path = folder / "open_clip_pytorch_model.bin"
    torch.save(model.state_dict(), path)
    return model, path, reduce("biomedclip", options, 160, dimensions=24)


def make_medclip(folder):
    """MedCLIP in small: the towers, and the file that MedCLIPModel's state_dict makes of them."""
    swin = randomize(transformers.SwinModel(transformers.SwinConfig(**SWIN)))
    bert = randomize(transformers.BertModel(transformers.BertConfig(**VIT, vocab_size=64)))
    image_head = randomize(torch.nn.Linear(32, 24, bias=False))
    text_head = randomize(torch.nn.Linear(32, 24))
    tensors = {"logit_scale": torch.tensor(2.0)}
    for tower, model, head in (("vision_model", swin, image_head), ("text_model", bert, text_head)):
        published = safetensors.torch.load_file(save_published(model, folder / tower))
        tensors |= {f"{tower}.model.{name}": tensor for name, tensor in published.items()}
        tensors |= {f"{tower}.projection_head.{name}": tensor for name, tensor in head.state_dict().items()}
    assert "vision_model.model.encoder.layers.1.blocks.0.attention.self.query.weight" in tensors
    # buffers that transformers saved when the checkpoint was made
    index = "vision_model.model.encoder.layers.0.blocks.0.attention.self.relative_position_index"
    tensors[index] = torch.zeros(16, 16, dtype=torch.int64)
    tensors["text_model.model.embeddings.position_ids"] = torch.arange(512)[None]
    path = folder / "pytorch_model.bin"
    torch.save(tensors, path)
    return swin, image_head, bert, text_head, path
