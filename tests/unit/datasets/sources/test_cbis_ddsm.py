import pytest

from cbir.datasets.sources.cbis_ddsm import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

# (table, part, patient, side, view, number of the abnormality, verdict)
ABNORMALITIES = [
    ("mass", "train", "P_00001", "LEFT", "CC", 1, "MALIGNANT"),
    ("mass", "train", "P_00001", "LEFT", "MLO", 1, "BENIGN"),
    ("mass", "train", "P_00001", "LEFT", "MLO", 2, "BENIGN_WITHOUT_CALLBACK"),  # two masses with the same label
    ("mass", "train", "P_00002", "RIGHT", "CC", 1, "BENIGN"),
    ("mass", "train", "P_00002", "RIGHT", "CC", 2, "MALIGNANT"),  # two masses with different labels
    ("mass", "test", "P_00003", "RIGHT", "CC", 1, "BENIGN"),
    ("calc", "train", "P_00003", "RIGHT", "CC", 1, "BENIGN"),  # the same image in another table and split
    ("calc", "train", "P_00003", "LEFT", "CC", 1, "MALIGNANT"),  # a patient in both splits
    ("mass", "test", "P_00003", "LEFT", "MLO", 1, "MALIGNANT"),
]
# (case, patient, label, split)
KEPT = [
    ("Calc-Training_P_00003_LEFT_CC", "P_00003", "MG/breast/malignant calcification", "trainval"),
    ("Mass-Test_P_00003_LEFT_MLO", "P_00003", "MG/breast/malignant mass", "test"),
    ("Mass-Training_P_00001_LEFT_CC", "P_00001", "MG/breast/malignant mass", "trainval"),
    ("Mass-Training_P_00001_LEFT_MLO", "P_00001", "MG/breast/benign mass", "trainval"),
]


def case(kind, part, patient, side, view):
    return f"{kind.title()}-{'Training' if part == 'train' else 'Test'}_{patient}_{side}_{view}"


def series(name):
    return "1.3.6.1.4.1.9590.100.1.2." + str(1000 + sum(map(ord, name)) * 7 + len(name))


def tables(folder=""):
    """The four case descriptions; as published, the last two paths of a row end in a line break."""
    texts = {}
    for kind, density in (("mass", "breast_density"), ("calc", "breast density")):
        for part in ("train", "test"):
            texts[f"{folder}{kind}_case_description_{part}_set.csv"] = (
                f"patient_id,{density},left or right breast,image view,abnormality id,abnormality type,assessment,"
                "pathology,subtlety,image file path,cropped image file path,ROI mask file path\n"
            )
    for kind, part, patient, side, view, number, verdict in ABNORMALITIES:
        name = case(kind, part, patient, side, view)
        texts[f"{folder}{kind}_case_description_{part}_set.csv"] += (
            f"{patient},3,{side},{view},{number},{'mass' if kind == 'mass' else 'calcification'},4,{verdict},4,"
            f'{name}/1.3.6.9/{series(name)}/000000.dcm,"{name}_{number}/1.3.6.8/1.3.6.7/000000.dcm\n",'
            f'"{name}_{number}/1.3.6.8/1.3.6.7/000001.dcm\n"\n'
        )
    return texts


CASES = sorted({case(*row[:5]) for row in ABNORMALITIES})


@pytest.mark.parametrize(
    "below", ["CBIS-DDSM/{}/1.3.6.9/1.3.6.5/1-1.dcm", "{}/07-20-2016-DDSM-NA-1/1.0-full mammogram images-2/1-1.DCM"]
)
def test_the_dicom_tree_is_read_with_one_row_per_mammogram(tmp_path, below):
    touch_files(tmp_path, *(below.format(name) for name in CASES), *(below.format(f"{name}_1") for name in CASES))
    manifest = read_manifest_of(read_images, write_files(tmp_path, tables()))
    assert rows(manifest, "image_id", "patient_id", "label", "split") == [
        (below.format(name), *rest) for name, *rest in KEPT
    ]
    assert manifest.attrs["left_out"] == {"abnormalities that differ": 2}


def test_the_jpeg_release_is_read_by_series(tmp_path):
    touch_files(tmp_path / "jpeg", *(f"{series(name)}/1-{100 + i}.jpg" for i, name in enumerate(CASES)))
    touch_files(tmp_path / "jpeg", "1.3.6.7/1-001.jpg", "1.3.6.7/2-002.jpg")  # crop and mask
    manifest = read_manifest_of(read_images, write_files(tmp_path, tables("csv/")))
    expected = [(f"jpeg/{series(name)}/1-{100 + CASES.index(name)}.jpg", *rest) for name, *rest in KEPT]
    assert rows(manifest, "image_id", "patient_id", "label", "split") == sorted(expected)


def test_missing_images_and_unknown_verdicts_are_named(tmp_path):
    write_files(tmp_path, tables())
    with pytest.raises(InputError, match="4 listed files") as problem:
        read_manifest_of(read_images, tmp_path)
    assert "Mass-Test_P_00003_LEFT_MLO/1.3.6.9/" in str(problem.value)
    write_files(tmp_path, {name: text.replace("MALIGNANT", "MALIGN") for name, text in tables().items()})
    with pytest.raises(InputError, match="correct these values:\n  'MALIGN'"):
        read_manifest_of(read_images, tmp_path)
