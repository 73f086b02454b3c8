"""Reports about artifacts: numbered folders beside them, whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlkit.artifacts import manifest
from dlkit.artifacts.reports import check_report, report_parent, write_report
from dlkit.artifacts.store import list_artifacts
from dlkit.errors import DlkitError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_reports_are_numbered_and_none_is_overwritten(home):
    paths = [write_report("word2vec", "评论", "map", {"map.svg": b"%d" % i}) for i in range(3)]
    assert [path.name for path in paths] == ["map-1", "map-2", "map-3"]
    assert paths[0].parent == home / "reports" / "word2vec" / "评论"
    assert [(path / "map.svg").read_bytes() for path in paths] == [b"0", b"1", b"2"]
    assert write_report("word2vec", "评论", "inspect", {"f.svg": b""}).name == "inspect-1"


def test_a_report_holds_the_manifest_of_its_files():
    path = write_report("word2vec", "a", "map", {"map.svg": b"abc"})
    entries = manifest.decode((path / "MANIFEST").read_bytes(), where="here")
    assert entries["map.svg"].size == 3
    assert sorted(each.name for each in path.parent.iterdir()) == ["map-1"]


def test_a_file_in_the_way_of_a_number_is_passed_by(home):
    parent = home / "reports" / "word2vec" / "a"
    parent.mkdir(parents=True)
    (parent / "map-1").write_bytes(b"mine")
    (parent / "map-2").mkdir()
    (parent / "map-2" / "mine").write_bytes(b"")
    assert write_report("word2vec", "a", "map", {"map.svg": b""}).name == "map-3"
    assert (parent / "map-1").read_bytes() == b"mine"


def test_names_that_are_paths_stay_inside_the_reports(home):
    for name in ("../../x", "/etc/passwd", "..", ".", "", "a\nb", "x" * 300):
        path = report_parent("vectors", name)
        assert path.parent == home / "reports" / "vectors"
        assert path.name not in (".", "..")


def test_reports_are_no_artifacts():
    write_report("word2vec", "a", "map", {"map.svg": b""})
    assert list_artifacts() == []


def test_a_failed_report_leaves_nothing(home):
    def fails(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DlkitError, match="No space left"):
        write_report("word2vec", "a", "map", {"map.svg": fails})
    assert list((home / "reports" / "word2vec" / "a").iterdir()) == []


def test_a_report_that_cannot_get_its_name_leaves_nothing(home, monkeypatch):
    def refuse(self, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(DlkitError, match="Input/output error"):
        write_report("word2vec", "a", "map", {"map.svg": b""})
    assert list((home / "reports" / "word2vec" / "a").iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_before_the_work(home, permissions_count):
    check_report("word2vec", "a")
    assert not home.exists()
    home.mkdir(mode=0o500)
    with pytest.raises(DlkitError, match="cannot be written"):
        check_report("word2vec", "a")
    home.chmod(0o700)
    (home / "reports").write_bytes(b"")
    with pytest.raises(DlkitError, match="cannot be written"):
        check_report("word2vec", "a")
