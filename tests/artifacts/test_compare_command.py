"""`dlkit artifacts compare`: artifacts side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from dlkit.artifacts.load import digest_of, open_artifact
from dlkit.artifacts.runs import reserve

SETTINGS = {
    "data": ["语料.txt"], "text": {"tokens": "auto", "lowercase": False}, "dim": 4, "lr": None,
    "sample": 1e-05,
}  # fmt: skip


def settings(**changes: object) -> bytes:
    return yaml.safe_dump(SETTINGS | changes, allow_unicode=True).encode()


def table(done) -> dict[str, list[str]]:
    return {name: values for name, *values in (x.split("\t") for x in done.stdout.splitlines())}


@pytest.fixture
def three(save) -> list[Path]:
    """Two of other settings, and one without any, as imported ones are."""
    text = {"tokens": "auto", "lowercase": True}
    first = save("一", **{"config.yaml": settings()})
    second = save("two", dim=8, **{"config.yaml": settings(dim=8, sample=0.001, text=text)})
    with reserve("word2vec", "three", default="x") as run:
        third = run.commit(
            {"kind": "index", "words": 7, "dtype": "float16", "data": {"file": "glove.txt"}},
            {"x.txt": b"x"},
        )
    return [first, second, third]


def test_of_the_settings_only_those_that_differ_are_told(dlkit, three) -> None:
    found = table(dlkit("artifacts", "compare", "一", "two"))
    assert {name: values for name, values in found.items() if name.startswith("settings.")} == {
        "settings.dim": ["4", "8"],
        "settings.sample": ["1e-05", "0.001"],
        "settings.text.lowercase": ["false", "true"],
    }
    assert "kind" not in found
    assert "seed" not in found
    done = dlkit("artifacts", "compare", "一", "word2vec/two", "--all", "--header")
    everything = table(done)
    assert done.stdout.splitlines()[0] == "fact\tword2vec/一\tword2vec/two"
    assert everything["settings.data"] == ['["语料.txt"]'] * 2
    assert everything["settings.lr"] == ["null"] * 2
    assert everything["kind"] == ["word-vectors"] * 2
    assert everything["seed"] == ["1"] * 2
    assert found.items() < everything.items()


def test_data_scores_sizes_seconds_and_digest_are_always_told(dlkit, three) -> None:
    found = table(dlkit("artifacts", "compare", "一", str(three[1])))
    assert found["data.ids_sha256"] == ["0" * 64] * 2
    assert found["scores.loss"] == ["1.5"] * 2
    assert found["words"] == ["8", "8"]
    assert found["dim"] == ["4", "8"]
    assert found["seconds"] == ["0.1"] * 2
    assert found["digest"] == [digest_of(open_artifact(path)) for path in three[:2]]
    sizes = [
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in three[:2]
    ]
    assert found["bytes"] == [str(size) for size in sizes]
    listed = dlkit("artifacts", "list", "--json").stdout.splitlines()
    told = {each["path"]: each["bytes"] for each in map(json.loads, listed)}
    assert [told[str(path)] for path in three[:2]] == sizes


def test_kinds_may_differ_and_settings_are_compared_where_there_are_some(dlkit, three) -> None:
    found = table(dlkit("artifacts", "compare", "一", "two", "three"))
    assert found["kind"] == ["word-vectors", "word-vectors", "index"]
    assert found["settings.dim"] == ["4", "8", ""]
    assert "settings.lr" not in found  # the same in all that have settings
    assert found["dtype"] == ["", "", "float16"]  # what stands for the settings of the third
    assert found["data.file"] == ["", "", "glove.txt"]
    assert found["words"] == ["8", "8", "7"]
    found = table(dlkit("artifacts", "compare", "three", "two"))
    assert not any(name.startswith("settings.") for name in found)


def test_json_is_an_object_a_fact_with_values_as_they_are(dlkit, three) -> None:
    lines = dlkit("artifacts", "compare", "一", "two", "three", "--json").stdout.splitlines()
    found = {each["fact"]: each for each in map(json.loads, lines)}
    names = ["word2vec/一", "word2vec/two", "word2vec/three"]
    assert found["settings.text.lowercase"]["values"] == dict(
        zip(names, [False, True], strict=False)
    )
    assert found["settings.sample"]["values"] == {names[0]: 1e-05, names[1]: 0.001}
    assert found["words"] == {
        "fact": "words", "values": dict(zip(names, [8, 8, 7], strict=True)), "differs": True,
    }  # fmt: skip
    assert found["scores.loss"]["differs"]  # the third has none
    lines = dlkit("artifacts", "compare", "一", "two", "three", "--json", "--all").stdout
    found = {each["fact"]: each for each in map(json.loads, lines.splitlines())}
    assert not found["settings.data"]["differs"]  # as in the table: the third has no settings
    assert found["settings.dim"]["differs"]
    assert found["seed"]["differs"]
    lines = dlkit("artifacts", "compare", "一", "two", "--json").stdout.splitlines()
    found = {each["fact"]: each["differs"] for each in map(json.loads, lines)}
    assert (found["words"], found["dim"], found["digest"]) == (False, True, True)


def test_losses_of_other_objectives_are_said_not_to_compare(dlkit, save, three) -> None:
    for name, exponent in (("old", None), ("usual", 0.75), ("flat", 0)):
        changes = {} if exponent is None else {"noise_exponent": exponent}
        save(name, **{"config.yaml": settings(loss="ns", **changes)})
    note = "losses of different noise_exponent do not compare"
    assert note in dlkit("artifacts", "compare", "usual", "flat").stderr
    assert dlkit("artifacts", "compare", "usual", "old").stderr == ""
    assert dlkit("artifacts", "compare", "一", "two", "three").stderr == ""


def test_what_fasttext_and_the_subwords_say_alike_is_told_once(dlkit, three) -> None:
    for name, shortest in (("cc", 3), ("wiki", 2)):
        document = {
            "kind": "word-vectors", "words": 7, "dim": 4,
            "subwords": {"shortest": shortest, "longest": 6, "buckets": 9},
            "fasttext": {"dim": 4, "minn": shortest, "maxn": 6, "buckets": 9, "epoch": 5},
        }  # fmt: skip
        with reserve("word2vec", name, default="x") as run:
            run.commit(document, {"x.txt": b"x"})
    found = table(dlkit("artifacts", "compare", "cc", "wiki", "--all"))
    assert found["subwords.shortest"] == ["3", "2"]
    assert found["subwords.buckets"] == ["9", "9"]
    assert [name for name in found if name.startswith("fasttext.")] == ["fasttext.epoch"]


def test_a_terminal_gets_readable_numbers_and_the_beginning_of_hashes(dlkit, three) -> None:
    text = dlkit("artifacts", "compare", "一", "two", "--format", "human").stdout
    assert "word2vec/一" in text
    assert digest_of(open_artifact(three[0]))[:12] + "…" in text
    assert "1e-05" in text
    assert " kB" in text


def test_what_cannot_be_compared_is_answered_as_elsewhere(dlkit, three) -> None:
    done = dlkit("artifacts", "compare", "一", str(three[0]), check=2)
    assert "word2vec/一" in done.stderr
    assert "hint: dlkit artifacts compare 一 OTHER" in done.stderr
    for again in (("一", "two", "word2vec/一"), ("two", str(three[1]))):
        done = dlkit("artifacts", "compare", *again, check=2)
        assert done.stdout == ""
        assert (
            f"{'word2vec/一' if len(again) == 3 else 'word2vec/two'} is named twice" in done.stderr
        )
    done = dlkit("artifacts", "compare", "一", check=2)
    assert "nothing to compare word2vec/一 with" in done.stderr
    dlkit("artifacts", "compare", check=2)
    assert "did you mean word2vec/two?" in dlkit("artifacts", "compare", "一", "tw", check=3).stderr
    (three[1] / "vocab.txt").write_bytes(b"x\t1\n")
    done = dlkit("artifacts", "compare", "一", "two", check=4)
    assert done.stdout == ""
    assert "vocab.txt" in done.stderr


def test_comparing_loads_neither_torch_nor_numpy(dlkit, three, monkeypatch) -> None:
    (dlkit.folder / "torch.py").write_text("raise ImportError", encoding="utf-8")
    (dlkit.folder / "numpy.py").write_text("raise ImportError", encoding="utf-8")
    path = {"PYTHONPATH": str(dlkit.folder)}
    assert dlkit("artifacts", "compare", "一", "two", env=path).stdout
