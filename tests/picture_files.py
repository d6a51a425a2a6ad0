"""PNG and TIFF files for tests, of kinds that Pillow cannot write."""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

DEFLATE = 8  # TIFF 6.0 supplement 2, tag Compression
SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}  # TIFF 6.0, tag SampleFormat, by numpy's kind


def write_png(
    path: Path, width: int, height: int, depth: int, color_type: int, rows: Iterable[bytes], transparent: bytes = b""
) -> Path:
    """Write a PNG of raw rows. transparent: the content of the chunk tRNS, if there is one. Returns the path."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows)))
    transparency = chunk(b"tRNS", transparent) if transparent else b""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + transparency + body + chunk(b"IEND", b""))
    return path


def write_deep_png(path: Path, samples: np.ndarray, transparent: bytes = b"") -> Path:
    """Write a PNG of 16 bits per sample: (h, w, channels) uint16, with 1 to 4 channels. Returns the path."""
    height, width, channels = samples.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = (row.astype(">u2").tobytes() for row in samples)
    return write_png(path, width, height, 16, color_type, rows, transparent)


def write_tiff(
    path: Path,
    samples: np.ndarray,
    photometric: int,
    order: str = "<",
    compressed: bool = False,
    tile: int = 0,
    in_planes: bool = False,
) -> Path:
    """Write a TIFF. Returns the path.

    samples: (h, w) or (h, w, 3) of any type of numbers; bool is packed into 1 bit. photometric: the tag
    PhotometricInterpretation. order: "<" or ">". compressed: by Deflate. tile: side of the tiles, a multiple of 16; 0
    writes one strip. in_planes: whether each channel is stored by itself.
    """
    samples = np.atleast_3d(samples)
    height, width, channels = samples.shape
    bits = 1 if samples.dtype == bool else samples.dtype.itemsize * 8
    planes = [samples[..., [channel]] for channel in range(channels)] if in_planes else [samples]
    blocks = [_encode(block, order, compressed) for plane in planes for block in _blocks(plane, tile)]
    ends = 8 + np.cumsum([len(block) for block in blocks])
    sizes = [len(block) for block in blocks]
    tags = {
        256: [width],
        257: [height],
        258: [bits] * channels,
        259: [DEFLATE if compressed else 1],
        262: [photometric],
        277: [channels],
        284: [2 if in_planes else 1],
        339: [SAMPLE_FORMATS.get(samples.dtype.kind, 1)] * channels,
    }
    offsets = [int(end) - size for end, size in zip(ends, sizes, strict=True)]
    tags |= {322: [tile], 323: [tile], 324: offsets, 325: sizes} if tile else {273: offsets, 278: [height], 279: sizes}
    place = int(ends[-1]) + int(ends[-1]) % 2
    entries, extra = b"", b""
    for tag, values in sorted(tags.items()):
        value = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            where = place + 2 + 12 * len(tags) + 4 + len(extra)
            extra, value = extra + value, struct.pack(f"{order}I", where)
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + value  # 4: unsigned 32-bit numbers
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", place)
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + extra
    path.write_bytes((start + b"".join(blocks)).ljust(place, b"\0") + directory)
    return path


def _blocks(plane: np.ndarray, tile: int) -> list[np.ndarray]:
    if not tile:
        return [plane]
    height, width = plane.shape[:2]
    padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
    return [
        padded[top : top + tile, left : left + tile] for top in range(0, height, tile) for left in range(0, width, tile)
    ]


def _encode(block: np.ndarray, order: str, compressed: bool) -> bytes:
    if block.dtype == bool:
        content = np.packbits(block[..., 0], axis=1).tobytes()
    else:
        content = block.astype(block.dtype.newbyteorder(order)).tobytes()
    return zlib.compress(content) if compressed else content
