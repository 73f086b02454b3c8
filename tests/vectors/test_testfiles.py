"""Files of analogies and pairs, in the shapes in which they are published."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import FAILED, NOT_FOUND, DlkitError
from dlkit.records import Noted, Warned
from dlkit.vectors.testfiles import read_file, read_test
from dlkit.vectors.wordtests import Analogies, Pairs

ANALOGIES = ": family\nboy girl he she\n\nboy girl king queen\n: 复数\n人 人们 他 他们\n"


@pytest.fixture
def read(files):
    def read(content: str | bytes, **options):
        data = content if isinstance(content, bytes) else content.encode()
        return files.finished(read_test(data, "t.txt", **options))

    return read


def refused(read, content: str | bytes, **options) -> DlkitError:
    with pytest.raises(DlkitError) as caught:
        read(content, **options)
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
def test_analogies_are_read_section_by_section(read, end: str, start: str):
    test, told = read(start + ANALOGIES.replace("\n", end))
    assert test == Analogies(
        "t.txt",
        ("family", "复数"),
        (
            ("boy", "girl", "he", "she"),
            ("boy", "girl", "king", "queen"),
            ("人", "人们", "他", "他们"),
        ),
        (0, 0, 1),
    )
    assert told == [Noted("t.txt: analogies, 3 questions in 2 sections")]


def test_questions_without_a_section_are_read(read):
    test, told = read("a b c d\ne f g h\n: later\ni j k l\n")
    assert test.sections == ("", "later")
    assert test.section_of == (0, 0, 1)
    assert told == [Noted("t.txt: analogies, 3 questions in 1 section")]
    test, told = read("a b c d")
    assert test.sections == ("",)
    assert told == [Noted("t.txt: analogies, 1 question")]


def test_sections_may_be_empty_or_have_the_same_name_or_spaces(read):
    test, _ = read(": x\n:y\n: x\na b c d\n: city in state\ne f g h\n")
    assert test.sections == ("x", "y", "x", "city in state")
    assert test.section_of == (2, 3)


def test_a_question_may_begin_with_a_colon(read):
    test, _ = read(": smileys\n:) :( :D :P\n")
    assert test.questions == ((":)", ":(", ":D", ":P"),)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ("tiger\tcat\t7.35\ntiger\ttiger\t10.00\n", "tabs, score in column 3"),
        ("tiger\tcat\t7.35\r\ntiger\ttiger\t10.00\r\n", "tabs, score in column 3"),
        ("tiger cat 7.35\ntiger  tiger 1e1\n", "spaces, score in column 3"),
        ("tiger,cat,7.35\n tiger , tiger , 10\n", "commas, score in column 3"),
        ('"tiger","cat",7.35\n"tiger","tiger",10\n', "commas, score in column 3"),
        ("tiger;cat;7.35\ntiger;tiger;10\n", "semicolons, score in column 3"),
        (
            "Word 1,Word 2,Human (mean)\ntiger,cat,7.35\ntiger,tiger,10.00\n",
            "commas, score in column 3, line 1 is a header",
        ),
        (
            "# a comment\nword1\tword2\tPOS\tSimLex999\tSD\n"
            "tiger\tcat\tN\t7.35\t1.2\n\n# another\ntiger\ttiger\tN\t10\t0\n",
            "tabs, score in column 4, line 2 is a header",
        ),
        ("tiger cat N 7.35\ntiger tiger N 10\n", "spaces, score in column 4"),
        ("tiger\tcat\t7.35\tN\t3\ntiger\ttiger\t10\tN\t4\n", "tabs, score in column 3"),
    ],
)
def test_pairs_are_read_in_the_published_shapes(read, content: str, shape: str):
    test, told = read(content)
    assert test == Pairs("t.txt", (("tiger", "cat"), ("tiger", "tiger")), (7.35, 10.0))
    assert told == [Noted(f"t.txt: 2 pairs between {shape}")]


def test_chinese_pairs_are_read_and_words_between_tabs_may_hold_spaces(read):
    test, _ = read("李白\t诗\t9.2\nSouth Korea\t首尔\t-0.5\n")
    assert test.pairs == (("李白", "诗"), ("South Korea", "首尔"))
    assert test.scores == (9.2, -0.5)


def test_the_column_of_the_score_can_be_given(read):
    content = "w1\tw2\tgroup\tscore\ntiger\tcat\t3\t7.35\n"
    assert read(content)[0].scores == (3.0,)
    assert read(content, score_column=4)[0].scores == (7.35,)
    problem = refused(read, content, score_column=6)
    assert problem.message.startswith("t.txt: line 1 is not two words and a number in column 6: ")


def test_a_kind_can_be_forced(read):
    assert isinstance(read("one two 1 2\nthree four 3 4\n")[0], Pairs)
    assert isinstance(read("one two 1 2\nthree four 3 4\n", kind="analogies")[0], Analogies)
    problem = refused(read, "boy girl he she\n", kind="pairs")
    assert problem.message == "t.txt: line 1 is not two words and a number: 'boy girl he she'"
    problem = refused(read, "tiger\tcat\t7.35\n", kind="analogies")
    assert problem.message == "t.txt: line 1 is not a question of four words: 'tiger\tcat\t7.35'"


@pytest.mark.parametrize("line", ["boy girl he", "boy girl he she it", "x"])
def test_a_line_that_is_no_question_is_refused_or_counted(read, line: str):
    content = f": a\nboy girl he she\n\n{line}\n{line}\n"
    problem = refused(read, content)
    assert problem.message == f"t.txt: line 4 is not a question of four words: '{line}'"
    assert "--skip-malformed" in problem.hint
    test, told = read(content, skip_malformed=True)
    assert (len(test.questions), test.malformed) == (1, 2)
    assert Warned(f"t.txt: 2 malformed lines are left out; the first is line 4: '{line}'") in told


@pytest.mark.parametrize(
    "line", ["tiger\tcat", "tiger\tcat\tx", "tiger\tcat\tnan", "tiger\tcat\tinf", "tiger\t\t3",
             "tiger\tcat\t1_0", "tiger\tcat\t7,3"],
)  # fmt: skip
def test_a_line_that_is_no_pair_is_refused_or_counted(read, line: str):
    content = f"love\tsex\t6.77\n{line}\n"
    problem = refused(read, content)
    assert problem.message.startswith("t.txt: line 2 is not two words and a number in column 3: '")
    test, told = read(content, skip_malformed=True)
    assert (len(test.pairs), test.malformed) == (1, 1)
    assert any(
        isinstance(each, Warned) and "1 malformed line is left out" in each.text for each in told
    )


def test_a_long_malformed_line_is_shown_in_part(read):
    message = refused(read, ": a\n" + "长" * 1000 + "\n").message
    assert message.endswith("'" + "长" * 60 + "…'")


@pytest.mark.parametrize("content", ["", "\n\n", ": a\n: b\n", "# nothing\n"])
def test_a_file_without_questions_is_not_found(read, content: str):
    problem = refused(read, content, **({"kind": "pairs"} if content[:1] == "#" else {}))
    assert problem.code == NOT_FOUND
    assert problem.message == "t.txt has no questions"


def test_text_of_neither_kind_is_refused_with_the_way_to_force_one(read):
    problem = refused(read, "once upon a time there was\n")
    assert "line 1 begins neither analogies nor pairs: 'once upon" in problem.message
    assert "--kind" in problem.hint


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (": 家庭\n男 女 他 她\n".encode("gb18030"), "byte 2 (0xbc) is not valid UTF-8"),
        (": a\na b c d\n".encode("utf-16"), "byte 0 (0xff) is not valid UTF-8"),
        (b": a\na b c d\0\n", "holds zero bytes"),
        (gzip.compress(ANALOGIES.encode(), mtime=0)[:-9], "cut off"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0garbage", "damaged gzip data"),
    ],
)
def test_bytes_that_are_no_text_are_refused(read, data: bytes, what: str):
    problem = refused(read, data)
    assert what in problem.message
    assert problem.code == FAILED


def test_a_bomb_is_refused(read, monkeypatch):
    monkeypatch.setattr("dlkit.vectors.testfiles._LARGEST", 10_000)
    assert "more than 10,000 bytes" in refused(read, gzip.compress(b"a b c d\n" * 10_000)).message


def test_packed_and_plain_files_are_equal(files, tmp_path):
    plain, packed = tmp_path / "问题.txt", tmp_path / "q.gz"
    plain.write_text(ANALOGIES, encoding="utf-8")
    packed.write_bytes(gzip.compress(ANALOGIES.encode()))
    (first, _), (second, _) = (files.finished(read_file(each)) for each in (plain, packed))
    assert first.questions == second.questions
    assert first.name == str(plain)


def test_a_missing_file_and_a_folder_are_told(files, tmp_path):
    for path in (tmp_path / "no.txt", tmp_path):
        with pytest.raises(DlkitError, match=r"cannot be read"):
            files.finished(read_file(path))


WORD = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=":#,;\"'"), min_size=1
)
SCORE = st.floats(-100, 100)


@given(st.lists(st.tuples(WORD, WORD, SCORE), min_size=1), st.sampled_from("\t,; "))
def test_any_pairs_come_back(rows, separator: str):
    content = "".join(separator.join((a, b, repr(score))) + "\n" for a, b, score in rows)
    *_, (test, _) = [_finished(read_test(content.encode(), "t", kind="pairs"))]
    assert test.pairs == tuple(row[:2] for row in rows)
    assert test.scores == tuple(row[2] for row in rows)


def _finished(work):
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value, None
