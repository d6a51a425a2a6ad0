"""The linear probe: how well a linear classifier reads the labels from embeddings that stay as they are."""

import logging

import numpy as np
import pandas as pd
import torch

from cbir.blocks import blocks
from cbir.datasets.labels import label_codes
from cbir.tasks.predictions import ROWS, Predictions, split_rows

# all four: Denner et al. 2025, linear probing
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
BATCH = 512  # images per step
PATIENCE = 20  # epochs without a better accuracy on val, after which training ends

log = logging.getLogger(__name__)


def probe_linear(embeddings: np.ndarray, manifest: pd.DataFrame, epochs: int, seed: int) -> Predictions:
    """Train a linear classifier on the embeddings of the train images, and predict the labels of the test images.

    embeddings: (n, d) float32, memory-mapped. manifest: needs label and split. epochs, seed: as for train_probe.
    """
    return train_probe(embeddings, label_codes(manifest["label"])[0], *split_rows(manifest), epochs=epochs, seed=seed)


def train_probe(
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
    int64 rows. epochs: the largest number of epochs. The first of equally good epochs is taken. Without val images all
    epochs are run and the last is taken.

    The loss is cross entropy, the optimizer AdamW. The classifier starts at zero, because its loss is convex. Training
    runs on one thread, so that the result depends on nothing but the arguments.
    """
    torch.set_num_threads(1)
    classes, targets = np.unique(codes[train], return_inverse=True)
    targets = torch.from_numpy(targets)
    linear = torch.nn.utils.skip_init(torch.nn.Linear, embeddings.shape[1], len(classes))
    for parameter in linear.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.AdamW(linear.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    generator = np.random.default_rng(seed)
    best, best_correct, best_state = 0, -1, {}
    for epoch in range(1, epochs + 1):
        _train_epoch(linear, optimizer, embeddings, train, targets, generator)
        correct = int((classes[_apply(linear, embeddings, val).argmax(axis=1)] == codes[val]).sum())
        if correct > best_correct or not len(val):
            best, best_correct = epoch, correct
            best_state = {name: value.clone() for name, value in linear.state_dict().items()}
        if epoch - best == PATIENCE:
            break
    log.info("%d epochs; epoch %d is the best: %d of %d val images correct", epoch, best, best_correct, len(val))
    linear.load_state_dict(best_state)
    return Predictions(test, classes, _apply(linear, embeddings, test), best, len(val))


def _train_epoch(
    linear: torch.nn.Linear,
    optimizer: torch.optim.Optimizer,
    embeddings: np.ndarray,
    train: np.ndarray,
    targets: torch.Tensor,
    generator: np.random.Generator,
) -> None:
    """Show the classifier every train image once, in random batches.

    targets: (train,) int64 positions among the classes.
    """
    order = generator.permutation(len(train))
    for shown in blocks(len(train), BATCH):
        batch = np.sort(order[shown])  # in the order of the file, so that it is read forwards
        loss = torch.nn.functional.cross_entropy(linear(_read(embeddings, train[batch])), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.inference_mode()
def _apply(linear: torch.nn.Linear, embeddings: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Probabilities of the classes for some rows: (rows, classes) float32."""
    probability = np.empty((len(rows), linear.out_features), np.float32)
    for block in blocks(len(rows), ROWS):
        probability[block] = linear(_read(embeddings, rows[block])).softmax(dim=1).numpy()
    return probability


def _read(embeddings: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(embeddings[rows]))
