import hashlib
import json
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import timm
import torch

import cbir
from cbir.encoders import loaders, provenance
from cbir.encoders.fingerprint import fingerprint
from cbir.encoders.image_encoder import load_encoder
from cbir.encoders.provenance import describe_dependencies, digest_code
from cbir.errors import InputError
from cbir.experiment.catalogue import load_catalogue

CATALOGUE = load_catalogue(Path(__file__).parents[3] / "workflow/models.yaml")
CLIP = CATALOGUE["biomedclip"]


def describe(entry=CLIP, weights_sha256="a" * 64, device="cpu", precision="float32"):
    return describe_dependencies(entry, weights_sha256, device, precision)


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of the encoders' folder that a test may edit; digests are those of the copy."""
    folder = tmp_path / "encoders"
    shutil.copytree(Path(cbir.__file__).parent / "encoders", folder)
    monkeypatch.setattr(provenance, "FOLDER", folder)
    monkeypatch.setattr(loaders, "FOLDER", folder / "loaders")
    return folder


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_an_encoder_carries_its_dependencies_ready_for_json():
    entry = CATALOGUE["efficientnet-lite0"]
    carried = load_encoder(entry, None, "cpu", "bfloat16").provenance
    assert json.loads(json.dumps(carried)) == carried
    assert carried["model"]["input"] == entry["input"]
    assert carried["weights_sha256"] == entry["weights"]["sha256"]
    assert (carried["device"], carried["precision"]) == ("cpu", "bfloat16")
    assert carried["packages"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert carried["packages"]["timm"] == timm.__version__


def test_the_same_dependencies_are_described_without_torch():
    code = """
import json, sys
from cbir.encoders.device import resolve_device_name
from cbir.encoders.provenance import describe_dependencies
from cbir.encoders.weights import find_weights
entry = json.loads(sys.argv[1])
described = describe_dependencies(entry, find_weights(entry, None)[1], resolve_device_name("cpu"), "float32")
print(json.dumps(described | {"torch": "torch" in sys.modules}))
"""
    entry = CATALOGUE["efficientnet-lite1"]
    library = Path(cbir.__file__).parents[1]
    arguments = [sys.executable, "-c", code, json.dumps(entry)]
    done = subprocess.run(arguments, cwd=library, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == load_encoder(entry, None, "cpu", "float32").provenance | {"torch": False}


def test_a_fingerprint_is_the_start_of_the_sha_256_of_sorted_json():
    text = b'{"device": "cpu", "seed": 3}'
    assert fingerprint({"seed": 3, "device": "cpu"}) == hashlib.sha256(text).hexdigest()[:16]


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "another text"},
        {"family": "control"},
        {"licence": "none"},
        {"source": "https://example.org"},
        {"unverified": ["everything"]},
        {"text": None},
        {"weights": {"url": "https://example.org/copy.bin", "file": "copy.bin", "sha256": "a" * 64}},
    ],
)
def test_texts_for_people_the_text_tower_and_the_source_of_the_weights_keep_the_fingerprint(changes):
    assert fingerprint(describe(CLIP | changes)) == fingerprint(describe())


@pytest.mark.parametrize(
    "changes",
    [
        {"loader": "timm"},
        {"architecture": "vit_base_patch16_224"},
        {"options": {}},
        {"tensors": {"prefix": "image."}},
        {"pooling": "mean"},
        {"dimensions": 511},
        {"input": CLIP["input"] | {"size": 256}},
        {"weights": {"seed": 1}},
    ],
)
def test_every_part_of_an_entry_that_shapes_vectors_changes_the_fingerprint(changes):
    assert fingerprint(describe(CLIP | changes)) != fingerprint(describe())


def test_weights_device_precision_and_package_versions_change_the_fingerprint(monkeypatch):
    described = [
        describe(),
        describe(weights_sha256="b" * 64),
        describe(device="cuda"),
        describe(precision="bfloat16"),
    ]
    monkeypatch.setattr(provenance, "version", lambda package: "0.0")
    described.append(describe())
    assert len(set(map(fingerprint, described))) == 5


def test_an_entry_is_not_changed_by_its_description():
    entry = deepcopy(CLIP)
    describe(entry)
    assert entry == CLIP


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert describe()["packages"] == {"no-such-package": None}


def test_comments_docstrings_and_formatting_keep_the_digest_of_the_code(code):
    before = digest_code("timm")
    change(code / "preprocessing.py", "import numpy as np\n", "# a comment\n\nimport numpy  as  np\n")
    change(code / "preprocessing.py", '"""Resize an image to', '"""Scale a picture to')
    change(code / "loaders/timm.py", '"""Encoders', '"""Networks')
    change(code / "image_encoder.py", '    """A network with its preprocessing.', '    """A network and its input.')
    assert digest_code("timm") == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("preprocessing.py", ".div_(255)", ".div_(256)"),
        ("image_encoder.py", "functional.normalize(features)", "functional.normalize(2 * features)"),
        ("checkpoint.py", "load_file(path)", "load_file(Path(path))"),
        ("device.py", "getattr(torch, precision)", "getattr(torch, precision, None)"),
        ("loaders/timm.py", "reset_classifier(0)", "reset_classifier(1)"),
    ],
)
def test_a_change_of_the_code_between_pixels_and_vectors_changes_the_digest(code, module, old, new):
    before = digest_code("efficientnet-lite")  # a loader that imports the loader timm
    change(code / module, old, new)
    assert digest_code("efficientnet-lite") != before


def test_other_loaders_and_the_code_that_fetches_weights_keep_the_digest(code):
    before = digest_code("timm")
    change(code / "loaders/pixels.py", "batch.float()", "batch.double()")
    change(code / "weights.py", "CHUNK = 2**20", "CHUNK = 2**21")
    (code / "loaders/new.py").write_text("def load_image_encoder(entry, weights):\n    return None\n")
    assert digest_code("timm") == before
    assert digest_code("new") != before


def test_an_unknown_loader_has_no_digest():
    with pytest.raises(InputError, match=r"no loader tim \(did you mean timm\?\)"):
        describe(CLIP | {"loader": "tim"})
