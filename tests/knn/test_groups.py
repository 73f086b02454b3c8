"""Cross-validation judges no sample by others that belong to it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlkit.data.samples import digests_of
from dlkit.errors import USAGE, DlkitError
from dlkit.knn.folds import parts


@pytest.fixture
def films(tmp_path):
    """A csv file of 50 films of 6 frames: a film's frames are alike, its class is drawn."""
    random = np.random.default_rng(9)
    lines = ["a,b,c,film,kind"]
    for film in range(50):
        where = random.normal(0, 5, 3)
        kind = "xy"[int(random.integers(2))]
        for _ in range(6):
            cells = ",".join(map(str, (where + random.normal(0, 0.01, 3)).round(4)))
            lines.append(f"{cells},{film},{kind}")
    path = tmp_path / "films.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_what_is_learnt_by_heart_scores_only_where_groups_are_divided(dlkit, films):
    cells = [line.split(",") for line in films.read_text(encoding="utf-8").splitlines()[1:]]
    rows, kinds = np.array([row[:3] for row in cells], float), np.array([row[4] for row in cells])
    gaps = np.square(rows[:, None] - rows).sum(axis=2) + np.diag([np.inf] * len(rows))
    assert (kinds[gaps.argmin(axis=1)] == kinds).all()  # of frames that are divided
    given = ("-k", "1", "--label-column", "kind", "--group-column", "film", "-n", "whole", "--json")
    done = dlkit("knn", "train", films, *given)
    assert json.loads(done.stdout)["accuracy"] < 0.75
    assert "40 groups (column film), never divided, in 5 parts of 48 to 48 samples" in done.stderr
    folder = dlkit.home / "knn" / "whole"
    data = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))["data"]
    assert data["groups"] == {"train": 40, "test": 10}
    paths = (folder / "paths.txt").read_text(encoding="utf-8").splitlines()
    learnt = {(int(path.rpartition(":")[2]) - 2) // 6 for path in paths}
    assert len(learnt) * 6 == len(paths) == 240  # whole films
    judged = json.loads(dlkit("knn", "eval", "--from", "whole", "--json").stdout)
    assert judged["samples"] == 60
    assert judged["accuracy"] < 0.75
    given = ("-k", "1", *given[2:6], "--explain", "0", "--json")
    (seen,) = json.loads(dlkit("knn", "inspect", films, *given).stdout)["features"]
    assert seen["accuracy"] == judged["accuracy"]


def test_a_part_has_whole_groups_and_there_cannot_be_more_parts_than_groups():
    groups = [f"g{number // 4}" for number in range(40)]
    digests = digests_of([str(number) for number in range(40)])
    labels = np.arange(40) % 2
    part = parts(labels, digests, 5, seed=1, groups=groups)
    assert np.bincount(part).tolist() == [8] * 5
    assert all(len(set(part[start : start + 4].tolist())) == 1 for start in range(0, 40, 4))
    assert parts(labels, digests, "loo", seed=1, groups=groups).tolist() == [
        number // 4 for number in range(40)
    ]
    uneven = [f"g{int(number**0.5)}" for number in range(40)]  # of 1, 3, 5, 7, 9, 11, 4
    part = parts(labels, digests, 3, seed=1, groups=uneven)
    assert np.ptp(np.bincount(part)) <= 2
    assert len({*zip(uneven, part.tolist(), strict=True)}) == 7
    with pytest.raises(DlkitError, match="folds: 11 parts of 10 groups") as caught:
        parts(labels, digests, 11, seed=1, groups=groups)
    assert caught.value.code == USAGE
    assert caught.value.hint == "--folds loo makes one part of each group"


def test_one_group_is_no_cross_validation(prepared, films):
    from dlkit.knn.config import KnnConfig
    from dlkit.knn.folds import plan

    text = films.read_text(encoding="utf-8").replace("film", "frame")
    lines = [line.split(",") for line in text.splitlines()]
    once = [
        ",".join([*cells[:3], "1" if row else "film", cells[4]]) for row, cells in enumerate(lines)
    ]
    films.write_text("\n".join(once) + "\n", encoding="utf-8")
    settings = {"input": {"group_column": "film", "test_share": 0}, "folds": "loo"}
    ready = prepared(str(films), **settings)
    with pytest.raises(DlkitError, match="all samples are of the group 1"):
        list(plan(ready, KnnConfig(data=(str(films),), **settings)))
