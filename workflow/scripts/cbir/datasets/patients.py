"""Patient ids: those that are unknown, and those that differ in their form only."""

import logging
import re
import unicodedata
from pathlib import Path

import pandas as pd

from cbir.datasets.missing import count_missing, is_missing_word
from cbir.errors import listing

# Unicode's categories of control and formatting characters, such as the zero-width space, and of spaces
INVISIBLE = ("Cc", "Cf", "Zl", "Zp", "Zs")
log = logging.getLogger(__name__)


def complete_patients(images: pd.DataFrame, own: pd.Series, dataset: str, kind: str = "images") -> pd.Series:
    """The patient id of each row. A row with an unknown patient gets an id of its own, and the log says how many do.

    images: one row per image, or per volume, with or without the column `patient_id`. A patient is unknown where the
    id is missing, blank, or a word for a missing value such as NA, in upper or lower case. own: (rows,) the id that a
    row gets then. kind: what a row is, for the log.
    """
    if "patient_id" not in images:
        log.info("dataset %s: no patient ids, so each of its %s is a patient of its own", dataset, kind)
        return own
    ids = images["patient_id"].astype("str").fillna("")
    distinct = pd.Series(ids.unique(), dtype="str")
    unknown = distinct[distinct.map(is_missing_word).astype(bool)]
    is_unknown = ids.isin(unknown)
    if is_unknown.any():
        log.warning(
            "dataset %s: %d of %d %s have an unknown patient (%s); each of them is a patient of its own",
            *(dataset, is_unknown.sum(), len(ids), kind, count_missing(ids, unknown)),
        )
    return ids.mask(is_unknown, own)


def find_similar_patients(manifest: pd.DataFrame) -> pd.DataFrame:
    """Patient ids that differ in their form only: see `plain_form`.

    manifest: a manifest before its ids are hashed. Patients with the id of an image are left out, since they are
    unknown. Returns one row per id: `group`, the number of the group of ids with the same form, from 1; `patient_id`;
    `escaped`, the id with an escape sequence for each character that is not ASCII, so that ids that look equal can be
    told apart; and `images`, the number of images of the id.

    >>> ids = ["7", "007", "8", "7"]
    >>> find_similar_patients(pd.DataFrame({"patient_id": ids, "image_id": ["a", "b", "c", "d"]}))
       group patient_id escaped  images
    0      1        007     007       1
    1      1          7       7       2
    """
    known = manifest.loc[manifest["patient_id"] != manifest["image_id"], "patient_id"]
    ids = known.value_counts().sort_index().rename_axis("patient_id").reset_index(name="images")
    ids["form"] = ids["patient_id"].map(plain_form).astype("str")
    ids = ids[ids["form"].duplicated(keep=False)].sort_values(["form", "patient_id"], ignore_index=True)
    escaped = ids["patient_id"].map(lambda text: ascii(text)[1:-1]).astype("str")
    ids = ids.assign(group=ids.groupby("form").ngroup() + 1, escaped=escaped)
    return ids[["group", "patient_id", "escaped", "images"]]


def plain_form(patient_id: str) -> str:
    """An id without what a change of program or of keyboard changes in it.

    Upper and lower case, composed and decomposed letters, and wide and narrow ones become one (Unicode's normalization
    form NFKC of the case-folded text). Spaces, invisible characters, zeros before a number, and a decimal point with
    nothing but zeros behind it are left out.

    >>> [plain_form(text) for text in ("P1", "p 1", "p01", "7.0", "007", "1.2.05")]
    ['p1', 'p1', 'p1', '7', '7', '1.2.05']
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", patient_id).casefold())
    visible = "".join(letter for letter in folded if unicodedata.category(letter) not in INVISIBLE)
    whole = re.sub(r"^([0-9]+)\.0*$", r"\1", visible)
    return re.sub(r"(?<![0-9.])0+(?=[0-9])", "", whole)


def warn_of_similar_patients(similar: pd.DataFrame, dataset: str, file: str | Path | None) -> None:
    """Log one warning with the number of groups of similar ids and with the first groups; nothing if there is none.

    similar: as `find_similar_patients` returns it. file: where all groups are listed; None where the ids must not be
    written anywhere, and then the warning says only their number.
    """
    if similar.empty:
        return
    warning = (
        f"dataset {dataset}: {len(similar)} patient ids differ from another id in their form only, as 7 and 007 do. "
        f"They may be {similar['group'].nunique()} patients. Different ids count as different patients, so images of "
        "one person can be in the index and among the queries. Write each patient's id in one form"
    )
    if file is None:
        log.warning("%s. The ids are not listed because of hash_patients", warning)
        return
    groups = similar.groupby("group")["escaped"].agg(", ".join)
    log.warning("%s. All are listed in %s:%s", warning, file, listing(groups))
