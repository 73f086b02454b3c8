"""The losses of metric learning are those of the papers, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from dlkit.cnn.search.losses import Partners, build
from dlkit.cnn.search.model import Head


def softmax_loss(scores, label):
    return -scores[label] + math.log(sum(math.exp(each) for each in scores))


@pytest.mark.parametrize("kind", ["cosface", "arcface"])
def test_a_margin_is_taken_off_the_own_class(kind):
    cosines = torch.tensor([[0.9, -0.2, 0.1], [0.3, 0.2, -0.95], [0.0, 0.5, 0.5]])
    labels = torch.tensor([0, 2, 1])
    margin, scale, total = 0.4, 8.0, 0.0
    for row, label in zip(cosines.tolist(), labels.tolist(), strict=True):
        angle = math.acos(row[label])
        if kind == "cosface":
            moved = row[label] - margin
        elif angle + margin <= math.pi:
            moved = math.cos(angle + margin)
        else:
            moved = row[label] - margin * math.sin(margin)
        scores = [scale * value for value in row]
        scores[label] = scale * moved
        total += softmax_loss(scores, label)
    loss = build(kind, margin=margin, scale=scale, temperature=1)
    assert float(loss.total(cosines, labels)) == pytest.approx(total, rel=1e-5)
    assert int(loss.measured(cosines, labels)) == 2
    plain = sum(
        softmax_loss([scale * value for value in row], label)
        for row, label in zip(cosines.tolist(), labels.tolist(), strict=True)
    )
    assert float(loss.plain.total(cosines, labels)) == pytest.approx(plain, rel=1e-5)


def test_the_margin_of_an_angle_has_finite_gradients_everywhere():
    cosines = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0]], requires_grad=True)
    loss = build("arcface", margin=0.5, scale=30, temperature=1)
    loss.total(cosines, torch.tensor([0, 0, 1])).backward()
    assert torch.isfinite(cosines.grad).all()


def test_supervised_contrast_is_the_mean_over_the_others_of_a_class():
    torch.manual_seed(0)
    rows = normalize(torch.randn(4, 2, 5), dim=-1)
    labels = torch.tensor([0, 1, 0, 2])
    flat, both = rows.flatten(0, 1).double(), labels.repeat_interleave(2)
    total = 0.0
    for i in range(8):
        logits = [float(flat[i] @ flat[j]) / 0.2 for j in range(8)]
        below = math.log(sum(math.exp(each) for j, each in enumerate(logits) if j != i))
        own = [j for j in range(8) if j != i and both[j] == both[i]]
        total += sum(below - logits[j] for j in own) / len(own) / 2
    loss = build("supcon", margin=0, scale=1, temperature=0.2)
    assert float(loss.total(rows, labels)) == pytest.approx(total, rel=1e-5)


def test_a_triplet_is_of_the_hardest_of_the_batch():
    torch.manual_seed(1)
    rows = normalize(torch.randn(3, 2, 4), dim=-1)
    labels = torch.tensor([0, 1, 0])
    flat, both = rows.flatten(0, 1).double(), labels.repeat_interleave(2)
    cosines = (flat @ flat.T).numpy()
    total = 0.0
    for i in range(6):
        own = [cosines[i, j] for j in range(6) if j != i and both[j] == both[i]]
        other = [cosines[i, j] for j in range(6) if both[j] != both[i]]
        total += max(0.0, 0.3 + max(other) - min(own)) / 2
    loss = build("triplet", margin=0.3, scale=1, temperature=1)
    assert float(loss.total(rows, labels)) == pytest.approx(total, rel=1e-5)
    one = rows[:1].clone().requires_grad_()  # a batch of one class has nothing to be far from
    alone = loss.total(one, labels[:1])
    alone.backward()
    assert float(alone.detach()) == 0
    assert torch.isfinite(one.grad).all()


def test_partners_are_others_of_the_class_all_alike_often():
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 1, 0])
    rows = torch.arange(8.0)[:, None]
    partners = Partners(rows, labels)
    generator = torch.Generator().manual_seed(0)
    places = torch.tensor([0, 3, 4]).repeat(600)
    made = partners(rows[places], generator, 0, places)
    assert made.shape == (1800, 2, 1)
    assert (made[:, 0] == rows[places]).all()
    theirs = made[:, 1, 0].long()
    for place, others in ((0, [2, 5, 7]), (3, [3]), (4, [1, 6])):
        some = theirs[places == place]
        counts = np.bincount(some.numpy(), minlength=8)
        assert np.flatnonzero(counts).tolist() == others
        assert counts[others].min() > 600 / len(others) * 0.7


def test_a_head_gives_embeddings_of_length_1_whatever_its_depth():
    torch.manual_seed(0)
    for hidden, classes in (((), 0), ((7, 5), 3)):
        head = Head(6, 4, hidden=hidden, classes=classes, mean=torch.ones(6), scale=2.0)
        rows = torch.randn(9, 6)
        assert torch.allclose(head.embed(rows).norm(dim=1), torch.ones(9), atol=1e-6)
        made = head(rows)
        assert made.shape == (9, classes or 4)
        assert float(made.detach().abs().max()) <= 1 + 1e-6
