"""The encoded corpus equals what a slow reader, character by character, makes of the same text."""

from __future__ import annotations

import gzip
import hashlib
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dlkit.data import lines as lines_module
from dlkit.data import raw
from dlkit.data.config import TextConfig
from dlkit.data.corpus import encode
from dlkit.errors import DlkitError

# What makes words, ends lines, separates, vanishes, composes, folds.
ALPHABET = st.sampled_from(
    list("aAbéÉ́̈İΣς饭食가각ᄀ") + list("  \t\n\n\r") + list("\x00\x0b\x1c\x1f\x7f\x85\x9f\xa0")
    + list("\u1680\u2003\u200b\u2028\u2029\u202f\u3000\ufeff\u200e\u202e\u2066\u200d\ufe0f😀👍🏽")
    + list(".,-_'!$…。「")
) | st.characters(codec="utf-8")  # fmt: skip
COMPOSING = st.sampled_from(
    [
        "e\u0301",
        "o\u0308\u0323",
        "H\u0331",
        "\u1100\u1161\u11a8",
        "\uac00\u11a8",
        "\u212b",
        "\uf900",
    ]
)
TEXTS = st.lists(ALPHABET | COMPOSING, max_size=80).map("".join)


def check(helpers, corpus, ids, text, **options):
    lines = helpers.lines_of(
        text,
        lowercase=options.get("lowercase", False),
        drop_punctuation=options.get("drop_punctuation", False),
    )
    words, counts, train, held, digest = helpers.oracle(
        lines, min_count=options.get("min_count", 1), max_vocab=options.get("max_vocab")
    )
    assert corpus.vocabulary.words == words
    assert corpus.vocabulary.counts.tolist() == counts
    assert ids.tolist() == train
    assert corpus.held_out.tolist() == held
    assert corpus.ids_sha256 == digest
    assert corpus.lines == len(lines)
    assert corpus.raw_words == sum(map(len, lines))
    assert corpus.words == sum(1 for each in train if each >= 0)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_any_text_in_any_chunks_equals_the_oracle(helpers, text, lowercase, drop, seed):
    options = {"lowercase": lowercase, "drop_punctuation": drop}
    stdin = helpers.Dribble(text.encode(), seed)
    if helpers.lines_of(text, **options):
        corpus, ids, _ = helpers.encoded(stdin=stdin, **options)
        check(helpers, corpus, ids, text, **options)
    else:
        with pytest.raises(DlkitError, match=r"^no words in standard input$"):
            helpers.encoded(stdin=stdin, **options)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "bb", "é", "饭", "c,", "\n", "\r\n", "\u2028"]), max_size=120),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_rare_words_and_a_vocabulary_limit_equal_the_oracle(helpers, parts, min_count, limit):
    text = " ".join(parts)
    options = {"min_count": min_count, "max_vocab": limit}
    words = [word for line in helpers.lines_of(text) for word in line]
    if words and max(map(words.count, words)) >= min_count:
        corpus, ids, _ = helpers.encoded(stdin=text.encode(), **options)
        check(helpers, corpus, ids, text, **options)
    else:
        with pytest.raises(DlkitError, match="no word occurs" if words else "no words in"):
            helpers.encoded(stdin=text.encode(), **options)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["ab", "é", "饭饭", "x"]), min_size=1), st.integers(8, 20))
def test_cutting_a_long_line_changes_nothing(helpers, words, longest):
    text = " ".join(words)
    with mock.patch.object(lines_module, "LONGEST_PIECE", longest):
        corpus, ids, _ = helpers.encoded(stdin=text.encode())
    check(helpers, corpus, ids, text)


@example(["\u1100\u1161\u11a8", "🇨🇳", "🇨🇳", "🇨🇳"], 8)
@example(["🇨🇳"] * 9, 8)
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "我",
                "a",
                "。",
                "e\u0301",
                "。\ufe01",
                "\u1100\u1161\u11a8",
                "👩\u200d🚀",
                "👍🏽",
                "🇨🇳",
                " ",
            ]
        ),
        min_size=1,
    ),
    st.integers(8, 14),
)
def test_a_long_line_is_never_cut_within_a_character(helpers, parts, longest):
    text = "我" + "".join(parts)
    uncut = helpers.encoded(stdin=text.encode(), tokens="char")[0]
    with mock.patch.object(lines_module, "LONGEST_PIECE", longest):
        cut = helpers.encoded(stdin=text.encode(), tokens="char")[0]
    assert cut.vocabulary.words == uncut.vocabulary.words
    assert cut.ids_sha256 == uncut.ids_sha256


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.sampled_from("我在北京吃饭很好。，！ a1é́が゙😀\ufe0f"), min_size=1),
    st.integers(4, 12),
    st.integers(0, 2**32),
    st.sampled_from(["char", "zh"]),
)
def test_where_a_long_line_is_cut_does_not_depend_on_the_chunks(
    helpers, text, longest, seed, tokens
):
    text = "好" + text  # so that there is a word
    with mock.patch.object(lines_module, "LONGEST_PIECE", longest):
        whole = helpers.encoded(stdin=text.encode(), tokens=tokens)[0]
        dribbled = helpers.encoded(stdin=helpers.Dribble(text.encode(), seed), tokens=tokens)[0]
    assert whole.ids_sha256 == dribbled.ids_sha256
    assert whole.vocabulary.words == dribbled.vocabulary.words


@pytest.mark.parametrize("blocks", [49, 50, 51, 199, 249, 250, 251])
def test_held_out_blocks_equal_the_oracle(helpers, blocks):
    random = np.random.default_rng(blocks)
    words = [f"w{number}" for number in random.integers(0, 50, blocks * 512 + 100)]
    text = "".join(word + random.choice([" ", " ", " ", "\n"]) for word in words)
    corpus, ids, _ = helpers.encoded(stdin=text.encode())
    check(helpers, corpus, ids, text)
    assert int(np.count_nonzero(corpus.held_out >= 0)) == 512 * (
        0 if blocks < 50 else 1 + (blocks > 249)
    )


def test_nothing_is_held_out_where_it_is_not_wanted(helpers):
    text = ("a b c d\n" * 10_000).encode()
    assert len(helpers.encoded(stdin=text)[0].held_out) > 500
    corpus, ids, _ = helpers.encoded(stdin=text, held_out=False)
    assert len(corpus.held_out) == 0
    assert len(ids) == 50_000
    assert corpus.words == 40_000


def test_the_same_text_gives_the_same_ids_from_file_archive_pipe_and_halves(helpers, tmp_path):
    text = "".join(f"w{number % 977} x{number % 13}\n" for number in range(100_000)).encode()
    assert len(text) > 2 * raw.CHUNK
    (tmp_path / "all.txt").write_bytes(text)
    (tmp_path / "all.txt.gz").write_bytes(gzip.compress(text))
    cut = text.index(b"\n", len(text) // 2) + 1
    (tmp_path / "1.txt").write_bytes(text[:cut])
    (tmp_path / "2.txt").write_bytes(text[cut:].removesuffix(b"\n"))
    inputs = [["all.txt"], ["all.txt.gz"], ["1.txt", "2.txt"], []]
    results = [
        helpers.encoded(*[tmp_path / name for name in names], stdin=text, tokens="auto")[0]
        for names in inputs
    ]
    assert len({corpus.ids_sha256 for corpus in results}) == 1
    assert all(corpus.vocabulary.words == results[0].vocabulary.words for corpus in results)


def test_the_digest_is_that_of_the_file_and_the_held_out_ids(helpers, tmp_path):
    corpus, _, _ = helpers.encoded(stdin=b"b a a\n\n\nb c c c", folder=tmp_path)
    data = (tmp_path / "ids.bin").read_bytes() + corpus.held_out.astype("<i4").tobytes()
    assert corpus.ids_sha256 == hashlib.sha256(data).hexdigest()
    assert np.frombuffer(data, "<i4").tolist() == [2, 1, 1, -1, 2, 0, 0, 0, -1]
    assert corpus.ids().dtype == np.int32
    assert not corpus.ids().flags.writeable


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n\r\n\n", b"\xef\xbb\xbf", b"  \t \x0b\0 "])
def test_text_without_words_is_an_error(helpers, text):
    with pytest.raises(DlkitError, match=r"^no words in standard input$"):
        helpers.encoded(stdin=text)


def test_a_min_count_that_nothing_reaches_is_an_error_that_says_what_would_do(helpers):
    with pytest.raises(
        DlkitError, match=r"no word occurs 5 times; .*'饭', occurs 3 times"
    ) as caught:
        helpers.encoded(stdin="饭 a 饭 b 饭".encode(), min_count=5)
    assert caught.value.hint == "--min-count 3"


def test_vocabularies_of_one_and_two_words_work(helpers):
    assert helpers.encoded(stdin=b"once")[1].tolist() == [0, -1]
    assert helpers.encoded(stdin=b"a b a")[0].vocabulary.counts.tolist() == [2, 1]


def test_words_that_look_like_markers_are_words(helpers):
    corpus, _, _ = helpers.encoded(stdin="</s> <unk> __metadata__ -1 \ufffd".encode())
    assert sorted(corpus.vocabulary.words) == sorted(
        ["</s>", "<unk>", "__metadata__", "-1", "\ufffd"]
    )


@pytest.mark.parametrize("letter", ["é", "語", "👩\u200d🚀"])
@pytest.mark.parametrize("size", [99, 100, 101, 65_520])
def test_multibyte_words_of_any_allowed_length_stay_whole(helpers, letter, size):
    word = letter * (size // len(letter.encode()))
    assert helpers.encoded(stdin=f"a {word} b".encode())[0].vocabulary.words[2] == word


def test_a_word_of_65536_bytes_is_allowed_and_of_one_more_is_not(helpers):
    corpus, _, _ = helpers.encoded(stdin=b"x " + b"a" * 65_536)
    assert len(corpus.vocabulary.words[0]) == 65_536
    with pytest.raises(
        DlkitError, match=r"standard input: line 3 has a word of more than 65,536 b"
    ):
        helpers.encoded(stdin=b"x\r\ny\n" + b"a" * 65_537 + b" z\nq")


def test_the_line_of_a_word_that_is_too_long_is_counted_in_its_own_file(helpers, tmp_path):
    (tmp_path / "1.txt").write_bytes(b"a\r\n" * 10)
    (tmp_path / "2.txt").write_bytes(b"b c\r\n" * 200_000 + b"x" * 70_000)
    with pytest.raises(DlkitError, match=r"2\.txt: line 200,001 has a word"):
        helpers.encoded(tmp_path / "1.txt", tmp_path / "2.txt")


def test_an_endless_word_ends_the_work_early(helpers):
    class Endless:
        taken = 0

        def read(self, size):
            self.taken += size
            return b"a" * size

        def fileno(self):
            raise OSError

    stdin = Endless()
    with pytest.raises(DlkitError, match=r"line 1 has a word of more than 65,536 bytes"):
        helpers.encoded(stdin=stdin)
    assert stdin.taken < 2_000_000


def test_a_request_to_stop_ends_the_work_and_leaves_no_spool(tmp_path):
    class StopError(Exception):
        pass

    def stopping():
        raise StopError

    path = tmp_path / "corpus.txt"
    path.write_text("a b c\n")
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(StopError):
        list(encode([str(path)], TextConfig(), folder=folder, stopping=stopping))
    assert list(folder.iterdir()) == []


def test_tokens_are_chosen_from_the_first_characters_only(helpers):
    latin = "word " * (65_536 // 5 + 1)
    han = "我们今天去北京吃饭。\n" * 20_000
    assert len((latin + han[:30_000]).encode()) < raw.CHUNK  # all of it comes in one chunk
    corpus, _, records = helpers.encoded(stdin=(latin + han[:30_000]).encode(), tokens="auto")
    assert corpus.tokens == "whitespace"
    assert "tokens: whitespace" in helpers.said(records)
    assert helpers.encoded(stdin=(han + latin).encode(), tokens="auto")[0].tokens == "zh"
    assert (
        helpers.encoded(stdin=helpers.Dribble(han[:200].encode(), 1), tokens="auto")[0].tokens
        == "zh"
    )
