"""Published weights: those that fit are taken, those that do not are told, nothing is unpickled."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dlkit.cnn import vgg
from dlkit.cnn.model import build
from dlkit.cnn.pretrained import MEAN, STD, fetch, load
from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError
from dlkit.records import Noted, Warned

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def finish(work):
    """The texts of a generator's records, and its result."""
    told = []
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            return told, end.value
        assert isinstance(record, Noted | Warned)
        told.append(record.text)


def made(name, *, size=(16, 16), channels=3, classes=4, seed=0, **arguments):
    torch.manual_seed(seed)
    return build(
        name, channels=channels, size=size, classes=classes,
        mean=(0.5,) * 3, std=(0.5,) * 3, **arguments,
    )  # fmt: skip


def written(tensors, path):
    save_file({key: each.contiguous() for key, each in tensors.items()}, path)
    return path


def body_of(model):
    """What a file of another hand holds: no pixels."""
    state = model.state_dict()
    return {key: each.clone() for key, each in state.items() if not key.startswith("pixels.")}


def test_weights_of_torchvision_give_its_scores_and_features(tmp_path):
    from torchvision import models

    torch.manual_seed(1)
    theirs = models.resnet18(weights=None).eval()
    path = written(theirs.state_dict(), tmp_path / "resnet18.safetensors")
    given = torch.randint(0, 256, (2, 3, 80, 72), dtype=torch.uint8)
    scaled = (given / 255 - torch.tensor(MEAN).view(-1, 1, 1)) / torch.tensor(STD).view(-1, 1, 1)
    with torch.no_grad():
        scores = theirs(scaled)
        theirs.fc = torch.nn.Identity()
        rows = theirs(scaled)
    same = made("resnet18", size=(80, 72), classes=1000)
    told, weights = finish(load(same, str(path)))
    assert told[1:] == [f"102 of 102 tensors begin as in {path}"]
    assert weights.document() == {
        "from": str(path), "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
    }  # fmt: skip
    other = made("resnet18", size=(80, 72), classes=7)
    before = other.fc.weight.clone()
    told, _ = finish(load(other, weights))
    assert told[0] == f"100 of 102 tensors begin as in {path}"
    assert told[1] == (
        "2 begin at random: fc.weight (1000 x 512 in the file, 7 x 512 here), "
        "fc.bias (1000 in the file, 7 here)"
    )
    assert torch.equal(other.fc.weight, before)
    # Of images of one channel, too: each grey is shown as the three colours.
    grey = given[:, :1]
    with torch.no_grad():
        torch.testing.assert_close(same.eval()(given), scores, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(other.eval().features(given), rows, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(other(grey), other(grey.expand(-1, 3, -1, -1)))


def test_vgg_takes_the_names_of_torchvision_and_of_timm(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg, "_HIDDEN", 4)
    model = made("vgg11", size=(70, 70), classes=3, seed=1)
    torchvision = {model.published(key)[1 if key.startswith("layers.") else 0]: each
                   for key, each in body_of(model).items()}  # fmt: skip
    assert "features.0.weight" in torchvision
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2"}
    timm = {}
    for key, each in torchvision.items():
        layer, _, what = key.rpartition(".")
        if layer in names and what == "weight":
            side = 7 if layer == "classifier.0" else 1
            each = each.view(len(each), -1, side, side)
        timm[f"{names.get(layer, layer.replace('classifier.6', 'head.fc'))}.{what}"] = each
    assert timm["pre_logits.fc1.weight"].shape == (4, 512, 7, 7)
    for number, state in enumerate((torchvision, timm)):
        other = made("vgg11", size=(70, 70), classes=3, seed=2)
        told, _ = finish(load(other, str(written(state, tmp_path / f"{number}.safetensors"))))
        assert len(told) == 2
        for key, each in body_of(model).items():
            assert torch.equal(other.state_dict()[key], each), key


def test_a_small_vgg_takes_the_convolutions_of_a_large_one(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg, "_HIDDEN", 4)
    large = made("vgg11", size=(70, 70), classes=3, seed=1)
    path = written(body_of(large), tmp_path / "w.safetensors")
    small = made("vgg11", seed=2)
    told, _ = finish(load(small, str(path)))
    assert told[2] == "2 begin at random: classifier.1.weight, classifier.1.bias"
    assert told[3].startswith("6 of the file are not used: classifier.")
    assert torch.equal(small.layers[0].weight, large.layers[0].weight)


def test_our_own_weights_bring_the_scaling_of_their_pixels(tmp_path):
    one = made("resnet20", seed=1, width=4)
    one.pixels.mean.fill_(0.25)
    path = written(one.state_dict(), tmp_path / "w.safetensors")
    other = made("resnet20", width=4)
    told, weights = finish(load(other, str(path)))
    assert weights.mean == (0.25, 0.25, 0.25)
    assert told == [f"97 of 97 tensors begin as in {path}"]  # and nothing of ImageNet's pixels
    for key, each in one.state_dict().items():
        assert torch.equal(other.state_dict()[key], each), key


def test_torchvisions_own_names_fit_a_network_by_name(tmp_path):
    from torchvision import models

    torch.manual_seed(1)
    theirs = models.shufflenet_v2_x0_5(weights=None).eval()
    path = written(theirs.state_dict(), tmp_path / "w.safetensors")
    model = made("torchvision:shufflenet_v2_x0_5", size=(64, 64), classes=1000)
    told, _ = finish(load(model, str(path)))
    assert len(told) == 2
    given = torch.rand(1, 3, 64, 64)
    scaled = (given - torch.tensor(MEAN).view(-1, 1, 1)) / torch.tensor(STD).view(-1, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(given), theirs(scaled), rtol=1e-4, atol=1e-4)


def test_half_precision_is_read_and_counters_may_be_missing(tmp_path):
    one = made("resnet20", seed=1, width=4)
    state = {key: each.half() for key, each in body_of(one).items() if "batches" not in key}
    other = made("resnet20", width=4)
    told, _ = finish(load(other, str(written(state, tmp_path / "w.safetensors"))))
    assert len(told) == 2
    assert other.conv1.weight.dtype == torch.float32
    assert torch.equal(other.conv1.weight, one.conv1.weight.half().float())


def test_weights_of_another_network_are_refused(tmp_path):
    path = written(body_of(made("resnet18")), tmp_path / "w.safetensors")
    model = made("resnet20", width=4)
    before = {key: each.clone() for key, each in model.state_dict().items()}
    with pytest.raises(DlkitError, match="another network: 0 of the 95 tensors") as caught:
        finish(load(model, str(path)))
    assert caught.value.code == USAGE
    assert all(torch.equal(each, before[key]) for key, each in model.state_dict().items())


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = body_of(made("resnet20", width=4))
    state["conv1.weight"][1, 0, 2, 1] = np.nan
    path = written(state, tmp_path / "w.safetensors")
    with pytest.raises(DlkitError, match=r"conv1.weight\[1, 0, 2, 1\] is NaN") as caught:
        finish(load(made("resnet20", width=4), str(path)))
    assert caught.value.code == DAMAGED


def test_what_a_folder_says_of_pixels_is_taken(tmp_path):
    written(body_of(made("resnet20", width=4)), tmp_path / "model.safetensors")
    settings = {"architecture": "x", "pretrained_cfg": {"mean": [0.5, 0.5, 1], "std": [1, 0.5, 2]}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    model = made("resnet20", width=4)
    told, weights = finish(load(model, str(tmp_path)))
    assert (weights.mean, weights.std) == ((0.5, 0.5, 1.0), (1.0, 0.5, 2.0))
    assert model.pixels.mean.flatten().tolist() == [0.5, 0.5, 1]
    assert len(told) == 1
    (tmp_path / "config.json").write_text("{}")
    told, weights = finish(fetch(str(tmp_path)))
    assert weights.mean == MEAN
    assert "ImageNet" in told[0]
    for wrong in (
        '{"mean": [1], "std": [0]}',
        '{"mean": [1], "std": "x"}',
        '{"a":1,"a":2}',
        "\xff",
    ):
        (tmp_path / "config.json").write_text(wrong, encoding="latin-1")
        with pytest.raises(DlkitError, match=r"config\.json") as caught:
            finish(fetch(str(tmp_path)))
        assert caught.value.code == DAMAGED


def test_pickles_are_not_read(tmp_path):
    path = tmp_path / "resnet.pth"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(DlkitError, match="pickle") as caught:
        finish(fetch(str(path)))
    assert caught.value.code == DAMAGED


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("./nothing.safetensors", NOT_FOUND),
        ("nothing.safetensors", NOT_FOUND),
        ("resnet18", USAGE),
        ("a/b/c", USAGE),
        ("owner/name@", USAGE),
        ("hub:owner", USAGE),
        ("", USAGE),
    ],
)
def test_what_is_neither_file_nor_model_is_refused(given, code):
    with pytest.raises(DlkitError) as caught:
        finish(fetch(given))
    assert caught.value.code == code
    assert caught.value.hint


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The hub's cache with one model, as the hub's own library lays it out; no network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    folder = tmp_path / "hub" / "models--owner--net"
    for each in ("blobs", "refs", f"snapshots/{COMMIT}"):
        (folder / each).mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    content = written(body_of(made("resnet20", width=4, seed=1)), tmp_path / "w").read_bytes()
    put(folder, "model.safetensors", content, hashlib.sha256(content).hexdigest())
    settings = json.dumps({"pretrained_cfg": {"mean": [0.1] * 3, "std": [0.2] * 3}})
    put(folder, "config.json", settings.encode(), "0" * 40)
    return folder


def put(folder, name, content, blob):
    (folder / "blobs" / blob).write_bytes(content)
    (folder / "snapshots" / COMMIT / name).symlink_to(f"../../blobs/{blob}")


@pytest.mark.parametrize("given", ["owner/net", "hub:owner/net@main", f"owner/net@{COMMIT}"])
def test_a_model_of_the_hub_is_told_by_its_commit(cache, given):
    told, weights = finish(fetch(given))
    assert weights.reference == f"owner/net@{COMMIT}"
    assert weights.mean == (0.1, 0.1, 0.1)
    assert told == ([] if COMMIT in given else [f"weights: owner/net@{COMMIT}"])
    told, _ = finish(load(made("resnet20", width=4), weights))
    assert told == [f"97 of 97 tensors begin as in owner/net@{COMMIT}"]


def test_a_commit_in_the_cache_asks_nobody(cache, monkeypatch):
    import huggingface_hub

    download, asked = huggingface_hub.hf_hub_download, []

    def watched(name, file, **options):
        asked.append((file, options["local_files_only"]))
        return download(name, file, **options)

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("dlkit.data.hub.ask", lambda *_, **__: pytest.fail("asked"))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", watched)
    _, weights = finish(fetch(f"owner/net@{COMMIT}"))
    assert weights.reference.endswith(COMMIT)
    assert asked == [("model.safetensors", True), ("config.json", True)]


def test_without_the_hub_the_cache_serves_and_says_so(cache, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody answers
    told, weights = finish(fetch("owner/net"))
    assert told[0] == "the hub cannot be reached: owner/net is taken from the cache"
    assert weights.reference == f"owner/net@{COMMIT}"
    with pytest.raises(DlkitError, match="cannot be reached to look for the model") as caught:
        finish(fetch("owner/other"))
    assert caught.value.code == NOT_FOUND


def test_what_the_cache_does_not_have_is_named(cache, monkeypatch):
    with pytest.raises(DlkitError, match="HF_HUB_OFFLINE is set") as caught:
        finish(fetch("owner/other"))
    assert "hf download owner/other model.safetensors" in caught.value.hint
    with pytest.raises(DlkitError, match=r"no model.safetensors of owner/net@v2") as caught:
        finish(fetch("owner/net@v2"))
    assert caught.value.code == NOT_FOUND


def test_a_file_of_the_cache_that_is_not_what_its_name_says_is_refused(cache):
    (blob,) = (each for each in (cache / "blobs").iterdir() if len(each.name) == 64)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    with pytest.raises(DlkitError, match="its SHA-256 is") as caught:
        finish(fetch("owner/net"))
    assert caught.value.code == DAMAGED
    assert caught.value.hint.startswith("rm ")
