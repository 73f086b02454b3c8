"""What is told of samples is what happened, and where it happened."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlkit.data.config import SampleConfig
from dlkit.data.forms import ImageForm
from dlkit.data.image_signs import followed
from dlkit.data.loading import load
from dlkit.data.queries import read_queries
from dlkit.errors import DlkitError

RNG = np.random.default_rng(4)


def run(work):
    said = []
    while True:
        try:
            said.append(getattr(next(work), "text", ""))
        except StopIteration as end:
            return SimpleNamespace(got=end.value, said="\n".join(said))


def loaded(*data, **config):
    return run(load([str(each) for each in data], SampleConfig(**config)))


def picture(mode: str, form: str = "PNG", alpha: int | None = None) -> bytes:
    shape = {"L": (6, 5), "LA": (6, 5, 2), "RGB": (6, 5, 3), "RGBA": (6, 5, 4)}[mode]
    pixels = RNG.integers(0, 250, shape, np.uint8)
    if alpha is not None:
        pixels[..., -1] = alpha
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def test_tables_that_are_read_together_are_named(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,label\n1,p\n2,q\n5,p\n7,q\n", encoding="utf-8")
    said = loaded(tmp_path / "a.csv", tmp_path / "b.csv").said
    assert f"{tmp_path / 'a.csv'}, {tmp_path / 'b.csv'} are read together: the split train" in said
    (tmp_path / "b.csv").rename(tmp_path / "test.csv")
    assert "read together" not in loaded(tmp_path / "a.csv", tmp_path / "test.csv").said


def test_a_share_that_equal_samples_change_is_told(tmp_path):
    rows = "1,p\n" * 60 + "2,p\n3,p\n" + "4,q\n" * 2 + "5,q\n"
    (tmp_path / "t.csv").write_text("x,label\n" + rows, encoding="utf-8")
    found = loaded(tmp_path / "t.csv")
    share = len(found.got.test) / 65
    assert abs(share - 0.2) > 0.05
    assert f"{share:.0%} are held out, not 20% (--test-share): equal samples" in found.said
    rows = "".join(f"{n / 7},{'pq'[n % 2]}\n" for n in range(60))
    (tmp_path / "t.csv").write_text("x,label\n" + rows, encoding="utf-8")
    assert "--test-share" not in loaded(tmp_path / "t.csv").said


def test_only_what_shines_through_is_laid_on_white(tmp_path):
    cells = [("LA", 255), ("LA", 9), ("RGBA", 255), ("RGBA", 0)]
    for name in "ab":
        (tmp_path / name).mkdir()
        for number, (mode, alpha) in enumerate(cells):
            (tmp_path / name / f"{number}.png").write_bytes(picture(mode, alpha=alpha))
    assert "images: 4 images with transparency laid on white" in loaded(tmp_path).said
    assert "images: 8 images made colour from grey" not in loaded(tmp_path).said


ENDS = [("PNG", "PNG"), ("PNG", "JPEG"), ("JPEG", "JPEG"), ("JPEG", "PNG"), ("PNG", "GIF")]


@pytest.mark.parametrize("forms", ENDS)
def test_a_second_image_at_standard_input_is_refused(forms):
    both = b"".join(picture("L", form) for form in forms)
    assert followed(both)
    assert not followed(picture("L", forms[0]))
    work = read_queries(["-"], ImageForm(6, 5, 1), SampleConfig(), stdin=io.BytesIO(both))
    with pytest.raises(DlkitError, match="holds several images, one behind the other"):
        run(work)


def test_bytes_that_are_no_image_may_follow_one():
    assert not followed(picture("RGB", "JPEG") + b"\0" * 20)
    assert not followed(picture("RGB") + b"trailing")
    assert not followed(b"")


def test_a_bad_query_among_several_calls_is_told_without_a_claim_about_the_others(tmp_path):
    from collections import Counter

    (tmp_path / "x.png").write_bytes(b"x")
    config = SampleConfig(skip_bad=True)
    form = ImageForm(6, 5, 1)
    with pytest.raises(DlkitError) as caught:
        run(read_queries([str(tmp_path / "x.png")], form, config, tally=Counter()))
    assert caught.value.message.startswith("1 bad image (")
    with pytest.raises(DlkitError, match=r"^no queries left: 1 bad image"):
        run(read_queries([str(tmp_path / "x.png")], form, config))


def test_rows_of_another_length_can_be_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,label\n1,p\n2\n3,p\n4,q,9\n5,q\n6,q\n", encoding="utf-8")
    with pytest.raises(DlkitError) as caught:
        loaded(path)
    assert f"{path}: line " in caught.value.message
    found = loaded(path, skip_bad=True)
    assert len(found.got.train) + len(found.got.test) == 4
    assert f"2 bad rows ({path}: line 3 has 1 cell, but there are 2 columns; " in found.said
    assert f"{path}: line 5 has 3 cells, but there are 2 columns) left out" in found.said
    path.write_text("x,label\n1,p\n2\n3,q\n", encoding="utf-8")
    with pytest.raises(DlkitError) as caught:
        loaded(path)
    assert caught.value.hint.startswith("--skip-bad leaves out")


def test_a_table_in_another_encoding_names_only_options_that_there_are(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("文本,标签\n很好吃,好\n".encode("gbk"))
    with pytest.raises(DlkitError) as caught:
        loaded(path)
    assert caught.value.hint == "--encoding gb18030 (or what it is in)"
