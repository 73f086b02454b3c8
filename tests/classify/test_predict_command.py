"""Answers leave as questions come, in their order, whatever stands beside them."""

from __future__ import annotations

import pytest


@pytest.fixture
def classifier(dlkit, texts):
    """An artifact classify/mine of Chinese texts."""
    options = ("--epochs", "20", "--lr", "0.05", "--threads", "1", "-n", "mine")
    dlkit("classify", "train", texts, *options)


def test_the_first_answer_leaves_before_the_last_question_comes(dlkit, classifier):
    import subprocess

    process = dlkit.start("classify", "predict", "-", stdin=subprocess.PIPE)
    process.stdin.write("很快，喜欢\n".encode())
    process.stdin.flush()
    first = process.stdout.readline().decode()
    assert first.startswith("-:1\tgood\t")
    process.stdin.write("太慢，失望\n".encode())
    process.stdin.close()
    assert process.stdout.readline().decode().startswith("-:2\tbad\t")
    assert process.wait(timeout=60) == 0
    for stream in (process.stdout, process.stderr):
        stream.close()


def test_an_answer_is_the_same_alone_and_among_others(dlkit, classifier, lines, tmp_path):
    asked = ["很快，喜欢", "", "太慢", "脏，失望，难吃", "unknown"]
    together = lines(dlkit("classify", "predict", "-", "--json", stdin="\n".join(asked)))
    backwards = lines(dlkit("classify", "predict", "-", "--json", stdin="\n".join(asked[::-1])))
    for place, text in enumerate(asked):
        other = backwards[len(asked) - 1 - place]
        assert together[place]["probability"] == pytest.approx(other["probability"], abs=1e-6)
        assert together[place]["class"] == other["class"], text
    # A text without a known n-gram has no opinion but that of the biases.
    assert together[1]["probability"] == pytest.approx(together[4]["probability"], abs=1e-6)


def test_lines_and_objects_say_the_same(dlkit, classifier, lines):
    text = "很快，喜欢\n太慢\n"
    objects = lines(dlkit("classify", "predict", "-", "--json", "--top", "1", stdin=text))
    rows = [
        line.split("\t")
        for line in dlkit("classify", "predict", "-", stdin=text).stdout.splitlines()
    ]
    assert rows == [[each["file"], each["class"], repr(each["probability"])] for each in objects]
    assert [list(each["probabilities"]) for each in objects] == [
        [each["class"]] for each in objects
    ]
    told = dlkit("classify", "predict", "-", "--threshold", "0.999", stdin=text).stdout
    assert [line.split("\t")[1:] for line in told.splitlines()] == [
        [each["class"] if each["probability"] >= 0.999 else "", repr(each["probability"])]
        for each in objects
    ]
    ranked = dlkit("classify", "predict", "-", "--top", "9", "--header", stdin=text).stdout
    assert ranked.splitlines()[0] == "file\trank\tclass\tprobability"
    assert len(ranked.splitlines()) == 1 + 2 * 2


def test_pictures_that_cannot_be_read_are_told_or_left_out(dlkit, pictures):
    dlkit("classify", "train", pictures, "--l2", "0.1", "--threads", "1")
    bad = pictures / "bad.png"
    bad.write_bytes(b"no picture")
    good = pictures / "test" / "white" / "0.png"
    assert "bad.png" in dlkit("classify", "predict", good, bad, check=1).stderr
    done = dlkit("classify", "predict", good, bad, "--skip-bad")
    assert len(done.stdout.splitlines()) == 1
    assert "bad.png" in done.stderr
    assert dlkit("classify", "predict", bad, "--skip-bad", check=3).stdout == ""
    answer = dlkit("classify", "predict", "-", stdin=good.read_bytes()).stdout
    assert answer.split("\t")[1] == "white"
    done = dlkit("classify", "predict", "-", check=1)
    assert "standard input: empty" in done.stderr
    assert "--skip-bad" not in done.stderr  # nothing would be left
