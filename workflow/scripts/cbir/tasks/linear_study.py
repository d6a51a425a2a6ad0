"""The linear probe of Denner et al. 2025: a linear classifier that is trained by the schedule of the study."""

import itertools
import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from cbir.blocks import blocks
from cbir.datasets.labels import label_codes
from cbir.tasks.predictions import ROWS, Predictions, split_rows

# these three: released code of Denner et al. 2025, src/linear_probing.py and scripts/2_create_experiments.py
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
BATCH = 512  # images per step
# The released code stops after 20 epochs without a better accuracy on val. Here an epoch counts as 200 steps, about
# 100,000 images, so that a small dataset is trained for as many steps as a large one.
PATIENCE = 20 * 200  # steps without a better accuracy on val, after which training ends
INTERVAL = 100  # steps between two evaluations on val

log = logging.getLogger(__name__)


def classify_by_study_schedule(embeddings: np.ndarray, manifest: pd.DataFrame, steps: int, seed: int) -> Predictions:
    """Train a linear classifier on the embeddings of the train images, and predict the labels of the test images.

    embeddings: (n, d) float32, memory-mapped. manifest: needs label and split. steps, seed: as for train_probe.
    """
    return train_probe(embeddings, label_codes(manifest["label"])[0], *split_rows(manifest), steps=steps, seed=seed)


def train_probe(
    embeddings: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    val: np.ndarray,
    test: np.ndarray,
    steps: int,
    seed: int,
) -> Predictions:
    """Train a linear classifier on the train images, and predict the test images with its best state on val.

    embeddings: (n, d) float32, memory-mapped; a batch is read at a time. codes: (n,) int label codes. train, val, test:
    int64 rows. steps: the largest number of steps. The accuracy on val is computed every INTERVAL steps and at the last
    one, and the first of equally good states is taken. Without val images all steps are made and the last state is
    taken. seed: of the order of the images.

    The loss is cross entropy, the optimizer AdamW with a constant learning rate; the released code of Denner et al.
    2025 has no warm-up. The classifier starts at zero, because its loss is convex. Training runs on one thread, so that
    the result depends on nothing but the arguments.
    """
    torch.set_num_threads(1)
    classes, targets = np.unique(codes[train], return_inverse=True)
    targets = torch.from_numpy(targets)
    linear = torch.nn.utils.skip_init(torch.nn.Linear, embeddings.shape[1], len(classes))
    for parameter in linear.parameters():
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.AdamW(linear.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = _draw_batches(len(train), np.random.default_rng(seed))
    best, best_correct, best_state = 0, -1, {}
    for step, batch in enumerate(itertools.islice(batches, steps), start=1):
        loss = torch.nn.functional.cross_entropy(linear(_read(embeddings, train[batch])), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % INTERVAL and step < steps:
            continue
        correct = int((classes[_apply(linear, embeddings, val).argmax(axis=1)] == codes[val]).sum())
        if correct > best_correct or not len(val):
            best, best_correct = step, correct
            best_state = {name: value.clone() for name, value in linear.state_dict().items()}
        if step - best >= PATIENCE:
            break
    log.info("%d steps; step %d is the best: %d of %d val images correct", step, best, best_correct, len(val))
    linear.load_state_dict(best_state)
    return Predictions(test, classes, _apply(linear, embeddings, test), best, len(val))


def _draw_batches(images: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Positions of the images of each batch, without end; every epoch shows each image once, in another order."""
    while True:
        order = generator.permutation(images)
        for shown in blocks(images, BATCH):
            yield np.sort(order[shown])  # in the order of the file, so that it is read forwards


@torch.inference_mode()
def _apply(linear: torch.nn.Linear, embeddings: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Probabilities of the classes for some rows: (rows, classes) float32."""
    probability = np.empty((len(rows), linear.out_features), np.float32)
    for block in blocks(len(rows), ROWS):
        probability[block] = linear(_read(embeddings, rows[block])).softmax(dim=1).numpy()
    return probability


def _read(embeddings: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(embeddings[rows]))
