"""Files that a user names are there whole or not at all, and never replaced unasked."""

from __future__ import annotations

import pytest

from dlkit.artifacts.placing import check_places, placed
from dlkit.errors import USAGE, DlkitError


def test_files_appear_together_when_all_is_written(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    with placed(paths, force=False) as streams:
        for stream in streams:
            stream.write(b"x" * 3_000_000)
        assert not any(path.exists() for path in paths)
    assert [path.stat().st_size for path in paths] == [3_000_000] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("problem", [KeyboardInterrupt, GeneratorExit, OSError(28, "full")])
def test_whatever_ends_the_work_leaves_nothing_and_the_old_file(tmp_path, problem):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"old")

    def work():
        with placed([old, new], force=True) as streams:
            streams[0].write(b"half")
            raise problem

    with pytest.raises((KeyboardInterrupt, GeneratorExit, DlkitError)):
        work()
    assert old.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(DlkitError, match="is there already") as caught:
        check_places([tmp_path / "b", path], force=False)
    assert caught.value.code == USAGE
    assert "--force" in caught.value.hint
    with placed([path], force=True) as (stream,):
        stream.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(DlkitError, match="is there already"), placed([path], force=False):
        path.write_bytes(b"another's")
    assert path.read_bytes() == b"another's"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with placed([tmp_path / "link"], force=True) as (stream,):
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_places_that_cannot_be_are_refused_before_the_work(tmp_path, permissions_count):
    (tmp_path / "closed").mkdir(mode=0o500)
    for path, message in (
        (tmp_path / "no" / "a", "there is no folder"),
        (tmp_path, "no regular file"),
        (tmp_path / "closed" / "a", "cannot be written"),
    ):
        with pytest.raises(DlkitError, match=message):
            check_places([path], force=True)
