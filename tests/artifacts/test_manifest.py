from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.artifacts.manifest import Entry, decode, encode
from dlkit.errors import DAMAGED, DlkitError

ENTRIES = [
    Entry("artifact.json", 78, hashlib.sha256(b"a").hexdigest()),
    Entry("figures/a.svg", 0, hashlib.sha256(b"").hexdigest()),
    Entry("词.txt", 2**40, hashlib.sha256(b"b").hexdigest()),
]
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
NAMES = st.text("abcdef词语-", min_size=1, max_size=20).filter(lambda name: name[0] != "-")


@given(st.dictionaries(NAMES, st.tuples(st.integers(0, 10**17), HASHES), max_size=8))
def test_what_is_encoded_is_decoded(files: dict[str, tuple[int, str]]) -> None:
    entries = {name: Entry(name, *rest) for name, rest in files.items()}
    assert decode(encode(entries.values()), where="MANIFEST") == entries


def test_the_form_is_fixed() -> None:
    assert encode([Entry("b", 3, "0" * 64), Entry("a", 0, "f" * 64)]) == (
        b"dlkit manifest 1\n" + b"f" * 64 + b" 0 a\n" + b"0" * 64 + b" 3 b\n"
    )


def refused(data: bytes) -> str:
    with pytest.raises(DlkitError) as caught:
        decode(data, where="X/MANIFEST")
    assert caught.value.code == DAMAGED
    assert caught.value.message.startswith("X/MANIFEST: ")
    return caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data + b"\n",
        lambda data: data[:-1],
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b" 78 ", b" 078 "),
        lambda data: data.replace(b" 78 ", b" +78 "),
        lambda data: data.replace(b" 78 ", b" -78 "),
        lambda data: data.replace(b" 78 ", b" 78  "),
        lambda data: data.replace(b" 78 ", " ٧٨ ".encode()),
        lambda data: data.replace(b" 78 ", b" " + b"9" * 5000 + b" "),
        lambda data: data.replace(b"ca978112", b"CA978112"),
        lambda data: data.replace(b"artifact.json", b"../artifact"),
        lambda data: data.replace(b"artifact.json", b"/etc/passwd"),
        lambda data: data.replace(b"figures/", b"other/"),
        lambda data: data.replace(b"artifact.json", b"MANIFEST"),
        lambda data: data.replace(b"artifact.json", b"arti\xffact.json"),
        lambda data: data + data.split(b"\n")[1] + b"\n",
        lambda data: b"\n".join(
            [*data.split(b"\n")[:1], *sorted(data.split(b"\n")[1:-1])[::-1], b""]
        ),
    ],
)
def test_any_other_spelling_is_refused(change) -> None:
    data = encode(ENTRIES)
    changed = change(data)
    assert changed != data
    refused(changed)


def test_a_newer_manifest_is_called_so() -> None:
    assert "newer dlkit" in refused(b"dlkit manifest 2\n")


def test_no_bit_can_change_unnoticed() -> None:
    data = encode(ENTRIES)
    before = decode(data, where="x")
    for position in range(len(data) * 8):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        with suppress(DlkitError):
            assert decode(bytes(changed), where="x") != before
