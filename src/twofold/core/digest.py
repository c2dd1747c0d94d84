"""Stable 8-byte digests of values and of rows; they never depend on process, platform or library version.

A digest is XXH64 (seed 0) of a value's stable text. Zero means "unknown", so a digest of zero becomes one.
`polars-hash` computes a million in 0.1 s; `xxh64` is the same function in plain Python, for where that
wheel does not install and for the test that holds both together.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import polars as pl

try:
    import polars_hash  # noqa: F401 - registers the expressions `nchash`

    _NATIVE = True
except ImportError:  # pragma: no cover - the wheel exists for all usual platforms
    _NATIVE = False

UNKNOWN = 0
NULL_TEXT = "\x00"
"""The stable text of a null; no text from a system can equal it, because connectors refuse NUL."""
WIDTH = 8

_MASK = (1 << 64) - 1
_P1, _P2, _P3, _P4, _P5 = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)


def xxh64(data: bytes) -> int:
    """XXH64 with seed 0, in plain Python."""
    if len(data) >= 32:
        accumulators, position = _stripes(data)
        digest = _merge(accumulators)
    else:
        digest, position = _P5, 0
    digest = (digest + len(data)) & _MASK
    return _avalanche(_tail(digest, data, position))


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(accumulator: int, lane: int) -> int:
    return (_rotate((accumulator + lane * _P2) & _MASK, 31) * _P1) & _MASK


def _stripes(data: bytes) -> tuple[list[int], int]:
    accumulators = [(_P1 + _P2) & _MASK, _P2, 0, (-_P1) & _MASK]
    end = len(data) - len(data) % 32
    for start in range(0, end, 32):
        lanes = struct.unpack_from("<4Q", data, start)
        accumulators = [_round(a, lane) for a, lane in zip(accumulators, lanes, strict=True)]
    return accumulators, end


def _merge(accumulators: Sequence[int]) -> int:
    rotations = (1, 7, 12, 18)
    digest = sum(_rotate(a, r) for a, r in zip(accumulators, rotations, strict=True)) & _MASK
    for accumulator in accumulators:
        digest = ((digest ^ _round(0, accumulator)) * _P1 + _P4) & _MASK
    return digest


def _tail(digest: int, data: bytes, position: int) -> int:
    while position + 8 <= len(data):
        (lane,) = struct.unpack_from("<Q", data, position)
        digest = (_rotate(digest ^ _round(0, lane), 27) * _P1 + _P4) & _MASK
        position += 8
    if position + 4 <= len(data):
        (half,) = struct.unpack_from("<I", data, position)
        digest = (_rotate(digest ^ (half * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        position += 4
    for byte in data[position:]:
        digest = (_rotate(digest ^ (byte * _P5 & _MASK), 11) * _P1) & _MASK
    return digest


def _avalanche(digest: int) -> int:
    digest = ((digest ^ (digest >> 33)) * _P2) & _MASK
    digest = ((digest ^ (digest >> 29)) * _P3) & _MASK
    return digest ^ (digest >> 32)


def _known(digest: int) -> int:
    return digest or 1


def text_digest(text: str | None) -> int:
    """The digest of one stable text; None is the digest of a null."""
    return _known(xxh64((NULL_TEXT if text is None else text).encode()))


def stable_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A text that is equal for equal values and never changes with a library's way of printing them."""
    if isinstance(dtype, pl.String):
        return value
    if isinstance(dtype, pl.Boolean):
        return value.cast(pl.Int8).cast(pl.String)
    if isinstance(dtype, pl.Float64):
        # IEEE bits; -0.0 is 0.0.
        return (value + 0.0).reinterpret(dtype=pl.Int64).cast(pl.String)
    if isinstance(dtype, (pl.Date, pl.Time, pl.Datetime)):
        return value.to_physical().cast(pl.String)
    if isinstance(dtype, pl.Binary):
        return value.bin.encode("hex")
    return value.cast(pl.String)


def digest(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The UInt64 digest of a column; a null has a digest of its own, never 0."""
    text = stable_text(value, dtype).fill_null(pl.lit(NULL_TEXT))
    hashed = _native(text) if _NATIVE else _plain(text)
    return pl.when(hashed == UNKNOWN).then(pl.lit(1, dtype=pl.UInt64)).otherwise(hashed)


def _plain(text: pl.Expr) -> pl.Expr:
    return text.map_elements(lambda t: xxh64(t.encode()), return_dtype=pl.UInt64)


def _native(text: pl.Expr) -> pl.Expr:
    found: pl.Expr = text.nchash.xxhash64()  # type: ignore[attr-defined]
    return found


def version_of(rows: pl.DataFrame, fields: Sequence[str]) -> pl.Series:
    """A version text for each row of a table that keeps none, of the values of `fields`, in that order."""
    digests = [digest(pl.col(name), rows.schema[name]).cast(pl.String) for name in fields]
    # A literal alone has one row; repeated, it has one per row.
    joined = pl.concat_str(digests, separator="|") if digests else pl.repeat("", pl.len(), dtype=pl.String)
    whole = digest(joined, pl.String())
    return rows.select(whole.cast(pl.String).alias("version")).to_series()


def pack(columns: Sequence[pl.Series], width: int) -> pl.Series:
    """Rows of UInt64 columns as Binary values of `width` little-endian words."""
    if not width:
        return pl.Series("base", [b""] * (len(columns[0]) if columns else 0), dtype=pl.Binary)
    height = len(columns[0])
    words = [word for row in zip(*columns, strict=True) for word in row]
    packed = struct.pack(f"<{height * width}Q", *words)
    step = width * WIDTH
    return pl.Series("base", [packed[i : i + step] for i in range(0, height * step, step)], dtype=pl.Binary)


def unpack(base: pl.Expr, slot: int) -> pl.Expr:
    """The word in `slot` of a base; `UNKNOWN` where the base is null or too short to have it."""
    word = base.bin.slice(slot * WIDTH, WIDTH).bin.reinterpret(dtype=pl.UInt64, endianness="little")
    return word.fill_null(UNKNOWN)
