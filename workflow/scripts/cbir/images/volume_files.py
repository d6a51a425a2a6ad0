"""NIfTI and Analyze files: which files they are, and how they are opened."""

import gzip
import logging
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import nibabel
from nibabel.analyze import AnalyzeImage

from cbir.errors import InputError
from cbir.images.file_states import pair_files

logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # nibabel repairs odd headers or raises an error

NIFTI_1 = b"n+1\0"
NIFTI_2 = b"n+2\0"
GZIP = b"\x1f\x8b"
SIGNATURE_END = 1024  # number of bytes at the start of a file, also gzipped, that tell whether it is NIfTI
PAIRS = (nibabel.Nifti1Pair, nibabel.Nifti2Pair, nibabel.Spm2AnalyzeImage)  # the last reads Analyze 7.5 of any kind


def is_nifti(start: bytes) -> bool:
    """Whether a file with these first SIGNATURE_END bytes is a single-file NIfTI-1 or NIfTI-2, also if gzipped."""
    start = _uncompressed(start)
    return start[344:348] == NIFTI_1 or start[4:8] == NIFTI_2


def is_pair(path: str | Path) -> bool:
    """Whether a file is the header or the voxels of a pair: NIfTI-1, NIfTI-2 or Analyze 7.5, also if gzipped.

    The two files of a pair have the same name, with .hdr and .img at its end. The content of the header decides.
    """
    pair = pair_files(path)
    return bool(pair) and pair[0].is_file() and _pair_kind(pair[0]) is not None


@contextmanager
def open_volume(path: str | Path) -> Iterator[AnalyzeImage]:
    """Open a NIfTI or Analyze file. Only the header is read.

    The content of a single file decides, where nibabel alone would decide by its name. Raises InputError if it is
    neither NIfTI nor one of a pair, and if the voxels of a pair are missing.
    """
    with ExitStack() as files:
        file = files.enter_context(Path(path).open("rb"))
        start = file.read(SIGNATURE_END)
        file.seek(0)
        if is_nifti(start):
            kind = nibabel.Nifti2Image if _uncompressed(start)[4:8] == NIFTI_2 else nibabel.Nifti1Image
            yield kind.from_stream(files.enter_context(gzip.open(file)) if start.startswith(GZIP) else file)
            return
        if not is_pair(path):
            raise InputError("not NIfTI")
        header, voxels = pair_files(path)
        if not voxels.is_file():
            raise InputError(f"no {voxels.name} beside it; put both files of the pair in one folder")
        image = _pair_kind(header).from_filename(header)
        if voxels.suffix == ".gz":
            image.file_map["image"].fileobj = files.enter_context(gzip.open(voxels))
            image = image.from_file_map(image.file_map)
        yield image


def _pair_kind(header: Path) -> type[AnalyzeImage] | None:
    """nibabel's class for the pair of this header; None if the file is no header of a pair."""
    with header.open("rb") as file:
        start = file.read(SIGNATURE_END)
    if is_nifti(start):
        return None
    start = _uncompressed(start)
    return next((kind for kind in PAIRS if kind.header_class.may_contain_header(start)), None)


def _uncompressed(start: bytes) -> bytes:
    if not start.startswith(GZIP):
        return start
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(start)  # 16: gzip
    except zlib.error:
        return b""
