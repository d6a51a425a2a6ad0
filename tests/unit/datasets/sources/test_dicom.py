import logging

import data_store
import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.fileset import FileSet
from pydicom.uid import generate_uid

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources.dicom import read_images
from cbir.errors import InputError
from cbir.images.reading import inspect_images
from dicom_files import make_dicom, write_dicom

PIXELS = np.arange(24, dtype=np.uint16).reshape(4, 6)
DEFAULTS = {"frames": "all", "localizers": False, "secondary_captures": False}
CHEST = {"Modality": "DX", "BodyPartExamined": "CHEST", "PatientID": "p1"}


def read(root, **options):
    images = read_images("scans", DEFAULTS | {"root": str(root)} | options)
    complete_manifest(images, "scans")
    return images.set_index("image_id")


def test_tags_become_modality_region_and_patient(tmp_path):
    write_dicom(tmp_path / "a" / "b" / "IM0001", PIXELS, **CHEST)
    image = read(tmp_path).loc["a/b/IM0001"]
    assert image.to_dict() == {
        "path": f"{tmp_path}/a/b/IM0001",
        "frame": 0,
        "patient_id": "p1",
        "modality": "XR",
        "anatomic_region": "chest",
        "pathology": "unlabelled",
    }


@pytest.mark.parametrize(
    ("tag", "modality"),
    [
        ("CR", "XR"),
        ("DX", "XR"),
        ("DR", "XR"),
        ("RG", "XR"),
        ("CT", "CT"),
        ("MG", "MG"),
        ("mr ", "MR"),
        ("", "unknown"),
    ],
)
def test_all_kinds_of_radiography_become_one_modality_and_other_modalities_stay(tmp_path, tag, modality):
    write_dicom(tmp_path / "a.dcm", PIXELS, **(CHEST | {"Modality": tag}))
    assert read(tmp_path)["modality"].tolist() == [modality]


@pytest.mark.parametrize(
    ("tag", "region"),
    [("CHEST", "chest"), (" Left_Knee ", "left knee"), ("HEAD/NECK", "head-neck"), ("", "unknown"), (None, "unknown")],
)
def test_body_parts_are_written_in_one_form(tmp_path, tag, region):
    write_dicom(tmp_path / "a.dcm", PIXELS, **(CHEST | {"BodyPartExamined": tag}))
    assert read(tmp_path)["anatomic_region"].tolist() == [region]


def test_without_a_patient_id_images_are_grouped_by_study_and_without_a_study_by_file(tmp_path):
    write_dicom(tmp_path / "a.dcm", PIXELS, **(CHEST | {"StudyInstanceUID": "1.2.3"}))
    write_dicom(tmp_path / "b.dcm", PIXELS, Modality="CT", PatientID=" ", StudyInstanceUID="1.2.3")
    write_dicom(tmp_path / "c.dcm", np.stack([PIXELS, PIXELS]), Modality="CT")
    assert read(tmp_path)["patient_id"].to_dict() == {
        "a.dcm": "p1",
        "b.dcm": "1.2.3",
        "c.dcm#0": "c.dcm",
        "c.dcm#1": "c.dcm",
    }


def test_a_word_for_a_missing_value_in_a_tag_is_as_good_as_no_value(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    unknown = {"Modality": "NA", "BodyPartExamined": "NONE", "PatientID": "NULL"}
    write_dicom(tmp_path / "a.dcm", PIXELS, **unknown, StudyInstanceUID="1.2.3")
    write_dicom(tmp_path / "b.dcm", PIXELS, **(unknown | {"PatientID": "n/a"}), StudyInstanceUID="1.2.4")
    write_dicom(tmp_path / "c.dcm", PIXELS, **CHEST)
    images = read(tmp_path)
    assert images["patient_id"].tolist() == ["1.2.3", "1.2.4", "p1"]
    assert images["modality"].tolist() == ["unknown", "unknown", "XR"]
    assert images["anatomic_region"].tolist() == ["unknown", "unknown", "chest"]
    assert "dataset scans: 2 of 3 files have no patient id" in caplog.text


def test_a_word_for_a_missing_value_in_the_table_of_labels_is_refused_with_the_table(tmp_path):
    write_dicom(tmp_path / "a.dcm", PIXELS, **CHEST)
    (tmp_path / "labels.csv").write_text("path,pathology\na.dcm,NA\n")
    with pytest.raises(InputError, match=r"labels\.csv: 1 rows without pathology \(NA 1\); .*:\n  a\.dcm$"):
        read(tmp_path, labels=str(tmp_path / "labels.csv"))


def test_no_other_tag_reaches_the_table(tmp_path):
    tags = {
        "PatientName": "Doe^Jane",
        "PatientBirthDate": "19700101",
        "AccessionNumber": "accession",
        "InstitutionName": "General",
        "StudyDate": "20200202",
        "StudyInstanceUID": "1.2.3.99",
    }
    write_dicom(tmp_path / "a.dcm", PIXELS, **CHEST, **tags)
    table = read(tmp_path).to_csv()
    assert not [value for value in tags.values() if value in table]


def test_dicom_files_are_recognized_by_their_content(tmp_path):
    write_dicom(tmp_path / "with.txt", PIXELS, **CHEST)
    write_dicom(tmp_path / "extensionless", PIXELS, **CHEST)
    bare = make_dicom(PIXELS, **CHEST)
    del bare.file_meta
    bare.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True)
    (tmp_path / "notes.dcm").write_text("no image")
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "eight").write_bytes(b"\x08\x00 not a data set")
    assert list(read(tmp_path).index) == ["bare", "extensionless", "with.txt"]


def test_a_dicomdir_beside_the_images_is_not_an_image(tmp_path):
    files = FileSet()
    for number in range(3):
        tags = CHEST | {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.4", "StudyDate": "20200101",
                        "StudyTime": "120000", "StudyID": "1", "SeriesNumber": 1, "InstanceNumber": number,
                        "PatientName": "A"}  # fmt: skip
        files.add(make_dicom(PIXELS + np.uint16(number), **tags))
    files.write(tmp_path / "disc")
    images = read(tmp_path / "disc")
    assert len(images) == 3
    assert (tmp_path / "disc" / "DICOMDIR").is_file()
    assert "DICOMDIR" not in images.index


def test_dicom_objects_that_are_not_pictures_are_left_out_and_counted(tmp_path):
    write_dicom(tmp_path / "image", PIXELS, **CHEST)
    write_dicom(tmp_path / "scout", PIXELS, Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_dicom(tmp_path / "capture", PIXELS, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    write_dicom(tmp_path / "captures", PIXELS, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7.4")
    write_dicom(tmp_path / "mask", PIXELS, Modality="SEG")
    write_dicom(tmp_path / "photo", PIXELS, Modality="ES", SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.1")
    report = make_dicom(PIXELS, Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(report, keyword)
    report.save_as(tmp_path / "report", enforce_file_format=True)

    images = read_images("scans", DEFAULTS | {"root": str(tmp_path)})
    assert list(images["image_id"]) == ["image", "photo"]
    assert images.attrs["left_out"] == {
        "DICOM without pixels": 1,
        "localizer": 1,
        "secondary capture": 2,
        "modality not selected": 1,
    }
    assert list(read(tmp_path, localizers=True).index) == ["image", "photo", "scout"]
    assert list(read(tmp_path, secondary_captures=True).index) == ["capture", "captures", "image", "photo"]
    assert list(read(tmp_path, modalities=["SEG", "XR"]).index) == ["image", "mask"]


def test_every_frame_is_an_image_or_only_the_middle_one(tmp_path):
    write_dicom(tmp_path / "a", np.stack([PIXELS] * 3), **CHEST)
    write_dicom(tmp_path / "b", PIXELS, **CHEST)
    assert read(tmp_path)["frame"].to_dict() == {"a#0": 0, "a#1": 1, "a#2": 2, "b": 0}
    assert read(tmp_path, frames="middle")["frame"].to_dict() == {"a": 1, "b": 0}


def test_a_broken_file_stays_so_that_the_inspection_reports_it(tmp_path):
    whole = write_dicom(tmp_path / "whole", PIXELS, **CHEST).read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-10])
    (tmp_path / "cut_header").write_bytes(whole[:140])
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    pixelless = make_dicom(PIXELS, **CHEST)
    del pixelless.PixelData
    pixelless.save_as(tmp_path / "pixelless", enforce_file_format=True)
    images = complete_manifest(read_images("scans", DEFAULTS | {"root": str(tmp_path), "modalities": ["XR"]}), "scans")
    inspected = inspect_images(images, 1).set_index("image_id")
    assert inspected["readable"].to_dict() == {
        "cut": False,
        "cut_header": False,
        "dangling": False,
        "pixelless": False,
        "whole": True,
    }
    assert inspected.loc["pixelless", "reason"] == "DICOM without pixels"
    assert images.set_index("image_id").loc["cut_header", "label"] == "unknown/unknown/unlabelled"


def test_a_table_adds_labels_by_uid_or_path(tmp_path):
    root = tmp_path / "scans"
    uids = [generate_uid(entropy_srcs=[str(number)]) for number in range(3)]
    for number, uid in enumerate(uids):
        write_dicom(root / f"{number}.dcm", PIXELS, **CHEST, SOPInstanceUID=uid)
    rows = pd.DataFrame(
        {
            "SOPInstanceUID": [*uids[:2], "1.9"],
            "pathology": ["nodule ", " ", "mass"],
            "report": ["Seen.", "", ""],
            "split": ["train", "test", "val"],
            "reader": ["a", "b", "c"],
        }
    )
    rows.to_csv(tmp_path / "labels.csv", index=False)
    images = read(root, labels=str(tmp_path / "labels.csv"))
    assert images["pathology"].tolist() == ["nodule", "unlabelled", "unlabelled"]
    assert images["report"].tolist() == ["Seen.", "", ""]
    assert images["split"].tolist() == ["train", "test", ""]
    assert "reader" not in images

    by_path = pd.DataFrame({"path": ["2.dcm", "0.dcm"], "pathology": ["effusion", "nodule"]})
    by_path.to_parquet(tmp_path / "labels.parquet")
    images = read(root, labels=str(tmp_path / "labels.parquet"))
    assert images["pathology"].tolist() == ["nodule", "unlabelled", "effusion"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("name,pathology\na,nodule\n", "needs a column SOPInstanceUID or path"),
        ("path,finding\na,nodule\n", "one of pathology, report, split"),
        ("path,pathology\na,nodule\na,mass\n", "must list each path once; repeated are:\n  a"),
        ("path,pathology\nb,nodule\n", "names none of the 1 images by path; their names are such as 'a'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, rows, message):
    write_dicom(tmp_path / "scans" / "a", PIXELS, **CHEST)
    (tmp_path / "labels.csv").write_text(rows)
    with pytest.raises(InputError, match=r"dataset scans: .*labels\.csv") as refusal:
        read(tmp_path / "scans", labels=str(tmp_path / "labels.csv"))
    assert message in str(refusal.value)


def test_missing_files_folders_and_packages_are_named(tmp_path):
    write_dicom(tmp_path / "scans" / "a", PIXELS, **CHEST)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("no image")
    for options, message in [
        ({"root": str(tmp_path / "absent")}, "datasets.scans.root"),
        ({"root": str(tmp_path / "none")}, "none of 1 files under .* is DICOM"),
        (
            {"root": str(tmp_path / "scans"), "labels": "absent.csv"},
            "no table absent.csv; correct datasets.scans.labels",
        ),
        ({"package": "no-such-package"}, "package no-such-package is not installed"),
        ({}, "either datasets.scans.root or datasets.scans.package"),
        ({"root": str(tmp_path), "package": "pydicom-data"}, "either datasets.scans.root or datasets.scans.package"),
    ]:
        with pytest.raises(InputError, match=message):
            read_images("scans", DEFAULTS | options)


def test_the_real_files_of_pydicom_data_are_listed_as_their_tags_say():
    options = DEFAULTS | {"package": "pydicom-data", "modalities": ["CT", "MR", "US", "XR"], "frames": "middle"}
    images = complete_manifest(read_images("dicom-samples", options), "dicom-samples")
    names = images["image_id"].str.removeprefix("data_store/data/")
    expected = {}
    for name in names:
        header = pydicom.dcmread(f"{data_store.__path__[0]}/data/{name}", stop_before_pixels=True)
        modality = {"CR": "XR"}.get(header.Modality, header.Modality)
        region = (header.get("BodyPartExamined") or "unknown").lower()
        expected[name] = (modality, region, header.get("PatientID") or header.StudyInstanceUID)
    found = zip(images["modality"], images["anatomic_region"], images["patient_id"], strict=True)
    assert dict(zip(names, found, strict=True)) == expected
    assert images["modality"].value_counts().to_dict() == {"US": 16, "MR": 11, "XR": 8, "CT": 6}
    assert inspect_images(images, 1)["readable"].all()
