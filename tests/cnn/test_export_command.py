"""Exported networks give the probabilities that dlkit gives, on real test images."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from dlkit.data.builtin_samples import make
from dlkit.data.config import SampleConfig


@pytest.fixture
def digits(dlkit):
    """An artifact cnn/digits of a fast network."""
    dlkit("cnn", "train", "builtin:digits", "--widths", "16,32", "--epochs", "1", "--limit", "300",
          "--threads", "1")  # fmt: skip


@pytest.mark.slow
def test_other_tools_say_what_dlkit_says(dlkit, digits, drive, tmp_path):
    import onnxruntime
    import torch

    from dlkit.classifiers.opened import ask
    from dlkit.cnn.saved import open_classifier

    images = make("digits", SampleConfig(), seed=1).splits["train"].images[-100:]
    classifier = open_classifier(dlkit.home / "cnn" / "digits")
    expected = drive(ask(classifier, images, what="images"))[1]
    turned = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    for suffix in (".onnx", ".pt2"):
        path = tmp_path / f"digits{suffix}"
        dlkit("cnn", "export", path)
        if suffix == ".onnx":
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            (found,) = session.run(["probabilities"], {"images": turned})
        else:
            with zipfile.ZipFile(path) as members:  # of which none holds another archive, a pickle
                for name in members.namelist():
                    assert members.read(name)[:2] not in (b"PK", b"\x80\x02"), name
            module = torch.export.load(path).module()
            found = module(torch.from_numpy(turned)).detach().numpy()
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert found.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()
        told = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
        assert told["classes"] == [str(digit) for digit in range(10)]
        assert told["input"]["shape"] == ["samples", 1, 8, 8]


def test_weights_can_be_had_alone_and_nothing_is_replaced_unasked(dlkit, digits, tmp_path):
    from dlkit.artifacts.tensors import read_tensors

    path = tmp_path / "digits.safetensors"
    dlkit("cnn", "export", path)
    kept = read_tensors(dlkit.home / "cnn" / "digits" / "weights.safetensors")
    written = read_tensors(path)
    assert written.keys() == kept.keys()
    assert all(np.array_equal(written[name], kept[name]) for name in kept)
    assert "is there already" in dlkit("cnn", "export", path, check=2).stderr
    assert "the suffix is none of" in dlkit("cnn", "export", "x.pt", check=2).stderr
