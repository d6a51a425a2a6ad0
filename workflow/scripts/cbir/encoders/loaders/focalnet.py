"""FocalNet with depthwise convolutions and post-normalization, the image encoder of SEEM.

Source: Yang et al., Focal Modulation Networks, NeurIPS 2022. Structure and names of tensors are those of
modeling/vision/backbone/focal_dw.py in X-Decoder and SEEM. timm's FocalNet has neither the depthwise convolutions nor
the normalization after each sum.
"""

from pathlib import Path

import torch
from torch import nn

from cbir.encoders.checkpoint import load_tensors, read_tensors


def load_image_encoder(entry: dict, weights: Path) -> nn.Module:
    """The network up to the mean over the positions of the last stage: pixels (b, 3, h, w) -> (b, 8 * embed_dim)."""
    model = FocalNet(**entry["options"])
    load_tensors(model, read_tensors(weights, entry["tensors"]), weights)
    return model


class FocalModulation(nn.Module):
    """Modulates each position by its surroundings, which are gathered at `levels` scales and over the whole map."""

    def __init__(self, width: int, levels: int, window: int):
        super().__init__()
        self.levels = levels
        self.f = nn.Linear(width, 2 * width + levels + 1)
        self.h = nn.Conv2d(width, width, 1)
        self.proj = nn.Linear(width, width)
        self.focal_layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, side, padding=side // 2, groups=width, bias=False), nn.GELU())
            for side in range(window, window + 2 * levels, 2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, h, w, c) -> (b, h, w, c)."""
        width = x.shape[-1]
        query, context, gates = self.f(x).permute(0, 3, 1, 2).split((width, width, self.levels + 1), dim=1)
        gathered = 0
        for level, layer in enumerate(self.focal_layers):
            context = layer(context)
            gathered = gathered + context * gates[:, level : level + 1]
        whole = nn.functional.gelu(context.mean((2, 3), keepdim=True))
        modulator = self.h((gathered + whole * gates[:, self.levels :]) / (self.levels + 1))
        return self.proj((query * modulator).permute(0, 2, 3, 1))


class Mlp(nn.Module):
    """Two linear layers."""

    def __init__(self, width: int):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, c) -> (…, c)."""
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Modulation, then MLP. Each follows a depthwise convolution and is normalized after its residual sum."""

    def __init__(self, width: int, levels: int, window: int):
        super().__init__()
        self.dw1 = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.modulation = FocalModulation(width, levels, window)
        self.gamma_1 = nn.Parameter(torch.ones(width))
        self.norm1 = nn.LayerNorm(width)
        self.dw2 = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.mlp = Mlp(width)
        self.gamma_2 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, h, w, c) -> (b, h, w, c)."""
        x = x + self.dw1(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        x = self.norm1(x + self.gamma_1 * self.modulation(x))
        x = x + self.dw2(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return self.norm2(x + self.gamma_2 * self.mlp(x))


class PatchEmbedding(nn.Module):
    """An overlapping strided convolution with normalization."""

    def __init__(self, channels: int, width: int, side: int, stride: int):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, side, stride=stride, padding=side // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, channels, h, w) -> (b, h / stride, w / stride, width)."""
        return self.norm(self.proj(x).permute(0, 2, 3, 1))


class Stage(nn.Module):
    """Blocks at one scale, then a convolution that halves the resolution, except in the last stage."""

    def __init__(self, width: int, depth: int, levels: int, window: int, last: bool):
        super().__init__()
        self.blocks = nn.Sequential(*(Block(width, levels, window) for _ in range(depth)))
        self.downsample = nn.Identity() if last else PatchEmbedding(width, 2 * width, side=3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, h, w, c) -> (b, h / 2, w / 2, 2 c), or unchanged in shape at the last stage."""
        x = self.blocks(x)
        return x if isinstance(self.downsample, nn.Identity) else self.downsample(x.permute(0, 3, 1, 2))


class FocalNet(nn.Module):
    """Four stages, a normalization and the mean over all positions."""

    def __init__(self, embed_dim: int, depths: list[int], focal_levels: list[int], focal_windows: list[int]):
        super().__init__()
        self.patch_embed = PatchEmbedding(3, embed_dim, side=7, stride=4)
        self.layers = nn.Sequential(
            *(
                Stage(embed_dim * 2**stage, depth, levels, window, last=stage == len(depths) - 1)
                for stage, (depth, levels, window) in enumerate(zip(depths, focal_levels, focal_windows, strict=True))
            )
        )
        self.norm3 = nn.LayerNorm(embed_dim * 2 ** (len(depths) - 1))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w) -> (b, c)."""
        return self.norm3(self.layers(self.patch_embed(batch))).mean((1, 2))
