"""Decoded images are taken from the cache as long as nothing about them has changed."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from dlkit.data import image_parts, images, kept
from dlkit.data.config import SampleConfig
from dlkit.data.loading import load
from dlkit.records import Noted, Warned

usage = namedtuple("usage", "total used free")


def picture(path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.getvalue())


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A set of class folders, a cache of its own, and a count of the images that are decoded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "WORTHWHILE", 0.0)
    # However full the disk of this machine is.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 9 << 30))
    for seed in range(12):
        picture(
            tmp_path / "set" / ("train" if seed < 8 else "test") / "猫狗"[seed % 2] / f"{seed}.png",
            seed,
        )
    decoded = []
    real = images.pixels.decode

    def counting(*arguments):
        decoded.append(1)
        return real(*arguments)

    monkeypatch.setattr(images.pixels, "decode", counting)

    def run(data=tmp_path / "set", **config):
        decoded.clear()
        work = load([str(data)], SampleConfig(**config))
        records = []
        while True:
            try:
                records.append(next(work))
            except StopIteration as end:
                said = "\n".join(r.text for r in records if isinstance(r, (Noted, Warned)))
                return SimpleNamespace(samples=end.value, said=said, decoded=len(decoded))

    return SimpleNamespace(
        run=run, folder=tmp_path / "set", entries=tmp_path / "cache" / "dlkit" / "images"
    )


def equal(a, b) -> bool:
    return all(
        np.array_equal(a.splits[name].images, b.splits[name].images)
        and a.fingerprint(name) == b.fingerprint(name)
        and a.splits[name].paths == b.splits[name].paths
        for name in a.splits
    )


def test_the_second_run_decodes_nothing_and_gives_and_says_the_same(cached):
    (cached.folder / "train" / "猫" / "bad.png").write_bytes(b"x")
    first = cached.run(size="4", skip_bad=True)
    second = cached.run(size="4", skip_bad=True)
    assert (first.decoded, second.decoded) == (13, 0)
    assert equal(first.samples, second.samples)
    assert set(first.said.split("\n")) <= set(second.said.split("\n"))
    assert "train images: 8 decoded before, taken from the cache" in second.said
    assert "1 bad image" in second.said
    assert cached.entries.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ValueError, match="read-only"):
        second.samples.train.images[0] = 0


def test_a_changed_file_another_setting_and_a_new_file_are_decoded_anew(cached):
    cached.run()
    assert cached.run(colour="grey").decoded == 12
    assert cached.run(limit=4).decoded == 8
    path = cached.folder / "train" / "猫" / "0.png"
    before = path.stat()
    picture(path, 99)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = cached.run()
    assert changed.decoded >= 8
    assert np.array_equal(
        changed.samples.train.images[changed.samples.train.paths.index(str(path))],
        np.asarray(Image.open(path)),
    )
    picture(cached.folder / "test" / "狗" / "new.png", 100)
    assert cached.run().decoded == 5


def test_a_damaged_entry_is_thrown_away(cached):
    first = cached.run()
    for damage in (
        lambda data: data[:-1],
        lambda data: data[:50],
        lambda data: b"",
        lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    ):
        for path in cached.entries.iterdir():
            path.write_bytes(damage(path.read_bytes()))
        again = cached.run()
        assert equal(first.samples, again.samples)
        assert cached.run().decoded == 0


def test_images_in_files_that_a_table_names_are_not_kept(cached):
    rows = "".join(f"train/{'猫狗'[seed % 2]}/{seed}.png,{seed % 2}\n" for seed in range(8))
    table = cached.folder / "list.csv"
    table.write_text(f"file_name,label\n{rows}", encoding="utf-8")
    assert cached.run(table).decoded == 8
    assert cached.run(table).decoded == 8


def test_nor_are_those_that_a_parquet_file_names(cached):
    paths = [f"{cached.folder}/train/{'猫狗'[seed % 2]}/{seed}.png" for seed in range(8)]
    rows = [
        {"image": {"bytes": None, "path": path}, "label": place % 2}
        for place, path in enumerate(paths)
    ]
    table = cached.folder / "list.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), table)
    assert cached.run(table).decoded == 8
    assert cached.run(table).decoded == 8
    rows = [{**row, "image": {"bytes": Path(row["image"]["path"]).read_bytes()}} for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(rows), table)
    assert cached.run(table).decoded == 8
    assert cached.run(table).decoded == 0


def test_little_work_is_not_kept(cached, monkeypatch):
    monkeypatch.setattr(kept, "WORTHWHILE", 60.0)
    cached.run()
    assert cached.run().decoded == 12


def test_entries_that_nobody_uses_are_removed_and_the_newest_stay(cached, monkeypatch):
    cached.run()
    old = time.time() - 40 * 24 * 3600
    for path in cached.entries.iterdir():
        os.utime(path, (old, old))
    cached.run(colour="grey")
    assert len(list(cached.entries.iterdir())) == 2
    largest = max(path.stat().st_size for path in cached.entries.iterdir())
    monkeypatch.setattr(kept, "_MOST", largest + kept._HEADER)
    cached.run(colour="rgb", size="3")
    assert len(list(cached.entries.iterdir())) == 1


def test_all_entries_together_are_never_larger_than_the_limit(cached, monkeypatch):
    cached.run()
    before = sorted(cached.entries.iterdir())
    monkeypatch.setattr(kept, "_MOST", 10)
    assert cached.run(colour="grey").decoded == 12
    assert sorted(cached.entries.iterdir()) == before  # what is too large removes nothing else
    monkeypatch.setattr(kept, "_MOST", 5_000)
    for number in range(6, 12):
        cached.run(size=str(number), colour="grey", fit="stretch")
        sizes = [path.stat().st_size for path in cached.entries.iterdir()]
        assert len(sizes) > 1
        assert sum(sizes) <= 5_000, number


def test_without_room_or_cache_folder_nothing_is_kept_and_all_works(cached, monkeypatch):
    for total, free in ((10**15, 8 << 30), (10**9, 10**8)):  # the last 8 GiB, the last tenth
        monkeypatch.setattr(shutil, "disk_usage", lambda _, of=(total, 0, free): usage(*of))
        cached.run()
        assert not list(cached.entries.iterdir())
    monkeypatch.setattr(kept, "private_folder", lambda path: None)
    assert cached.run().decoded == 12
    assert image_parts.kept is kept
