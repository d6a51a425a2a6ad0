"""Attention in bfloat16 on a CPU, quicker than torch's own on the short sequences of an image encoder."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch.nn import functional

fused_attention = functional.scaled_dot_product_attention


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
    weights = (query * (scale or query.shape[-1] ** -0.5)) @ key.transpose(-1, -2)
    return torch.softmax(weights, dim=-1) @ value
