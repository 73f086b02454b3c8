"""Columns that number rows are left out, and numbers that may mean something are not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlkit.data.config import SampleConfig
from dlkit.data.loading import load
from dlkit.data.row_numbers import row_numbers
from dlkit.records import Noted, Warned


def loaded(path, **config):
    work = load([str(path)], SampleConfig(**config))
    said = []
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            return SimpleNamespace(samples=end.value, said="\n".join(said))
        if isinstance(record, (Noted, Warned)):
            said.append(record.text)


def table(path, columns: dict[str, list]):
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def found(name: str, values, others: int = 1) -> bool:
    return name in row_numbers({name: np.array(values, float)}, others=others)


SHUFFLED = [7, 3, 12, 1, 9, 5, 4, 11, 2, 8, 10, 6]


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "ID",
        "row_id",
        "PassengerId",
        "customerID",
        "user id",
        "index",
        "Row",
        "Unnamed: 0",
        "编号",
        "",
    ],
)
def test_different_whole_numbers_under_the_name_of_a_row_number_are_one(name):
    assert found(name, SHUFFLED)
    assert not found(name, [*SHUFFLED, 7])
    assert not found(name, [*SHUFFLED, 0.5])
    assert not found(name, [*SHUFFLED, np.nan])


@pytest.mark.parametrize("name", ["age", "grid", "humid", "valid", "rows", "indexed", "x", "price"])
def test_different_whole_numbers_under_another_name_stay_unless_they_count(name):
    assert not found(name, SHUFFLED)
    assert not found(name, sorted(SHUFFLED, reverse=True))
    assert not found(name, [1, 2, 3])
    assert not found(name, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
    assert not found(name, np.arange(12) / 2)
    assert found(name, sorted(SHUFFLED))
    assert found(name, np.arange(0, 120, 5))


def test_a_tables_one_variable_may_rise_by_a_constant_step():
    assert not found("x", np.arange(20), others=0)
    assert found("id", np.arange(20), others=0)
    both = {"id": np.arange(20.0), "x": np.arange(20.0)}
    assert list(row_numbers(both, others=0)) == ["id"]


def test_a_row_number_is_left_out_with_a_warning_unless_it_is_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.permutation(40).tolist()
    x = rng.integers(0, 9, 40).tolist()
    data = {"PassengerId": numbers, "x": x, "t": range(40), "label": ["ab"[v > 4] for v in x]}
    path = table(tmp_path / "t.csv", data)
    got = loaded(path)
    assert got.samples.columns == ("x",)
    assert "the column PassengerId has a different whole number in each of 40 rows" in got.said
    assert (
        "the column t has a different whole number in each of 40 rows that rises by 1" in got.said
    )
    asked = loaded(path, columns=("PassengerId", "x"))
    assert asked.samples.columns == ("PassengerId", "x")
    assert "left out" not in asked.said
    # A limit makes gaps, and equal content stays together whatever numbers it has.
    assert loaded(path, limit=20).samples.columns == ("x",)
    train, test = got.samples.train.rows[:, 0], got.samples.test.rows[:, 0]
    assert not set(train.tolist()) & set(test.tolist())


def test_other_splits_need_not_have_the_row_number(tmp_path):
    table(tmp_path / "train.csv", {"id": range(12), "x": SHUFFLED, "label": list("ab") * 6})
    table(tmp_path / "test.csv", {"x": [1, 2], "label": ["a", "b"]})
    assert loaded(tmp_path).samples.columns == ("x",)


def test_what_is_held_out_does_not_depend_on_the_columns_learnt_from(tmp_path):
    rng = np.random.default_rng(1)
    data = {
        "id": rng.permutation(50).tolist(),
        "a": rng.integers(0, 4, 50).tolist(),
        "colour": rng.choice(["红", "蓝"], 50).tolist(),
        "b": rng.normal(size=50).round(2).tolist(),
        "label": rng.choice(["x", "y"], 50).tolist(),
    }
    path = table(tmp_path / "t.csv", data)
    whole = loaded(path).samples.test.paths
    for columns in (("a",), ("b", "a"), ("colour",), ("id", "b")):
        assert loaded(path, columns=columns).samples.test.paths == whole


def test_what_is_held_out_does_not_depend_on_size_and_colour(tmp_path):
    rng = np.random.default_rng(2)
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(12):
            shape = (6, 6) if number % 3 == 0 else (6, 6, 3)
            image = Image.fromarray(rng.integers(0, 256, shape, np.uint8))
            image.save(tmp_path / name / f"{number}.{('png', 'jpg')[number % 2]}")
    whole = loaded(tmp_path).samples
    assert len(whole.test) == 4
    for config in ({"colour": "grey"}, {"colour": "rgb"}, {"size": "3"}, {"size": "12x9"}):
        changed = loaded(tmp_path, **config).samples
        assert changed.test.paths == whole.test.paths
        same = changed.form == whole.form
        assert (changed.fingerprint("test") == whole.fingerprint("test")) == same


@pytest.mark.parametrize("config", [{"colour": "rgb"}, {"size": "16"}, {"size": "4"}])
def test_the_digits_held_out_are_the_same_in_any_size_and_colour(config):
    whole = loaded("builtin:digits").samples.test.paths
    assert loaded("builtin:digits", **config).samples.test.paths == whole


def test_grey_is_equal_content_in_one_channel_and_in_three(tmp_path):
    rng = np.random.default_rng(3)
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(6):
            grey = Image.fromarray(rng.integers(0, 256, (5, 5), np.uint8))
            grey.save(tmp_path / name / f"{number}.png")
            grey.convert("RGB").save(tmp_path / name / f"{number}-rgb.png")
    samples = loaded(tmp_path).samples
    assert not set(samples.train.digests.tolist()) & set(samples.test.digests.tolist())
    assert len(set(samples.train.digests.tolist())) == len(samples.train) // 2
