import numpy as np
import pandas as pd

from nifti_files import write_nifti
from workflow_runs import run, write_experiment


def test_slices_of_volumes_find_slices_of_the_same_finding(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["image,patient_id,modality,anatomic_region,pathology,split"]
    for number in range(6):
        side, split = ("left", "right")[number % 2], "train" if number < 4 else "test"
        voxels = rng.normal(100, 5, (32, 32, 8))
        voxels[slice(2, 14) if side == "left" else slice(18, 30), 8:24] += 400
        write_nifti(tmp_path / f"volumes/{number}.nii.gz", voxels.astype(np.int16))
        rows.append(f"{number}.nii.gz,p{number},CT,abdomen,{side},{split}")
    (tmp_path / "volumes/volumes.csv").write_text("\n".join(rows) + "\n")
    source = {"source": "nifti", "root": "volumes", "table": "volumes.csv", "every": 2, "background": 0}
    depths = {"search": {"k": 8}, "scores": {"at": [1, 8]}, "probes": {"methods": []}}
    write_experiment(tmp_path, tmp_path, datasets={"ct": source}, models=["pixels"], index_sizes=["full"], **depths)
    done = run(tmp_path, "--cores", "2", "tables")
    assert done.returncode == 0, done.stdout
    manifest = pd.read_parquet(tmp_path / "results/manifests/ct.parquet")
    assert manifest["split"].value_counts().to_dict() == {"train": 16, "test": 8}
    scores = pd.read_csv(tmp_path / "results/tables/retrieval.csv")
    found = scores[(scores["level"] == "pathology") & (scores["metric"] == "precision") & (scores["k"] == 8)]
    assert found["queries"].max() == 8
    assert found["value"].tolist() == [1, 1]
    assert found["chance"].tolist() == [0.5, 0.5]
