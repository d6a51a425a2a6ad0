"""The linear probe: how well a linear classifier reads the labels from embeddings that stay as they are."""

import logging

import numpy as np
import torch

from cbir.tasks.predictions import Predictions

LEARNING_RATE = 1e-3  # this and what follows: Denner et al. 2025, linear probing
WEIGHT_DECAY = 0.01
BATCH = 512  # images a step
PATIENCE = 20  # epochs without a better accuracy on val
BLOCK = 8192  # images read at a time where none is trained on

log = logging.getLogger(__name__)


def probe_linear(
    embeddings: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    val: np.ndarray,
    test: np.ndarray,
    epochs: int,
    seed: int,
) -> Predictions:
    """Train a linear classifier on the train images, and predict the test images with its best epoch on val.

    embeddings: (n, d) float32, memory-mapped; a batch is read at a time. codes: (n,) int label codes. train, val, test:
    int64 rows. epochs: at most so many; all of them, and the last is taken, where there are no val images. The first of
    equally good epochs is taken. Cross entropy, AdamW; the classifier starts at zero, as its loss is convex. It runs on
    one thread, so that the result depends on nothing but the arguments.
    """
    torch.set_num_threads(1)
    classes, targets = np.unique(codes[train], return_inverse=True)
    targets = torch.from_numpy(targets)
    probe = torch.nn.utils.skip_init(torch.nn.Linear, embeddings.shape[1], len(classes))
    for parameter in probe.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.AdamW(probe.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    generator = np.random.default_rng(seed)
    best, best_correct, best_state = 0, -1, {}
    for epoch in range(1, epochs + 1):
        _train_epoch(probe, optimizer, embeddings, train, targets, generator)
        correct = int((classes[_apply(probe, embeddings, val).argmax(axis=1)] == codes[val]).sum())
        if correct > best_correct or not len(val):
            best, best_correct = epoch, correct
            best_state = {name: value.clone() for name, value in probe.state_dict().items()}
        if epoch - best == PATIENCE:
            break
    log.info("%d epochs; epoch %d is the best: %d of %d val images correct", epoch, best, best_correct, len(val))
    probe.load_state_dict(best_state)
    return Predictions(test, classes, _apply(probe, embeddings, test), best, len(val))


def _train_epoch(
    probe: torch.nn.Linear,
    optimizer: torch.optim.Optimizer,
    embeddings: np.ndarray,
    train: np.ndarray,
    targets: torch.Tensor,
    generator: np.random.Generator,
) -> None:
    """Show the probe every train image once, in random batches; targets: (train,) int64 classes."""
    order = generator.permutation(len(train))
    for start in range(0, len(train), BATCH):
        batch = np.sort(order[start : start + BATCH])  # in the file's order, so that it is read forwards
        loss = torch.nn.functional.cross_entropy(probe(_read(embeddings, train[batch])), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.inference_mode()
def _apply(probe: torch.nn.Linear, embeddings: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The probabilities of the classes for some rows: (rows, classes) float32."""
    probability = np.empty((len(rows), probe.out_features), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        probability[block] = probe(_read(embeddings, rows[block])).softmax(dim=1).numpy()
    return probability


def _read(embeddings: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(embeddings[rows]))
