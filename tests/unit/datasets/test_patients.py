import logging
import time
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.patients import find_similar_patients, plain_form, warn_of_similar_patients
from cbir.runs.by_hand import Job, Named
from miniatures import rows, touch_files, write_files

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/make_manifest.py"
MULLER = "Müller"  # composed, as in Unicode's normalization form NFC
LABELS = {"modality": "CT", "anatomic_region": "head", "pathology": "normal"}


def manifest_of(patients):
    names = [f"{number:02d}.png" for number in range(len(patients))]
    return complete_manifest(pd.DataFrame({"image_id": names, "path": names, "patient_id": patients, **LABELS}), "mine")


@pytest.mark.parametrize(
    "word", ["NA", "nan", "NaN", "None", "NULL", "<NA>", "n/a", "N/A", "na", "none", "", " ", None]
)
def test_images_with_a_word_for_a_missing_value_as_patient_are_patients_of_their_own(word, caplog):
    manifest = manifest_of(["p1", word, "p1", word])
    assert manifest["patient_id"].tolist() == ["p1", "01.png", "p1", "03.png"]
    assert "dataset mine: 2 of 4 images have an unknown patient (" in caplog.text


def test_known_patients_are_kept_as_they_are_without_a_word(caplog):
    patients = ["NAS-7", "nancy", "0", "-"]
    assert manifest_of(patients)["patient_id"].tolist() == patients
    assert caplog.text == ""


def test_the_log_says_how_often_each_word_for_an_unknown_patient_occurs(caplog):
    manifest_of(["NA", "NA", "", "p1", "NaN", "NA"])
    assert "5 of 6 images have an unknown patient (NA 3, blank 1, NaN 1)" in caplog.text


def test_a_dataset_without_patient_ids_is_noted_in_the_log_without_a_warning(caplog):
    caplog.set_level(logging.INFO)
    images = manifest_of(["p1", "p2"]).drop(columns="patient_id")
    assert complete_manifest(images, "mine")["patient_id"].tolist() == ["00.png", "01.png"]
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7", "007"),
        ("7", "7.0"),
        ("0007", "7.00"),
        ("0", "000"),
        ("P1", "p1"),
        ("P 1", "P1"),
        ("P\u00a01", "p1"),
        ("P7", "P007"),
        (MULLER, unicodedata.normalize("NFD", MULLER)),
        (MULLER.upper(), unicodedata.normalize("NFD", MULLER)),
        ("p1", "p\u200b1"),
        ("p1", "\ufeffp1"),
        ("P1", "\uff30\uff11"),  # wide letters
    ],
)
def test_ids_that_differ_in_their_form_only_have_the_same_plain_form(one, other):
    assert plain_form(one) == plain_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("7", "70"), ("7", "7.5"), ("1.2.3", "1.2.30"), ("1.2.05", "1.2.5"), ("P1", "P-1"), ("p1", "q1"), ("10", "1")],
)
def test_ids_that_differ_in_more_have_different_plain_forms(one, other):
    assert plain_form(one) != plain_form(other)


def test_groups_of_similar_ids_are_listed_with_their_images_and_a_form_that_tells_them_apart():
    decomposed = unicodedata.normalize("NFD", MULLER)
    patients = ["7", "007", "7.0", "7", "P1", "p1", "p1", MULLER, decomposed, "8", "NA", "na"]
    manifest = manifest_of(patients)
    assert manifest["patient_id"].tolist()[:10] == patients[:10]  # they stay different patients
    similar = find_similar_patients(manifest)
    assert rows(similar, "group", "patient_id", "escaped", "images") == [
        (1, "007", "007", 1),
        (1, "7", "7", 2),
        (1, "7.0", "7.0", 1),
        (2, decomposed, "Mu\\u0308ller", 1),
        (2, MULLER, "M\\xfcller", 1),
        (3, "P1", "P1", 1),
        (3, "p1", "p1", 2),
    ]


def test_ids_of_images_without_a_patient_are_not_compared():
    names = ["a/1.png", "A/1.png"]
    images = pd.DataFrame({"image_id": names, "path": names, "patient_id": "", **LABELS})
    assert find_similar_patients(complete_manifest(images, "mine")).empty


def test_one_warning_has_the_number_of_ids_the_first_groups_and_the_file_with_all(caplog):
    patients = [f"{zeros}{number}" for number in range(1, 31) for zeros in ("", "0", "00")]
    warn_of_similar_patients(find_similar_patients(manifest_of(patients)), "mine", "results/mine.csv")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    text = record.getMessage()
    assert text.startswith("dataset mine: 90 patient ids differ from another id in their form only")
    assert "may be 30 patients" in text
    assert "All are listed in results/mine.csv:\n  001, 01, 1\n" in text
    assert text.endswith("and 10 more")


def test_no_warning_without_similar_ids(caplog):
    warn_of_similar_patients(find_similar_patients(manifest_of(["p1", "p2"])), "mine", "results/mine.csv")
    assert caplog.text == ""


def test_hundreds_of_thousands_of_images_are_checked_within_seconds():
    names = pd.Series(range(400_000)).astype("str") + ".png"
    ids = "patient" + pd.Series(range(400_000)).floordiv(4).astype("str")
    manifest = pd.DataFrame({"image_id": names, "patient_id": ids})
    start = time.process_time()
    assert find_similar_patients(manifest).empty
    assert time.process_time() - start < 5


def make_manifest(folder, **options):
    """Run the script make_manifest on a small table; returns the text of its files and of its log."""
    header = "image,patient_id,modality,anatomic_region,pathology\n"
    table = header + "".join(f"{name}.png,{name},CT,head,normal\n" for name in ("secret7", "SECRET7", "secret 007"))
    root = write_files(touch_files(folder / "data", "secret7.png", "SECRET7.png", "secret 007.png"), {"t.csv": table})
    options |= {"source": "table", "root": str(root), "table": "t.csv", "check_files": True}
    outputs = {
        name: f"{folder}/{name}"
        for name in ("manifest.parquet", "left_out.parquet", "files.json", "similar_patients.csv")
    }
    named = {name.partition(".")[0]: path for name, path in outputs.items()}
    given = Job(
        rule="make_manifest",
        input=Named([], {}),
        output=Named(list(named.values()), named),
        log=Named([f"{folder}/job.log"], {}),
        params=Named([options, None], {"options": options, "tree": None}),
        wildcards=Named(["mine"], {"dataset": "mine"}),
        threads=1,
    )
    exec(compile(SCRIPT.read_text(), SCRIPT, "exec"), {"snakemake": given})
    return (folder / "similar_patients.csv").read_text(), (folder / "job.log").read_text()


def test_the_step_lists_similar_ids_in_a_file_of_the_results_and_names_it_in_its_log(tmp_path):
    listed, log = make_manifest(tmp_path, hash_patients=False)
    assert listed == (
        "group,patient_id,escaped,images\n1,SECRET7,SECRET7,1\n1,secret 007,secret 007,1\n1,secret7,secret7,1\n"
    )
    assert f"All are listed in {tmp_path}/similar_patients.csv:\n  SECRET7, secret 007, secret7\n" in log


def test_ids_that_are_hashed_are_counted_and_written_nowhere(tmp_path):
    listed, log = make_manifest(tmp_path, hash_patients=True, patient_key=str(tmp_path / "key"))
    assert listed == "group,patient_id,escaped,images\n"
    assert "dataset mine: 3 patient ids differ from another id" in log
    assert "secret" not in log.casefold()
