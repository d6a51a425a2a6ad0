from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from cbir.errors import InputError
from cbir.experiment.catalogue import check_catalogue, load_catalogue, read_catalogue_schema

WORKFLOW = Path(__file__).parents[3] / "workflow"
SCHEMA = read_catalogue_schema(WORKFLOW / "schemas", WORKFLOW / "scripts/cbir/encoders/loaders")
ENTRY = {
    "description": "a ViT of our own",
    "family": "self-supervised",
    "loader": "timm",
    "architecture": "vit_base_patch16_224",
    "weights": {"repository": "us/ours", "file": "model.safetensors", "revision": "main"},
    "input": {"size": 224, "resize": "squash", "interpolation": "bicubic", "mean": [0.5] * 3, "std": [0.5] * 3},
    "pooling": "class-token",
    "dimensions": 768,
    "licence": "MIT",
    "source": "https://example.org",
}


def test_the_catalogue_fits_its_schema():
    check_catalogue(load_catalogue(WORKFLOW / "models.yaml"), SCHEMA)


def test_an_entry_of_the_user_is_added_or_replaces_one_of_ours_as_a_whole(tmp_path):
    user = tmp_path / "mine.yaml"
    user.write_text(yaml.safe_dump({"ours": ENTRY, "pixels": ENTRY}))
    ours = load_catalogue(WORKFLOW / "models.yaml")
    merged = load_catalogue(WORKFLOW / "models.yaml", user)
    assert merged == {**ours, "ours": ENTRY, "pixels": ENTRY}
    check_catalogue(merged, SCHEMA)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (["loader"], "tensorflow", "'tensorflow' is not one of"),
        (["family"], "superb", "'superb' is not one of"),
        (["architectur"], "x", "'architectur' was unexpected"),
        (["dimensions"], 0, "0 is less than the minimum of 1"),
        (["input", "resize"], "stretch", "'stretch' is not one of"),
        (["input", "resize"], "shortest", "'crop' is a required property"),
        (["input", "std"], [0.5, 0.5, 0], "0 is less than or equal to the minimum of 0"),
        (["input", "mean"], [0.5], "too short"),
        (["weights", "revision"], 7, "7 is not of type 'string'"),
        (["weights", "sha256"], "abc", "'abc' does not match"),
        (["weights", "file"], "../model.pth", "'../model.pth' should not be valid"),
        (
            ["weights", "url"],
            "https://example.org/model.pth",
            "'repository' is not one of ['url', 'file', 'member', 'sha256']",
        ),
        (["weights"], {"url": "https://example.org/model.pth"}, "'file' is a required property"),
        (["weights"], {"seed": 0, "file": "model.pth"}, "'file' is not one of ['seed']"),
        (["weights"], {"sha256": "0" * 64}, "'file' is a dependency of 'sha256'"),
        (["unverified"], [], "should be non-empty"),
    ],
)
def test_a_wrong_key_is_named_with_its_value_and_the_allowed_values(keys, value, said):
    entry = deepcopy(ENTRY)
    place = entry
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(InputError) as error:
        check_catalogue({"ours": entry}, SCHEMA)
    assert said in str(error.value)
    assert "ours" in str(error.value)


def test_all_wrong_keys_are_in_one_message():
    with pytest.raises(InputError, match="3 keys") as error:
        check_catalogue({"one": ENTRY | {"loader": "x", "pooling": "y"}, "two": ENTRY | {"dimensions": -1}}, SCHEMA)
    assert all(place in str(error.value) for place in ("one.loader", "one.pooling", "two.dimensions"))


@pytest.mark.parametrize(("text", "said"), [("a: [", "not YAML"), ("- a", "not a mapping"), (None, "no such")])
def test_a_file_that_is_not_a_catalogue_is_named(tmp_path, text, said):
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=f"{path}: {said}"):
        load_catalogue(WORKFLOW / "models.yaml", path)
