"""Small versions of the publishers' networks, saved in the published format, and catalogue entries that fit them."""

import re
from copy import deepcopy
from pathlib import Path

import open_clip
import safetensors.torch
import torch
import torchvision
import transformers
from torch.nn import functional

from cbir.experiment.catalogue import load_catalogue

CATALOGUE = load_catalogue(Path(__file__).parents[1] / "workflow/models.yaml")
VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
CLIP = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
SWIN = {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4, "image_size": 32}


def reduce(name, options=None, size=None, **changes):
    """A copy of a catalogue entry with some options replaced and, if given, another input size."""
    entry = deepcopy(CATALOGUE[name]) | changes
    entry["options"] = entry.get("options", {}) | (options or {})
    entry["weights"].pop("sha256", None)
    if size:
        entry["input"]["size"] = size
        if "crop" in entry["input"]:
            entry["input"]["crop"] = size
    return entry


def randomize(model, seed=0):
    """Give every tensor random values, because initial values such as 0 and 1 would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn(tensor.shape, generator=generator) * 0.1
            tensor.copy_(1 + values.abs() if "var" in name or tensor.ndim < 2 else values)
    return model.eval()


def save_published(model, folder):
    """Save a transformers model under the published names, which differ from the names of its present modules."""
    model.save_pretrained(folder)
    return folder / "model.safetensors"


def save_tensors(tensors, path):
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def make_biomedclip(folder):
    """A small BiomedCLIP, with the configuration of its text tower in the folder where open_clip looks for one."""
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
    """The towers and heads of a small MedCLIP, and a file with the state dict of MedCLIPModel."""
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
    # buffers that the version of transformers which saved the checkpoint included
    index = "vision_model.model.encoder.layers.0.blocks.0.attention.self.relative_position_index"
    tensors[index] = torch.zeros(16, 16, dtype=torch.int64)
    tensors["text_model.model.embeddings.position_ids"] = torch.arange(512)[None]
    path = folder / "pytorch_model.bin"
    torch.save(tensors, path)
    return swin, image_head, bert, text_head, path


def make_torchvision(architecture):
    """A network of torchvision with random weights and a small classifier, and its last feature map before that."""
    with torch.device("meta"):  # VGG has a large classifier
        model = getattr(torchvision.models, architecture)(weights=None)
    setattr(model, "fc" if hasattr(model, "fc") else "classifier", torch.nn.Sequential(torch.nn.Linear(1, 1)))
    model.to_empty(device="cpu")
    torch.manual_seed(0)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.reset_parameters()
            for tensor in (part.weight, part.running_var, part.bias, part.running_mean):
                tensor.data += 0.1 * torch.rand(len(tensor))
        elif isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, nonlinearity="relu")  # keeps images different in deep networks
            if part.bias is not None:
                torch.nn.init.normal_(part.bias, std=0.1)
    return model.eval(), _feature_map(model)


def _feature_map(model):
    """The part of a network of torchvision before its pooling and its classifier."""
    if isinstance(model, torchvision.models.ResNet):
        return torch.nn.Sequential(*list(model.children())[:-2])
    if isinstance(model, torchvision.models.DenseNet):
        return torch.nn.Sequential(model.features, torch.nn.ReLU())
    return model.features


def save_as_torchvision_did(model, path):
    """Save a network of torchvision under the names of its old files: norm.1 in DenseNet, no counts of batches."""
    tensors = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): tensor
        for name, tensor in model.state_dict().items()
        if not (name.endswith("num_batches_tracked") and isinstance(model, torchvision.models.DenseNet))
    }
    torch.save(tensors, path)
    return path


def seem_reference(tensors, batch, depths, levels):
    """The output of SEEM's image encoder, computed directly from its tensors as in its publication, channels first."""

    def get(name):
        return tensors[f"backbone.{name}"]

    def norm(x, name):
        x = functional.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], get(f"{name}.weight"), get(f"{name}.bias"))
        return x.permute(0, 3, 1, 2)

    def linear(x, name):
        return torch.einsum("bchw,dc->bdhw", x, get(f"{name}.weight")) + get(f"{name}.bias")[:, None, None]

    def conv(x, name, **options):
        return functional.conv2d(x, get(f"{name}.weight"), get(f"{name}.bias"), **options)

    x = norm(conv(batch, "patch_embed.proj", stride=4, padding=3), "patch_embed.norm")
    for stage, depth in enumerate(depths):
        for number in range(depth):
            block, width = f"layers.{stage}.blocks.{number}", x.shape[1]
            x = x + conv(x, f"{block}.dw1", padding=1, groups=width)
            mixed = linear(x, f"{block}.modulation.f")
            query, context, gates = mixed[:, :width], mixed[:, width : 2 * width], mixed[:, 2 * width :]
            total = torch.zeros_like(context)
            for level in range(levels):
                kernel = get(f"{block}.modulation.focal_layers.{level}.0.weight")
                context = functional.gelu(functional.conv2d(context, kernel, padding=1 + level, groups=width))
                total = total + context * gates[:, [level]]
            total = total + functional.gelu(context.mean((2, 3), keepdim=True)) * gates[:, [levels]]
            modulated = query * conv(total / (levels + 1), f"{block}.modulation.h")
            update = linear(modulated, f"{block}.modulation.proj")
            x = norm(x + get(f"{block}.gamma_1")[:, None, None] * update, f"{block}.norm1")
            x = x + conv(x, f"{block}.dw2", padding=1, groups=width)
            update = linear(functional.gelu(linear(x, f"{block}.mlp.fc1")), f"{block}.mlp.fc2")
            x = norm(x + get(f"{block}.gamma_2")[:, None, None] * update, f"{block}.norm2")
        if stage < len(depths) - 1:
            down = f"layers.{stage}.downsample"
            x = norm(conv(x, f"{down}.proj", stride=2, padding=1), f"{down}.norm")
    return norm(x, "norm3").mean((2, 3))


def make_seem(width, depths, levels):
    """Random tensors of SEEM's image encoder, with the names and shapes of its configuration."""
    shapes = {"patch_embed.proj.weight": (width, 3, 7, 7), "patch_embed.proj.bias": (width,)}
    shapes |= {f"patch_embed.norm.{kind}": (width,) for kind in ("weight", "bias")}
    for stage, depth in enumerate(depths):
        w = width * 2**stage
        for block in (f"layers.{stage}.blocks.{number}" for number in range(depth)):
            for n in (1, 2):
                shapes |= {
                    f"{block}.dw{n}.weight": (w, 1, 3, 3),
                    f"{block}.dw{n}.bias": (w,),
                    f"{block}.gamma_{n}": (w,),
                }
                shapes |= {f"{block}.norm{n}.{kind}": (w,) for kind in ("weight", "bias")}
            modulation = f"{block}.modulation"
            shapes |= {f"{modulation}.f.weight": (2 * w + levels + 1, w), f"{modulation}.f.bias": (2 * w + levels + 1,)}
            shapes |= {f"{modulation}.h.weight": (w, w, 1, 1), f"{modulation}.h.bias": (w,)}
            shapes |= {f"{modulation}.proj.weight": (w, w), f"{modulation}.proj.bias": (w,)}
            for level in range(levels):
                side = 3 + 2 * level
                shapes[f"{modulation}.focal_layers.{level}.0.weight"] = (w, 1, side, side)
            shapes |= {f"{block}.mlp.fc1.weight": (4 * w, w), f"{block}.mlp.fc1.bias": (4 * w,)}
            shapes |= {f"{block}.mlp.fc2.weight": (w, 4 * w), f"{block}.mlp.fc2.bias": (w,)}
        if stage < len(depths) - 1:
            down = f"layers.{stage}.downsample"
            shapes |= {f"{down}.proj.weight": (2 * w, w, 3, 3), f"{down}.proj.bias": (2 * w,)}
            shapes |= {f"{down}.norm.{kind}": (2 * w,) for kind in ("weight", "bias")}
        shapes |= {f"norm{stage}.{kind}": (w,) for kind in ("weight", "bias")}
    generator = torch.Generator().manual_seed(0)
    return {
        f"backbone.{name}": torch.randn(shape, generator=generator) * 0.2 + (len(shape) == 1 and "bias" not in name)
        for name, shape in shapes.items()
    }
