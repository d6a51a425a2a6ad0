"""bfloat16 at a CPU's own rate: what torch leaves at float32's rate, or pays again at each call.

Together they make a ViT-B/16 a tenth faster; float32 is the reference and stays as torch has it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch.nn import functional

ROWS = 12_608  # that weights are packed for: 64 images of 197 tokens; other numbers are right as well
fused_attention = functional.scaled_dot_product_attention


class PackedLinear(torch.nn.Linear):
    """A linear layer whose weight lies in oneDNN's own order, which torch otherwise puts it into at each call."""

    packed: torch.Tensor

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(..., in_features) -> (..., out_features)."""
        return torch.ops.mkldnn._linear_pointwise(inputs, self.packed, self.bias, "none", [], "")


def pack_linear_layers(network: torch.nn.Module) -> None:
    """Make the linear layers of a bfloat16 network on the CPU packed ones, where oneDNN has bfloat16 for it."""
    if not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        return
    for layer in network.modules():
        if type(layer) is torch.nn.Linear:  # attention's own kernels take the weights of the subclasses as they are
            layer.__class__ = PackedLinear
            layer.packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), ROWS)


@contextmanager
def plain_attention() -> Iterator[None]:
    """Let whatever calls torch's `scaled_dot_product_attention` meanwhile get `attend`.

    A TorchFunctionMode would do as much, but while one is active nn.MultiheadAttention leaves its own fast path.
    """
    with patch.object(functional, "scaled_dot_product_attention", attend):
        yield


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """Attention (..., q, d) of queries (..., q, d) to keys (..., k, d) with values (..., k, d), as two matrix products.

    torch's fused kernel takes as long in bfloat16 as in float32; the products run at bfloat16's rate. What has a mask,
    dropout, causality or grouped heads goes to the fused kernel.
    """
    if attn_mask is not None or dropout_p or is_causal or enable_gqa:
        return fused_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    weights = (query * scale) @ key.transpose(-1, -2)
    return torch.softmax(weights, dim=-1) @ value
