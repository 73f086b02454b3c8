"""The n-grams that tell classes apart are read as they were written."""

from __future__ import annotations

from types import SimpleNamespace

from dlkit.classify.telling import FILE, Telling, telling_of, write_telling


def test_names_with_separators_of_lines_come_back(tmp_path):
    class Folder:
        def __contains__(self, name):
            return (tmp_path / name).exists()

        def read(self, name):
            return (tmp_path / name).read_bytes()

    classifier = SimpleNamespace(artifact=Folder())
    assert telling_of(classifier) == []
    names = ("a\u2028b", "c\x85d", "e\nf", "g\x1ch", "好\ud800")
    told = [Telling(name, "n\u2029g", place / 3) for place, name in enumerate(names)]
    (tmp_path / FILE).write_bytes(write_telling(told))
    assert telling_of(classifier) == told
    (tmp_path / FILE).write_bytes(b"")
    assert telling_of(classifier) == []
