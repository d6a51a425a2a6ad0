import hashlib
import hmac
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.pseudonyms import hash_patients, read_key
from cbir.errors import InputError

KEY = bytes(range(32))


def manifest():
    images = pd.DataFrame({"image_id": ["p1/a.png", "p1/b.png", "p2/a.png", "x.png"]})
    images = images.assign(path="/d/" + images["image_id"], patient_id=["p1", "p1", "p2", ""], split="train")
    return complete_manifest(images.assign(modality="US", anatomic_region="liver", pathology="cyst"), "mini")


def test_ids_become_keyed_hashes_and_patients_stay_together():
    before, after = manifest(), hash_patients(manifest(), KEY)
    assert after["image_id"].is_monotonic_increasing
    merged = before.merge(after, on="path", suffixes=("", "_hashed"))
    expected = hmac.new(KEY, b"patient_id\0p1", hashlib.sha256).hexdigest()[:32]
    assert merged["patient_id_hashed"].tolist()[:2] == [expected, expected]
    assert merged["patient_id_hashed"].nunique() == before["patient_id"].nunique() == 3
    assert merged["image_id_hashed"].nunique() == 4
    ids = " ".join([*after["image_id"], *after["patient_id"]])
    assert not any(old in ids for old in ["p1", "p2", "x.png"])
    assert list(after.columns) == list(before.columns)


def test_another_key_gives_other_hashes():
    one, other = hash_patients(manifest(), KEY), hash_patients(manifest(), KEY[::-1])
    assert not set(one["patient_id"]) & set(other["patient_id"])


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "secrets" / "patients.key"
    key = read_key(path)
    assert len(key) == 32
    assert read_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["patients.key"]
    assert read_key(tmp_path / "other.key") != key


def test_jobs_that_make_the_key_at_the_same_time_get_the_same_one(tmp_path):
    threads = 8
    barrier = Barrier(threads)

    def read(path):
        barrier.wait()
        return read_key(path)

    with ThreadPoolExecutor(threads) as pool:
        for trial in range(20):
            assert len(set(pool.map(read, [tmp_path / f"{trial}.key"] * threads))) == 1


def test_a_key_of_another_job_is_never_replaced(tmp_path, monkeypatch):
    path, other = tmp_path / "patients.key", bytes(range(32))
    monkeypatch.setattr(secrets, "token_bytes", lambda size: path.write_bytes(other) and bytes(size))
    assert read_key(path) == other
    assert path.read_bytes() == other


def test_the_message_names_a_key_file_that_cannot_be_used(tmp_path):
    (tmp_path / "short.key").write_bytes(b"1234")
    with pytest.raises(InputError, match=r"short\.key holds 4 bytes"):
        read_key(tmp_path / "short.key")
    with pytest.raises(InputError, match="cannot use"):
        read_key(tmp_path)
