from __future__ import annotations

import io
import json
import os
import pickle
import resource
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from dlkit.artifacts.folders import foreign
from dlkit.artifacts.tensors import check_finite, read_tensors, write_tensors
from dlkit.errors import DAMAGED, DlkitError

DTYPES = ["?", "u1", "i1", "<u2", "<i2", "<f2", "<u4", "<i4", "<f4", "<u8", "<i8", "<f8"]
TENSORS = st.dictionaries(
    st.text(min_size=1, max_size=20).filter(
        lambda name: name.isprintable() and name != "__metadata__"
    ),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays_of.arrays(
            dtype, arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
        )
    ),
    max_size=6,
)


def written(tensors: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    write_tensors(tensors)(stream)
    return stream.getvalue()


def same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> bool:
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype
        and left[name].shape == right[name].shape
        and left[name].tobytes() == right[name].tobytes()
        for name in left
    )


@settings(max_examples=60)
@given(TENSORS)
def test_the_safetensors_library_reads_what_is_written(tensors: dict[str, np.ndarray]) -> None:
    assert same(safetensors.numpy.load(written(tensors)), tensors)


@settings(max_examples=60)
@given(TENSORS)
def test_what_the_safetensors_library_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, np.ndarray]
) -> None:
    path = tmp_path_factory.getbasetemp() / "library.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"format": "np"}))
    assert same(read_tensors(path), tensors)


@settings(max_examples=60)
@given(TENSORS)
def test_a_round_trip_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, np.ndarray]
) -> None:
    path = tmp_path_factory.getbasetemp() / "own.safetensors"
    path.write_bytes(written(tensors))
    assert same(read_tensors(path), tensors)
    assert written(dict(reversed(tensors.items()))) == path.read_bytes()


def test_data_begin_at_a_cache_line_and_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(
        written(
            {
                "norms": np.ones(7, np.float32),
                "vectors": np.ones((7, 16), np.float32),
                "a": np.ones(3, np.uint8),
                "b": np.ones(3, np.float64),
            }
        )
    )
    tensors = read_tensors(path)
    assert tensors["vectors"].ctypes.data % 64 == 0
    for array in tensors.values():
        assert array.ctypes.data % array.itemsize == 0
        assert not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        tensors["norms"][0] = 2


def test_arrays_in_other_orders_are_written_by_value() -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    odd = {"t": base.T, "s": base[::2, ::-1], "big": base.astype(">f4")}
    read = safetensors.numpy.load(written(odd))
    for name in odd:
        np.testing.assert_array_equal(read[name], odd[name])


def file_of(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(shape: object, begin: object, end: object, dtype: object = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weights": [1.0] * 50}))
    return stream.getvalue()


MAX = 2**63 - 1
ATTACKS = {
    "empty file": (b"", "too few"),
    "seven bytes": (b"\x02\0\0\0\0\0\0", "too few"),
    "header length 0": (file_of(b""), "not a JSON object"),
    "header length 1": (file_of(b"{"), "not a JSON object"),
    "header length 2^63": (file_of(b"{}", length=2**63), "a header of"),
    "header length 2^64-1": (file_of(b"{}", length=2**64 - 1), "a header of"),
    "header longer than the file": (file_of(b"{}", length=3), "a header of"),
    "header not UTF-8": (file_of(b'{"\xff": 1}'), "not JSON"),
    "header not JSON": (file_of(b"{" + b"x" * 20), "not JSON"),
    "header a list": (file_of(b"[1, 2]"), "not a JSON object"),
    "header begins with a space": (file_of(b" {}"), "not a JSON object"),
    "header ends with a tab": (file_of(b"{}\t\t\x0b"), "not JSON"),
    "deep nesting": (file_of(b'{"a":' + b"[" * 30000 + b"]" * 30000 + b"}"), "not JSON"),
    "duplicate names": (
        file_of(
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
            b"x",
        ),
        "twice",
    ),
    "duplicate keys": (
        file_of(b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"),
        "twice",
    ),
    "metadata of numbers": (file_of({"__metadata__": {"a": 1}}), "__metadata__"),
    "metadata a list": (file_of({"__metadata__": []}), "__metadata__"),
    "overlap": (file_of({"a": tensor([2], 0, 2), "b": tensor([2], 1, 3)}, b"xyz"), "overlap"),
    "the same bytes twice": (
        file_of({"a": tensor([2], 0, 2), "b": tensor([2], 0, 2)}, b"xy"),
        "overlap",
    ),
    "hole": (file_of({"a": tensor([1], 0, 1), "b": tensor([1], 2, 3)}, b"xyz"), "hole"),
    "hole at the start": (file_of({"a": tensor([1], 1, 2)}, b"xy"), "hole"),
    "trailing bytes": (file_of({"a": tensor([1], 0, 1)}, b"xy"), "accounts for 1"),
    "missing bytes": (file_of({"a": tensor([2], 0, 2)}, b"x"), "accounts for 2"),
    "no tensors but data": (file_of({}, b"x"), "accounts for 0"),
    "reversed offsets": (file_of({"a": tensor([1], 1, 0)}, b"x"), "begin and an end"),
    "negative offsets": (file_of({"a": tensor([1], -1, 0)}, b"x"), "begin and an end"),
    "float offsets": (file_of({"a": tensor([1], 0.0, 1.0)}, b"x"), "begin and an end"),
    "offsets beyond 64 bits": (file_of({"a": tensor([1], 0, 2**64)}, b"x"), "begin and an end"),
    "three offsets": (
        file_of({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1, 2]}}, b"x"),
        "begin and an end",
    ),
    "boolean shape": (file_of({"a": tensor([True], 0, 1)}, b"x"), "shape"),
    "negative shape": (file_of({"a": tensor([-1, -1], 0, 1)}, b"x"), "shape"),
    "shape a number": (file_of({"a": tensor(1, 0, 1)}, b"x"), "shape"),
    "65 axes": (file_of({"a": tensor([1] * 65, 0, 1)}, b"x"), "shape"),
    "shape too large": (file_of({"a": tensor([2], 0, 1)}, b"x"), "do not fit"),
    "shape product 2^64": (file_of({"a": tensor([2**32, 2**32], 0, 0)}), "overflows"),
    "shape product 2^64 + 1": (
        file_of({"a": tensor([274177, 67280421310721], 0, 1)}, b"x"),
        "overflows",
    ),
    "empty with a huge axis": (file_of({"a": tensor([0, MAX], 0, 0, "F32")}), "overflows"),
    "empty with huge axes": (file_of({"a": tensor([0, MAX, MAX], 0, 0)}), "overflows"),
    "unknown dtype": (file_of({"a": tensor([1], 0, 1, "F12")}, b"x"), "unknown dtype"),
    "dtype a list": (file_of({"a": tensor([1], 0, 1, ["U8"])}, b"x"), "unknown dtype"),
    "bfloat16": (file_of({"a": tensor([1], 0, 2, "BF16")}, b"xy"), "unknown dtype"),
    "extra key": (file_of({"a": tensor([1], 0, 1) | {"x": 1}}, b"x"), "described by"),
    "missing key": (file_of({"a": {"dtype": "U8", "shape": [1]}}, b"x"), "described by"),
    "tensor a list": (file_of({"a": []}), "described by"),
    "empty name": (file_of({"": tensor([0], 0, 0)}), "name"),
    "a name of 1 MB": (file_of({"n" * 1_000_000: tensor([0], 0, 0)}), "name of 1,000,000"),
    "10,001 tensors": (
        file_of({f"{i}": tensor([0], 0, 0) for i in range(10_001)}),
        "10,000 tensors",
    ),
    "a number of 5,000 digits": (
        file_of(b'{"a":{"dtype":"U8","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,1]}}', b"x"),
        "",
    ),
    "pickle": (pickle.dumps({"weights": [1.0] * 50}), "never reads pickles"),
    "pickle of protocol 2": (pickle.dumps({"weights": [1.0] * 50}, 2), "never reads pickles"),
    "zip of torch.save": (zipped(), "never reads pickles"),
    "git-LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
        "git-LFS",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_file_is_refused_with_its_reason(attack: str, tmp_path: Path) -> None:
    data, reason = ATTACKS[attack]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    with pytest.raises(DlkitError) as caught:
        read_tensors(path)
    assert caught.value.code == DAMAGED
    assert caught.value.message.startswith(f"{path}: ")
    assert reason in caught.value.message
    assert len(caught.value.message) < 500
    if "LFS" in reason:
        assert caught.value.hint == "git lfs pull"


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":[' + b"{}," * 300_000 + b"{}]}",
        b'{"a":[' + b"[]," * 300_000 + b"[]]}",
        b'{"a":[' + b"123456," * 200_000 + b"1]}",
        b"{" + b",".join(b'"%d":{}' % i for i in range(300_000)) + b"}",
    ],
    ids=["objects", "lists", "numbers", "a million tensors"],
)
def test_memory_for_a_hostile_header_stays_near_its_length(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(file_of(text))
    tracemalloc.start()
    try:
        with pytest.raises(DlkitError):
            read_tensors(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(text) + 40_000_000
    finally:
        tracemalloc.stop()


def test_a_claimed_size_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(file_of({"a": tensor([2**40], 0, 2**40)}, b"x" * 100))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DlkitError, match="accounts for"):
        read_tensors(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = written({"a": np.arange(6, dtype=np.float32), "b": np.arange(3, dtype=np.int8)})
    path = tmp_path / "weights.safetensors"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(DlkitError) as caught:
            read_tensors(path)
        assert caught.value.code == DAMAGED


@settings(max_examples=300)
@given(st.data())
def test_mutated_headers_are_read_or_refused_cleanly(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(written({"a": np.arange(6, dtype=np.float32), "b": np.zeros((2, 0))}))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, min(150, len(raw) - 1)))
        raw[position] = data.draw(st.integers(0, 255) | st.sampled_from(b'0123456789[]{}",:- '))
    path = tmp_path_factory.getbasetemp() / "mutated.safetensors"
    path.write_bytes(raw)
    with suppress(DlkitError):
        assert sum(array.nbytes for array in read_tensors(path).values()) == 24


def test_a_header_that_begins_like_a_pickle_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    text = json.dumps({"a": tensor([1], 0, 1)}).encode().ljust(0x280)
    path.write_bytes(file_of(text, b"x"))
    assert path.read_bytes()[:2] == b"\x80\x02"
    assert read_tensors(path)["a"].tolist() == [ord("x")]
    assert foreign(path.read_bytes()[:64]) == ("", "")


def test_links_pipes_and_missing_files_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "real.safetensors"
    target.write_bytes(written({"a": np.ones(1)}))
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing", "."):
        with pytest.raises(DlkitError) as caught:
            read_tensors(tmp_path / name)
        assert caught.value.code == DAMAGED


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_flagged(value: float) -> None:
    weights = np.zeros((3, 4), np.float32)
    check_finite({"w": weights, "labels": np.arange(3)}, where=Path("x"))
    weights[2, 1] = value
    with pytest.raises(DlkitError, match=r"x: w\[2, 1\] is NaN or infinite") as caught:
        check_finite({"w": weights}, where=Path("x"))
    assert caught.value.code == DAMAGED
