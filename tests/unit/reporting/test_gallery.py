"""The gallery shows the images of the queries that its rule chooses."""

import inspect

import pytest

from cbir.images.reading import read_image
from cbir.reporting.figures.gallery import choose_queries, draw
from cbir.retrieval.neighbors import Neighbors
from figure_checks import LABELS, assert_all_is_inside_and_apart, paint_image, plausible_neighbors


def draw_gallery(manifest, neighbors):
    return draw(manifest, neighbors, styles={}, read_image=paint_image)


def test_the_gallery_shows_the_best_the_typical_and_the_worst_queries():
    manifest, neighbors = plausible_neighbors()
    chosen = choose_queries(manifest, neighbors)
    assert [kind for kind, _, _ in chosen] == ["best", "best", "typical", "typical", "worst", "worst"]
    assert [precision for _, precision, _ in chosen] == pytest.approx([1, 1, 0.4, 0.4, 0, 0])
    assert [query // 4 / 5 for _, _, query in chosen] == pytest.approx([1, 1, 0.4, 0.4, 0, 0])
    assert len({query for _, _, query in chosen}) == 6
    labels = manifest["label"].to_numpy()[neighbors.query]
    assert all(labels[first[2]] != labels[second[2]] for first, second in zip(chosen[::2], chosen[1::2], strict=True))


def test_the_choice_does_not_depend_on_the_order_of_the_queries():
    manifest, neighbors = plausible_neighbors()
    back = Neighbors(neighbors.query[::-1], neighbors.neighbor[::-1], neighbors.similarity[::-1])
    first = [neighbors.query[query] for _, _, query in choose_queries(manifest, neighbors)]
    second = [back.query[query] for _, _, query in choose_queries(manifest, back)]
    assert first == second


def test_a_query_whose_label_has_no_image_in_the_index_is_not_shown():
    manifest, neighbors = plausible_neighbors()
    manifest.loc[neighbors.query[0], "label"] = LABELS[3]
    worst = [query for kind, _, query in choose_queries(manifest, neighbors) if kind == "worst"]
    assert 0 not in worst


def test_a_query_with_fewer_than_five_images_of_its_label_is_measured_at_that_number():
    manifest, neighbors = plausible_neighbors()
    position = 8  # its first two images are right
    manifest.loc[[neighbors.query[position], *neighbors.neighbor[position, :2]], "label"] = LABELS[3]
    only = Neighbors(*(array[[position]] for array in (neighbors.query, neighbors.neighbor, neighbors.similarity)))
    assert choose_queries(manifest, only) == [("best", 1.0, 0)]


def test_a_gallery_of_fewer_queries_than_rows_shows_them_once():
    manifest, neighbors = plausible_neighbors(queries=4)
    assert sorted(query for _, _, query in choose_queries(manifest, neighbors)) == [0, 1, 2, 3]


def test_right_and_wrong_images_differ_in_their_frame_and_have_their_similarity_and_label_below():
    manifest, neighbors = plausible_neighbors()
    figure = draw_gallery(manifest, neighbors)
    chosen = choose_queries(manifest, neighbors)
    assert len(figure.axes) == 6 * 6
    panels = iter(figure.axes)
    for _, _, query in chosen:
        shown = next(panels)
        assert shown.get_xlabel().startswith("query\n")
        for rank in range(5):
            panel = next(panels)
            row = neighbors.neighbor[query, rank]
            is_right = rank < query // 4
            mark, *label = panel.get_xlabel().split("\n")
            assert mark == f"{'✓' if is_right else '✗'} similarity {neighbors.similarity[query, rank]:.3f}"
            image = manifest.iloc[row]
            whole = f"{image['modality']} {image['anatomic_region']}, {image['pathology']}"
            assert whole.startswith(" ".join(label).removesuffix("…"))
            assert (panel.spines["left"].get_linestyle() == "-") == is_right
            assert panel.images[0].get_array().max() == row * 3
    assert_all_is_inside_and_apart(figure)


def test_the_place_of_an_image_that_was_not_found_stays_empty():
    manifest, neighbors = plausible_neighbors(found=4)
    assert len(draw_gallery(manifest, neighbors).axes) == 6 * 4


def test_images_keep_their_shape_and_are_reduced_to_the_resolution_of_the_gallery():
    manifest, neighbors = plausible_neighbors()
    for panel in draw_gallery(manifest, neighbors).axes:
        height, width = panel.images[0].get_array().shape[:2]
        assert max(height, width) <= 300
        extent = panel.get_xlim()[1] - panel.get_xlim()[0]
        assert extent == max(height, width) == panel.get_ylim()[0] - panel.get_ylim()[1]


def test_the_gallery_reads_images_with_the_reader_of_all_formats():
    assert inspect.signature(draw).parameters["read_image"].default is read_image
