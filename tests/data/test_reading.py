"""Every kind of file and stream gives its text, once, in bounded memory, or a clean error."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import threading
import time
import tracemalloc
from collections import deque

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data import decode, raw
from dlkit.data.config import TextConfig
from dlkit.data.reading import Reading, read
from dlkit.data.sources import locate
from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned


def zstd(data: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


def text_of(*inputs, stdin=None, stopping=lambda: None, **settings):
    config = TextConfig(**settings)
    stdin = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
    reading = Reading(stopping=stopping)
    text, records = "", []
    for source in locate([str(each) for each in inputs] or ["-"], config, stdin=stdin):
        for part in read(source, config, reading, stdin=stdin):
            if isinstance(part, str):
                text += part
            else:
                records.append(part)
    return text, records, reading


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_are_read_as_what_they_hold(tmp_path, suffix):
    text = "".join(f"饭 {number}\n" for number in range(100_000))
    path = tmp_path / f"a.txt.{suffix}"
    path.write_bytes(PACKERS[suffix](text.encode()))
    found, records, reading = text_of(path)
    assert found == text
    assert records == []
    assert reading.meter.done == path.stat().st_size


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("place", ["file", "stdin"])
def test_compressed_data_without_the_suffix_are_decompressed_and_said(tmp_path, suffix, place):
    path = tmp_path / "a.txt"
    path.write_bytes(PACKERS[suffix]("饭\n".encode()))
    with path.open("rb") as stdin:
        found, records, _ = text_of(path) if place == "file" else text_of(stdin=stdin)
    assert found == "饭\n"
    assert len(records) == 1
    assert isinstance(records[0], Noted)
    assert "it is decompressed" in records[0].text


@pytest.mark.parametrize("suffix", PACKERS)
def test_joined_archives_are_read_to_the_end(tmp_path, suffix):
    path = tmp_path / f"a.txt.{suffix}"
    path.write_bytes(PACKERS[suffix](b"a\n") + PACKERS[suffix](b"b\n"))
    assert text_of(path)[0] == "a\nb\n"


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_truncated_or_damaged_archive_is_an_error(tmp_path, suffix):
    data = PACKERS[suffix](os.urandom(3000).hex().encode())
    path = tmp_path / f"a.txt.{suffix}"
    for cut in (len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(DlkitError, match=rf"a.txt.{suffix}: the .* data are damaged after"):
            text_of(path)
    if suffix == "zst":
        return  # pyarrow writes no checksum into its frames
    path.write_bytes(data[:60] + bytes(40) + data[100:])
    with pytest.raises(DlkitError, match="damaged"):
        text_of(path)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst"])
def test_a_bomb_is_given_up_early_in_constant_memory(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(decode, "_BOMB_SIZE", 1_000_000)
    path = tmp_path / f"a.txt.{suffix}"
    path.write_bytes(PACKERS[suffix](b" " * 300_000_000 if suffix == "zst" else b" " * 50_000_000))
    tracemalloc.start()
    (source,) = locate([str(path)], TextConfig())
    with pytest.raises(DlkitError, match=r"grows more than 200 times .* [0-9,]+ bytes from"):
        deque(read(source, TextConfig(), Reading()), maxlen=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_well_compressed_text_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "_BOMB_SIZE", 100_000)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"".join(b"%d line\n" % number for number in range(100_000))))
    assert len(text_of(path)[0]) > 1_000_000


INVALID = [
    (b"ab\x80c", 2, "0x80"),  # a continuation byte alone
    (b"\xc0\xaf", 0, "0xc0"),  # overlong
    (b"a\xe0\x80\x80", 1, "0xe0"),  # overlong
    (b"a\xed\xa0\x80", 1, "0xed"),  # surrogate
    (b"a\xf4\x90\x80\x80", 1, "0xf4"),  # beyond U+10FFFF
    (b"a\xff", 1, "0xff"),
    ("a饭".encode()[:-1], 1, "0xe9"),  # cut off
]


@pytest.mark.parametrize(("data", "place", "byte"), INVALID)
@pytest.mark.parametrize("before", [0, raw.CHUNK - 2, raw.CHUNK - 1, raw.CHUNK, 3 * raw.CHUNK - 1])
def test_invalid_utf8_is_an_error_that_names_file_and_byte(tmp_path, data, place, byte, before):
    path = tmp_path / "a.txt"
    path.write_bytes(b" " * before + data)
    with pytest.raises(DlkitError) as caught:
        text_of(path)
    assert str(caught.value) == f"{path}: byte {before + place:,} ({byte}) is not valid UTF-8"
    assert "--encoding-errors replace" in caught.value.hint


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60).map(lambda data: data.replace(b"\x1f\x8b", b"")))
def test_replacing_invalid_bytes_gives_what_python_gives_and_counts_them(data):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:1] == b"(":
        return
    try:
        found, _, reading = text_of(stdin=data, encoding_errors="replace")
    except DlkitError:
        return
    expected = data.decode("utf-8", "replace")
    assert found == expected
    assert reading.tally["replaced"] == expected.count("\ufffd") - data.count(b"\xef\xbf\xbd")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["", "-le", "-be"])
def test_wide_text_is_refused_with_the_encoding_to_give(encoding, order):
    text = "饭 a\n"
    data = ("\ufeff" + text).encode(encoding + order) if order else text.encode(encoding)
    with pytest.raises(DlkitError, match=f"is {encoding.upper()} text") as caught:
        text_of(stdin=data)
    assert caught.value.hint == f"--encoding {encoding}"
    assert text_of(stdin=data, encoding=encoding)[0] == text


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16-le", "shift_jis", "utf-7"])
def test_other_encodings_work_across_chunks(encoding, monkeypatch):
    text = "米中人大 a\n" * 40
    monkeypatch.setattr(decode, "CHUNK", 3)
    assert text_of(stdin=text.encode(encoding), encoding=encoding)[0] == text


def test_a_growing_or_shrinking_file_is_warned_of(tmp_path):
    path = tmp_path / "a.txt"
    for change in (lambda: path.write_text("x\n" * 900_000), lambda: os.truncate(path, 10)):
        path.write_text("a b\n" * 300_000)
        config = TextConfig()
        (source,) = locate([str(path)], config)
        parts = read(source, config, Reading())
        next(parts)
        change()
        records = [part for part in parts if not isinstance(part, str)]
        assert [type(record) for record in records] == [Warned]
        assert "was written to while it was read" in records[0].text


def test_a_pipe_is_read_to_its_end(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    text = "饭 a\n" * 200_000

    def write():
        time.sleep(0.2)  # the writer comes late, writes, pauses and goes on
        with path.open("wb") as file:
            file.write(text.encode()[:5000])
            file.flush()
            time.sleep(0.3)
            file.write(text.encode()[5000:])

    thread = threading.Thread(target=write)
    thread.start()
    found, _, _ = text_of(path)
    thread.join()
    assert found == text


def test_a_compressed_pipe_is_recognised(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(gzip.compress(b"a b\n")))
    thread.start()
    assert text_of(path)[0] == "a b\n"
    thread.join()


def test_a_pipe_without_a_writer_does_not_hang(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "_PATIENCE", 0.3)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(DlkitError, match=r"nothing writes into the named pipe .*/pipe"):
        text_of(path)


def test_waiting_for_standard_input_can_be_stopped():
    class StopError(Exception):
        pass

    def stopping():
        if time.monotonic() - started > 0.3:
            raise StopError

    with subprocess.Popen(["sleep", "30"], stdout=subprocess.PIPE) as silent:
        started = time.monotonic()
        with pytest.raises(StopError):
            text_of(stdin=silent.stdout, stopping=stopping)
        silent.kill()
    assert time.monotonic() - started < 2


def test_process_substitution_is_read():
    read_end, write_end = os.pipe()
    os.write(write_end, b"a b\n")
    os.close(write_end)
    try:
        assert text_of(f"/dev/fd/{read_end}")[0] == "a b\n"
    finally:
        os.close(read_end)


def test_nothing_stays_open(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"a\n" * 500_000))
    before = len(os.listdir("/dev/fd"))
    (source,) = locate([str(path)], TextConfig())
    parts = read(source, TextConfig(), Reading())
    next(parts)
    parts.close()
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DlkitError):
        text_of(path)
    assert len(os.listdir("/dev/fd")) == before
