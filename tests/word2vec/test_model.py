"""The PyTorch reference: shapes, first values, gradients from the formulas."""

from __future__ import annotations

import math

import pytest
import torch

from dlkit.word2vec.model import (
    ContinuousBagOfWords,
    SkipGram,
    freeze,
    hierarchical_softmax_loss,
    negative_sampling_loss,
    softmax_loss,
)

MODULES = (SkipGram, ContinuousBagOfWords)


def filled(kind, **options):
    torch.manual_seed(0)
    module = kind(7, 3, **options).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module


@pytest.mark.parametrize(("kind", "rows"), [(SkipGram, 4), (ContinuousBagOfWords, 1)])
def test_logits_have_a_row_for_each_prediction(kind, rows):
    logits = kind(7, 3)(torch.zeros(2, 4, dtype=torch.long), torch.zeros(2, 6, dtype=torch.long))
    assert logits.shape == (2, rows, 6)


@pytest.mark.parametrize("kind", MODULES)
def test_parameters_are_two_matrices_and_start_as_in_gensim(kind):
    module = kind(1000, 4)
    assert sum(p.numel() for p in module.parameters()) == 2 * 1000 * 4
    assert module.inputs.weight.abs().max() <= 1 / 4
    assert float(module.inputs.weight.detach().std()) == pytest.approx(
        0.5 / math.sqrt(12), rel=0.05
    )
    assert not module.outputs.weight.any()


@pytest.mark.parametrize("kind", MODULES)
def test_untrained_loss_is_log_2_for_each_output(kind):
    logits = kind(7, 3)(torch.tensor([1, 2]), torch.tensor([0, 4, 5]))
    assert float(negative_sampling_loss(logits).detach()) == pytest.approx(
        logits.numel() * math.log(2)
    )


def test_skipgram_gradient_is_the_formula():
    module = filled(SkipGram)
    contexts, targets = torch.tensor([1, 2]), torch.tensor([0, 4, 5])
    negative_sampling_loss(module(contexts, targets)).backward()
    x, y = module.inputs.weight[contexts].detach(), module.outputs.weight[targets].detach()
    error = torch.sigmoid(x @ y.T) - torch.tensor([1.0, 0.0, 0.0])
    assert torch.allclose(module.inputs.weight.grad[contexts], error @ y)
    assert torch.allclose(module.outputs.weight.grad[targets], error.T @ x)


@pytest.mark.parametrize(("divide", "share"), [(False, 1), (True, 3)])
def test_cbow_hands_the_gradient_of_the_mean_to_each_context(divide, share):
    module = filled(ContinuousBagOfWords, divide_gradient=divide)
    contexts, targets = torch.tensor([1, 2, 6]), torch.tensor([0, 4, 5])
    negative_sampling_loss(module(contexts, targets)).backward()
    h = module.inputs.weight[contexts].detach().mean(dim=0)
    y = module.outputs.weight[targets].detach()
    error = torch.sigmoid(y @ h) - torch.tensor([1.0, 0.0, 0.0])
    assert torch.allclose(module.inputs.weight.grad[contexts], (error @ y / share).expand(3, 3))
    assert torch.allclose(module.outputs.weight.grad[targets], torch.outer(error, h))


def test_cbow_leaves_out_masked_contexts():
    module = filled(ContinuousBagOfWords)
    targets = torch.tensor([0, 4])
    mask = torch.tensor([True, False, True])
    masked = module(torch.tensor([1, 5, 2]), targets, mask)
    assert torch.allclose(masked, module(torch.tensor([1, 2]), targets))


def test_loss_weights_leave_outputs_out():
    logits = torch.tensor([[0.3, -2.0, 5.0]])
    weights = torch.tensor([1.0, 1.0, 0.0])
    assert torch.allclose(
        negative_sampling_loss(logits, weights), negative_sampling_loss(logits[:, :2])
    )


def test_loss_stays_finite_for_large_logits():
    loss = negative_sampling_loss(torch.tensor([[-1e4, 1e4]]))
    assert float(loss) == pytest.approx(2e4)


def test_cbow_of_a_sum_is_the_sum_and_its_gradient():
    module = filled(ContinuousBagOfWords, context="sum")
    contexts, targets = torch.tensor([1, 2, 2]), torch.tensor([0, 4])
    logits = module(contexts, targets)
    h = module.inputs.weight[contexts].detach().sum(dim=0)
    y = module.outputs.weight[targets].detach()
    assert torch.allclose(logits[0], y @ h)
    negative_sampling_loss(logits).backward()
    error = torch.sigmoid(y @ h) - torch.tensor([1.0, 0.0])
    assert torch.allclose(module.inputs.weight.grad[1], error @ y)
    assert torch.allclose(module.inputs.weight.grad[2], 2 * error @ y)


@pytest.mark.parametrize("kind", MODULES)
def test_softmax_loss_is_minus_the_log_of_the_probability(kind):
    logits = filled(kind)(torch.tensor([[1, 2], [3, 1]]), torch.arange(7).expand(2, 7)).detach()
    centres = torch.randint(7, logits.shape[:-1], generator=torch.Generator().manual_seed(0))
    share = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    expected = -share.gather(-1, centres[..., None]).log().sum()
    assert float(softmax_loss(logits, centres)) == pytest.approx(float(expected))


def test_answers_to_all_questions_of_a_tree_are_a_distribution():
    # Root 2 with the children 1 and 0; node 1 with words a, b and node 0 with words c, d.
    logits = torch.randn(3, generator=torch.Generator().manual_seed(0)).double()
    ways = [([2, 1], [0, 0]), ([2, 1], [0, 1]), ([2, 0], [1, 0]), ([2, 0], [1, 1])]
    losses = [
        hierarchical_softmax_loss(logits[points], torch.tensor(codes)) for points, codes in ways
    ]
    assert sum(math.exp(-float(loss)) for loss in losses) == pytest.approx(1)
    first = torch.sigmoid(logits[2]) * torch.sigmoid(logits[1])
    assert float(losses[0]) == pytest.approx(-math.log(float(first)))


def test_tree_loss_weights_leave_padding_out():
    logits, codes = torch.tensor([[0.3, -2.0, 5.0]]), torch.tensor([[0, 1, 1]])
    weights = torch.tensor([[1.0, 1.0, 0.0]])
    assert torch.allclose(
        hierarchical_softmax_loss(logits, codes, weights),
        hierarchical_softmax_loss(logits[:, :2], codes[:, :2]),
    )


@pytest.mark.parametrize("kind", MODULES)
def test_frozen_rows_have_no_gradient_and_the_others_theirs(kind):
    contexts, targets = torch.tensor([2, 3, 2, 5]), torch.tensor([1, 0, 4])
    gradients = []
    for frozen in ([], [2, 6]):
        module = filled(kind)
        freeze(module.inputs, torch.tensor(frozen, dtype=torch.long))
        negative_sampling_loss(module(contexts, targets)).backward()
        gradients.append((module.inputs.weight.grad, module.outputs.weight.grad))
    (inputs, outputs), (kept, same) = gradients
    assert inputs[[2, 3, 5]].abs().min() > 0
    assert not kept[[2, 6]].any()
    assert torch.equal(kept[[0, 1, 3, 4, 5]], inputs[[0, 1, 3, 4, 5]])
    assert torch.equal(same, outputs)
