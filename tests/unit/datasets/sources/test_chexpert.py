import pytest

from cbir.datasets.sources.chexpert import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
    "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n"
)
TRAIN = {
    "patient00001/study1/view1_frontal.jpg": "1.0,,,,,,,,,0.0,,,,1.0",  # a support device is not a finding
    "patient00002/study2/view1_frontal.jpg": ",,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,",  # two findings
    "patient00002/study1/view1_frontal.jpg": ",,,1.0,,-1.0,,,,0.0,,,,",  # one finding, another uncertain
    "patient00003/study1/view2_lateral.jpg": ",,,,,-1.0,,,,,,,,",  # only an uncertain finding
}
VALID = {
    "patient64541/study1/view1_frontal.jpg": "0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0",
    "patient00001/study9/view1_frontal.jpg": "0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0",
}
KEPT = [
    ("train/patient00001/study1/view1_frontal.jpg", "patient00001", "XR/chest/No Finding", "trainval"),
    ("train/patient00002/study1/view1_frontal.jpg", "patient00002", "XR/chest/Lung Opacity", "trainval"),
    ("valid/patient00001/study9/view1_frontal.jpg", "patient00001", "XR/chest/Fracture", "test"),
    ("valid/patient64541/study1/view1_frontal.jpg", "patient64541", "XR/chest/Pleural Effusion", "test"),
]
IMAGES = [f"train/{image}" for image in TRAIN] + [f"valid/{image}" for image in VALID]


def table(folder, labels):
    return HEADER + "".join(f"{folder}/{image},Male,68,Frontal,AP,{values}\n" for image, values in labels.items())


def make(root, name="CheXpert-v1.0", images=IMAGES):
    touch_files(root, *images)
    return write_files(root, {"train.csv": table(f"{name}/train", TRAIN), "valid.csv": table(f"{name}/valid", VALID)})


@pytest.mark.parametrize("name", ["CheXpert-v1.0", "CheXpert-v1.0-small"])
def test_images_of_one_certain_finding_are_kept_with_patients_and_official_splits(tmp_path, name):
    manifest = read_manifest_of(read_images, make(tmp_path / "anywhere", name))
    assert rows(manifest, "image_id", "patient_id", "label", "split") == KEPT
    assert manifest["path"].tolist() == [f"{tmp_path}/anywhere/{image}" for image, *_ in KEPT]
    assert manifest.attrs["left_out"] == {"not exactly one finding": 2}


def test_root_can_be_the_folder_above_the_tables(tmp_path):
    make(tmp_path / "CheXpert-v1.0-small", "CheXpert-v1.0-small")
    manifest = read_manifest_of(read_images, tmp_path)
    assert manifest["image_id"].tolist() == [f"CheXpert-v1.0-small/{image}" for image, *_ in KEPT]


def test_the_publishers_batches_are_read_from_their_own_folders(tmp_path):
    tables, one, two = "batch 1 (validate & csv)", "batch 2 (train 1)", "batch 4 (train 3)"
    make(tmp_path / f"CheXpert-v1.0 {tables}", images=[image for image in IMAGES if image.startswith("valid")])
    for image in TRAIN:
        touch_files(tmp_path / f"CheXpert-v1.0 {one if 'patient00001' in image else two}", image)
    manifest = read_manifest_of(read_images, tmp_path)
    assert rows(manifest, "image_id", "label") == [
        (f"CheXpert-v1.0 {tables}/{KEPT[2][0]}", "XR/chest/Fracture"),
        (f"CheXpert-v1.0 {tables}/{KEPT[3][0]}", "XR/chest/Pleural Effusion"),
        (f"CheXpert-v1.0 {one}/patient00001/study1/view1_frontal.jpg", "XR/chest/No Finding"),
        (f"CheXpert-v1.0 {two}/patient00002/study1/view1_frontal.jpg", "XR/chest/Lung Opacity"),
    ]


def test_missing_images_and_columns_are_named(tmp_path):
    make(tmp_path, images=IMAGES[1:])
    with pytest.raises(InputError, match=r"train/patient00001/study1/view1_frontal\.jpg"):
        read_manifest_of(read_images, tmp_path)
    assert len(read_manifest_of(read_images, tmp_path, check_files=False)) == 4
    write_files(tmp_path, {"valid.csv": "Path,No Finding\n"})
    with pytest.raises(InputError, match=r"valid\.csv has no column Enlarged Cardiomediastinum, Cardiomegaly"):
        read_manifest_of(read_images, tmp_path)
