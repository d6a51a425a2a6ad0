import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources import FOLDER, find_source, list_sources
from cbir.errors import InputError
from cbir.experiment.config import complete_config, read_schema
from miniatures import read_manifest_of, rows, write_files

ROOT = Path(__file__).parents[4]
MODULE = '''
import pandas as pd

from cbir.datasets.sources.files import dataset_root, openable, read_csv


def read_images(dataset, options):
    """One row per image of the list."""
    root = dataset_root(dataset, options)
    images = read_csv(root / "list.csv", dataset, ["file", "finding"])
    return pd.DataFrame({"image_id": images["file"], "path": openable(images["file"], root),
                         "pathology": images["finding"], "modality": options["modality"], "anatomic_region": "chest"})
'''
DESCRIPTION = """
description: A list of images.
required: [root]
properties:
  root: {$ref: "#/$defs/root"}
  modality: {description: The modality of all images., type: string, default: XR}
"""
READ = """
import sys
from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources import find_source
from cbir.experiment.config import complete_config, read_schema
schema = read_schema(sys.argv[1] + "/schemas", sys.argv[1] + "/scripts/cbir/datasets/sources")
config = {"datasets": {"mine": {"source": "my-list", "root": sys.argv[2]}}, "models": ["pixels"]}
options = complete_config(config, schema)["datasets"]["mine"]
print(complete_manifest(find_source("my-list")("mine", options), "mine")["label"].tolist())
"""


def test_every_source_with_a_description_has_a_function_except_union():
    with_function = [name for name in list_sources() if name != "union"]
    assert all(callable(find_source(name)) for name in with_function)
    assert {"phantoms", "released", "cbis-ddsm", "table"} <= set(with_function)


def test_helper_modules_and_data_are_not_sources():
    assert not {"files", "findings", "chest", "medmnist-sets", "data"} & set(list_sources())


def test_an_unknown_source_is_refused_with_the_nearest_and_all_known_ones():
    with pytest.raises(
        InputError, match=r"no source 'tables' \(did you mean table\?\); sources are aptos2019, .*union"
    ):
        find_source("tables")
    with pytest.raises(InputError, match=r"no source 'mimic_cxr' \(did you mean mimic-cxr\?\)"):
        find_source("mimic_cxr")


def test_a_union_is_refused_because_it_has_no_images_of_its_own():
    with pytest.raises(InputError, match="source union reads no images of its own"):
        find_source("union")


def test_two_new_files_are_a_new_source_with_its_options_and_its_reference(tmp_path):
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "config", tmp_path / "config")
    scripts = tmp_path / "workflow/scripts"
    name = FOLDER.relative_to(ROOT / "workflow/scripts")
    write_files(scripts / name, {"my_list.py": MODULE, "my_list.yaml": DESCRIPTION})
    write_files(tmp_path / "data", {"list.csv": "file,finding\na.png,normal\nb.png,edema\n"})

    command = [sys.executable, "-c", READ, str(tmp_path / "workflow"), str(tmp_path / "data")]
    done = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=True)
    assert done.stdout == "['XR/chest/normal', 'XR/chest/edema']\n"

    subprocess.run([sys.executable, "-m", "cbir.experiment.reference"], cwd=scripts, check=True)
    reference = (tmp_path / "config/README.md").read_text().partition("## `source: my-list`")[2]
    assert reference.startswith("\n\nA list of images.\n")
    assert "| `modality` | string | `XR` | The modality of all images. | `modality: XR` |" in reference


def test_phantoms_are_read_from_the_table_that_was_written_with_them(tmp_path):
    table = "image,patient_id,modality,anatomic_region,pathology,report,mask\n"
    table += "P0001/a.dcm,P0001,XR,chest,mass,A mass.,P0001/m.png\nP0002/b.dcm,P0002,CT,head,normal,Normal.,\n"
    root = write_files(tmp_path, {"images.csv": table, "P0001/a.dcm": "", "P0001/m.png": "", "P0002/b.dcm": ""})
    schema = read_schema(ROOT / "workflow/schemas", FOLDER)
    config = complete_config({"datasets": {"mini": {"source": "phantoms"}}, "models": ["pixels"]}, schema)
    manifest = read_manifest_of(find_source("phantoms"), root, **config["datasets"]["mini"])
    expected = complete_manifest(
        find_source("table")("mini", {"root": str(root), "table": "images.csv", "check_files": True}), "mini"
    )
    pd.testing.assert_frame_equal(manifest, expected)
    assert rows(manifest, "image_id", "patient_id", "label", "report") == [
        ("P0001/a.dcm", "P0001", "XR/chest/mass", "A mass."),
        ("P0002/b.dcm", "P0002", "CT/head/normal", "Normal."),
    ]
    (root / "P0002/b.dcm").unlink()
    with pytest.raises(InputError, match=r"P0002/b\.dcm"):
        read_manifest_of(find_source("phantoms"), root)
