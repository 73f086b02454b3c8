"""``dlkit cnn search``: the way from a folder of images to answers, copies, figures and sheets."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image


@pytest.fixture
def lines():
    """The objects that a command with --json told."""
    return lambda done: [json.loads(line) for line in done.stdout.splitlines()]


def test_a_folder_is_indexed_and_asked_by_files_folders_and_names(dlkit, home, photos, lines):
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xffnonsense")
    done = dlkit("cnn", "search", "index", photos, check=1)
    assert "bad.jpg" in done.stderr
    assert "--skip-bad" in done.stderr
    (made,) = lines(dlkit("cnn", "search", "index", photos, "--skip-bad", "--json"))
    assert (made["artifact"], made["images"], made["embedded"]) == ("search/photos", 24, 24)
    names = "\n".join(f"photos/{number:02}.png" for number in range(3))
    found = lines(dlkit("cnn", "search", "-", "--json", "-k", "2", stdin=names))  # query left out
    assert [each["file"] for each in found] == names.split("\n")
    for each in found:
        first, second = each["similar"]
        assert (first["image"], first["copy"]) == (each["file"], True)
        assert first["similarity"] == pytest.approx(1, abs=1e-5)
        assert not second["copy"]
    others = lines(dlkit("cnn", "search", "photos/00.png", "--json", "-k", "1", "--others"))
    assert others[0]["similar"][0]["image"] == found[0]["similar"][1]["image"]
    done = dlkit("cnn", "search", "query", photos, "--skip-bad", "--out", "sheet.svg", "--header")
    assert done.stdout.splitlines()[0] == "query\trank\timage\tclass\tsimilarity\tcopy"
    assert len(done.stdout.splitlines()) == 1 + 24 * 10
    assert "left out" in done.stderr
    assert (dlkit.folder / "sheet.svg").read_text(encoding="utf-8").count("<image") == 24 * 11
    done = dlkit("cnn", "search", "query", "photos/bad.jpg", check=1)
    assert "bad.jpg" in done.stderr
    dlkit("cnn", "search", "query", "photos/bad.jpg", "--skip-bad", check=3)
    dlkit("cnn", "search", "photos/00.png", "-k", "25", check=2)
    dlkit("cnn", "search", "photos/00.png", "--threshold", "2", check=2)
    done = dlkit("cnn", "search", "photos/00.png", "--threshold", "1", "--others", "--json")
    assert lines(done) == [{"file": "photos/00.png", "similar": []}]
    assert "1 query without" in done.stderr


def test_a_planted_copy_and_a_re_encoded_one_are_found_and_told_apart(dlkit, home, photos, lines):
    shutil.copy(photos / "03.png", photos / "z copy.png")
    image = Image.open(photos / "05.png").convert("RGB")
    image.resize((50, 57)).save(photos / "y small.jpg", quality=50)
    done = dlkit("cnn", "search", "duplicates", photos, "--json")
    pairs = lines(done)
    assert [(each["image"], each["other"], each["kind"]) for each in pairs] == [
        ("photos/03.png", "photos/z copy.png", "equal"),
        ("photos/05.png", "photos/y small.jpg", "near"),
    ]
    assert "26 images: 1 equal to an earlier one, 1 near pairs" in done.stderr
    dlkit("cnn", "search", "index", photos, "--whiten")  # copies are told by plain features
    grouped = lines(dlkit("cnn", "search", "duplicates", "--groups", "--json", "--out", "d.png"))
    assert [each["images"] for each in grouped] == [[a["image"], a["other"]] for a in pairs]
    assert (dlkit.folder / "d.png").read_bytes().startswith(b"\x89PNG")
    done = dlkit("cnn", "search", "duplicates", "--equal")
    assert done.stdout == "photos/03.png\tphotos/z copy.png\tequal\t1.0\t1.0\n"
    dlkit("cnn", "search", "duplicates", "--threshold", "1.5", check=2)


def test_an_index_is_judged_looked_into_and_added_to(dlkit, home, bar_folder, photos, lines):
    dlkit("cnn", "search", "index", bar_folder, "--whiten", "--threads", "1")
    (told,) = lines(dlkit("cnn", "search", "eval", "--pixels", "--per-class", "--report", "--json"))
    assert set(told["scores"]) == {"cnn/bars", "pixels"}
    assert told["scores"]["cnn/bars"]["queries"] == 40
    assert {each["class"] for each in told["per_class"]["pixels"]} == {"flat", "竖"}
    report = home / "reports" / "search" / "bars" / "eval-1"
    assert {path.name for path in report.iterdir()} >= {"report.html", "worst.svg", "recall.svg"}
    rows = dlkit("cnn", "search", "eval", "--header", "-k", "1,3").stdout.splitlines()
    head = rows[0].split("\t")
    assert head[:6] == ["features", "map", "map_low", "map_high", "recall@1", "recall@3"]
    assert float(rows[1].split("\t")[1]) == told["scores"]["cnn/bars"]["map"]
    (seen,) = lines(dlkit("cnn", "search", "inspect", "--json"))
    assert seen["searched"].startswith("whitened")
    assert {path.rsplit("/", 1)[-1] for path in seen["figures"]} >= {"spectrum.svg", "hubs.svg"}
    (added,) = lines(dlkit("cnn", "search", "add", photos, "--json"))
    assert (added["artifact"], added["images"], added["embedded"]) == ("search/bars-2", 184, 24)
    dlkit("artifacts", "verify", "search/bars-2")
    dlkit("cnn", "search", "eval", "-k", "0", check=2)
    dlkit("cnn", "search", "add", check=2)


def test_a_head_is_trained_tried_and_indexed(dlkit, home, bar_folder, lines):
    options = ("--dim", "4", "--epochs", "2", "--threads", "1", "--json")
    (tried,) = lines(dlkit("cnn", "search", "train", bar_folder, "--dry-run", *options))
    assert tried["training samples"] == 144
    (made,) = lines(dlkit("cnn", "search", "train", bar_folder, "--loss", "arcface", *options))
    assert made["artifact"] == "search/bars-head"
    assert made["validation_map"] > 0.5
    done = dlkit("cnn", "search", "index", bar_folder, "--json")
    assert lines(done)[0]["features"] == "search/bars-head"
    assert "features of search/bars-head, the newest" in done.stderr
    # A head is an encoder for other rooms, too.
    dlkit("knn", "train", bar_folder, "--features", "search/bars-head", "-k", "3")
    dlkit("cnn", "search", "train", bar_folder, "--loss", "nonsense", check=2)


def test_without_a_network_the_command_that_makes_one_is_named(dlkit, photos):
    done = dlkit("cnn", "search", "index", photos, check=3)
    assert "dlkit cnn train DATA" in done.stderr
    done = dlkit("cnn", "search", "photos/00.png", check=3)
    assert "hint: dlkit cnn search index IMAGES" in done.stderr


def test_photographs_of_another_size_and_colour_become_what_the_network_knows(
    dlkit, home, photos, lines
):
    dlkit("cnn", "search", "index", photos, "--name", "a")
    grey = Image.open(photos / "01.png").convert("L")
    grey.save(dlkit.folder / "grey.png")
    (found,) = lines(dlkit("cnn", "search", "grey.png", "-k", "1", "--json"))
    assert found["similar"][0]["image"] == "photos/01.png"
    assert found["similar"][0]["similarity"] > 0.99
