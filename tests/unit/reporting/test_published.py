"""Published figures beside the scores of an experiment."""

from pathlib import Path

import pandas as pd
import pytest

from cbir.reporting.published import compare_with_published, read_figures

PUBLISHED = Path(__file__).parents[3] / "workflow/published"
BREAST = {"study": "mahbod2025", "level": "pathology", "published_dataset": "BreastMNIST", "size": 28}
STUDY = {"study": "denner2025", "level": "pathology", "published_dataset": "four datasets", "size": None}


def score(dataset, model, average, metric, k, value, **keys):
    names = {"dataset": dataset, "model": model, "index": "exact", "index_size": "full", "level": "pathology"}
    scored = {"average": average, "metric": metric, "k": k, "value": value, "ci_low": value - 0.1, "ci_high": 1.0}
    return names | scored | keys


def test_each_score_stands_beside_the_figure_of_the_same_size_model_metric_and_k():
    scores = [
        score("b", "vgg19", "micro", "map_found", 5, 0.9),
        score("b", "vgg19", "micro", "hit_rate", 3, 0.9),
        score("b", "vgg19", "micro", "hit_rate", 3, 0.7, index="euclidean"),
        score("b", "vgg19", "micro", "hit_rate", 10, 0.9),
        score("b", "vgg19", "macro", "hit_rate", 3, 0.9),
        score("b", "vgg19", "micro", "hit_rate", 3, 0.9, level="modality"),
        score("b", "vgg19", "micro", "hit_rate", 3, 0.9, index_size="25pct"),
        score("b", "pixels", "micro", "hit_rate", 3, 0.9),
    ]
    pair = BREAST | {"dataset": "b", "model": "vgg19", "published_model": "VGG19"}
    table = compare_with_published(pd.DataFrame(scores), read_figures([PUBLISHED / "mahbod2025.csv"]), [pair])
    shown = table[["index", "average", "metric", "k", "value", "published"]].to_numpy().tolist()
    assert shown == [
        ["exact", "micro", "map_found", 5, 0.9, 0.8318],
        ["exact", "micro", "hit_rate", 3, 0.9, 0.9294],
        ["euclidean", "micro", "hit_rate", 3, 0.7, 0.9294],
    ]
    assert table["difference"].tolist() == pytest.approx([0.0682, -0.0294, -0.2294])
    assert (table["published_average"] == "micro").all()


def test_a_figure_of_an_unknown_average_stands_beside_both_of_ours():
    scores = [score("s", "biomedclip", average, "precision", k, 0.5) for average in ("micro", "macro") for k in (1, 2)]
    pair = STUDY | {"dataset": "s", "model": "biomedclip", "published_model": "BiomedCLIP"}
    table = compare_with_published(pd.DataFrame(scores), read_figures([PUBLISHED / "denner2025.csv"]), [pair])
    assert table[["average", "published_average", "k", "published"]].to_numpy().tolist() == [
        ["micro", "unknown", 1, 0.594],
        ["macro", "unknown", 1, 0.594],
    ]
    assert table["difference"].tolist() == pytest.approx([-0.094, -0.094])


def test_both_studies_stand_in_one_table_in_the_order_of_the_experiment():
    scores = [score("s", "biomedclip", "micro", "precision", 1, 0.5), score("b", "vgg19", "micro", "hit_rate", 1, 0.5)]
    figures = read_figures([PUBLISHED / "denner2025.csv", PUBLISHED / "mahbod2025.csv"])
    pairs = [
        BREAST | {"dataset": "b", "model": "vgg19", "published_model": "VGG19"},
        STUDY | {"dataset": "s", "model": "biomedclip", "published_model": "BiomedCLIP"},
    ]
    table = compare_with_published(pd.DataFrame(scores), figures, pairs)
    assert table["published"].tolist() == [0.7948, 0.594]
    assert table["size"].isna().tolist() == [False, True]


def test_scores_at_other_depths_leave_a_table_with_a_header_alone():
    pair = BREAST | {"dataset": "b", "model": "vgg19", "published_model": "VGG19"}
    scores = pd.DataFrame([score("b", "vgg19", "micro", "hit_rate", 2, 0.5)])
    table = compare_with_published(scores, read_figures([PUBLISHED / "mahbod2025.csv"]), [pair])
    assert len(table) == 0
    assert "difference" in table
