"""What encoding a corpus tells: its progress, what it found and did, and why it cannot go on."""

from __future__ import annotations

import gzip
import io
import re
import resource

import pytest

from dlkit.data.config import TextConfig
from dlkit.data.corpus import encode
from dlkit.data.sources import locate
from dlkit.errors import DlkitError
from dlkit.records import Noted, Step


def test_a_full_disk_is_an_error_that_names_the_folder(helpers, tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"a b c\n" * 100_000)
    passes = {
        "ids.spool": (
            "counting words (pass 1 of 2)",
            "1 takes 4 bytes a word, and pass 2 as much again",
        ),
        "ids.bin": ("encoding words (pass 2 of 2)", "2 takes up to 4 bytes a word"),
    }
    for name, (task, hint) in passes.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).symlink_to("/dev/full")
        with pytest.raises(DlkitError) as caught:
            helpers.encoded(path, folder=folder)
        message, facts = caught.value.message.split(": No space left on device: ")
        assert message == f"cannot write to {folder} while {task}"
        # Pass 1 wrote nothing to reckon from; pass 2 writes 4 bytes for each word and line end.
        known = r"0 bytes" if "1 of" in task else r"about 1,600,000 bytes needed, 0 bytes"
        assert re.fullmatch(known + r" written, [\d,]+ bytes free", facts)
        assert caught.value.hint == f"free some space there: pass {hint}"


def test_a_limit_on_file_sizes_is_an_error_with_the_bytes_needed(helpers, tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"a b c\n" * 350_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, before[1]))
    try:
        with pytest.raises(DlkitError, match=r"File too large: about .* needed") as caught:
            helpers.encoded(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    needed = re.search(r"about ([\d,]+) bytes", caught.value.message)[1].replace(",", "")
    assert int(needed) == pytest.approx(4 * 4 * 350_000, rel=0.15)
    assert caught.value.hint == "raise the limit: ulimit -f"


def test_a_folder_that_fails_for_another_reason_is_not_called_full(helpers, tmp_path):
    (tmp_path / "ids.spool").symlink_to("nowhere/ids.spool")
    with pytest.raises(DlkitError, match=r"\(pass 1 of 2\): No such file or directory$") as caught:
        helpers.encoded(stdin=b"a b c", folder=tmp_path)
    assert caught.value.hint == ""


def test_progress_counts_bytes_on_disk_and_words(helpers, tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"a b c\n" * 1000))
    _, _, records = helpers.encoded(path)
    last = [record for record in records if isinstance(record, Step)][-1]
    assert (last.phase, last.unit, last.facts) == ("reading", "bytes", {"words": 3000.0})
    assert last.done == last.total == path.stat().st_size
    _, _, records = helpers.encoded(stdin=b"a b")
    last = [record for record in records if isinstance(record, Step)][-1]
    assert (last.done, last.total) == (3, None)


def test_what_was_removed_or_replaced_is_counted_and_said(helpers):
    text = "\ufeffa\u200eb \ufeff c\0d \u202e\n".encode() + b"e\x80f \xc3"
    corpus, _, records = helpers.encoded(stdin=text, encoding_errors="replace")
    assert set(corpus.vocabulary.words) == {"ab", "c", "d", "e\ufffdf", "\ufffd"}
    told = helpers.said(records)
    assert "3 bidirectional controls and byte order marks removed" in told
    assert "1 NUL byte in the text; is it text? It separates words" in told
    assert "2 invalid UTF-8 sequences replaced" in told


def test_clean_text_gives_no_notes(helpers):
    _, _, records = helpers.encoded(stdin="\ufeffplain 饭\r\n".encode())
    assert helpers.said(records) == ""


def test_dropped_words_are_counted_and_said(helpers):
    _, _, records = helpers.encoded(stdin=b"a a a b", min_count=2)
    assert "1 word kept, 1 rarer one dropped (25.00 % of the text)" in helpers.said(records)


def test_counts_of_one_are_singular_and_others_plural(helpers):
    told = {
        number: helpers.said(
            helpers.encoded(stdin=b"a \xe2\x80\x8e\0 \x80b " * number, encoding_errors="replace")[2]
        )
        for number in (1, 2000)
    }
    assert told[1].splitlines() == [
        "1 bidirectional control or byte order mark removed",
        "1 NUL byte in the text; is it text? It separates words",
        "1 invalid UTF-8 sequence replaced by U+FFFD",
    ]
    assert told[2000].splitlines() == [
        "2,000 bidirectional controls and byte order marks removed",
        "2,000 NUL bytes in the text; is it text? They separate words",
        "2,000 invalid UTF-8 sequences replaced by U+FFFD",
    ]


def test_rows_without_text_are_counted_and_said(helpers, tmp_path):
    (tmp_path / "t.csv").write_text("text,n\na b,1\n,2\n")
    corpus, _, records = helpers.encoded(tmp_path / "t.csv")
    assert corpus.raw_words == 2
    assert "1 row without text skipped" in helpers.said(records)


def test_json_lines_on_standard_input_are_refused(helpers, tmp_path):
    data = b'{"text": "a b"}\n' * 9
    with pytest.raises(DlkitError, match="standard input looks like JSON lines") as caught:
        helpers.encoded(stdin=data)
    assert "jq -r .text" in caught.value.hint
    (tmp_path / "t.jsonl").write_bytes(data)
    assert helpers.encoded(tmp_path / "t.jsonl")[0].vocabulary.words == ["a", "b"]


def test_sources_that_were_located_before_are_encoded_and_their_notes_said(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.txt").write_text("a b")
    stdin = io.BytesIO(b"c\n")
    config = TextConfig(min_count=1)
    sources = locate([str(tmp_path / "d"), "-"], config, stdin=stdin)
    assert stdin.tell() == 0
    work = encode(sources, config, folder=tmp_path, stdin=stdin)
    records = []
    while True:
        try:
            records.append(next(work))
        except StopIteration as stop:
            corpus = stop.value
            break
    assert sorted(corpus.vocabulary.words) == ["a", "b", "c"]
    assert corpus.sources == (str(tmp_path / "d"), "-")
    assert Noted(f"{tmp_path / 'd'}: 1 file to read") in records
    with pytest.raises(DlkitError, match="there is no standard input to read"):
        list(encode(sources, config, folder=tmp_path))
