"""Negative sampling as one CUDA kernel: the compiled CPU kernels' design in Triton.

A program walks a run of centres in order. It keeps the outputs of a window (the centre and its
noise words) in registers while all contexts of the window pass by, so each row is read and written
once for a window. Rows are changed by atomic additions, so programs lose no update of one another,
but they read rows without locks: the bits of the result depend on the order of events. How many
programs run at once is the caller's choice, and with it how old what they read may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import triton  # type: ignore[import-untyped, import-not-found, unused-ignore]
import triton.language as tl  # type: ignore[import-untyped, import-not-found, unused-ignore]

if TYPE_CHECKING:
    from torch import Tensor

ATTEMPTS = tl.constexpr(4)  # draws of a noise word before it is given up for being the centre


@triton.jit
def _draw(table, size, centre, key, first, numbers):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Words of ``table`` other than ``centre``, the draws number ``first + numbers``; or it."""
    found = tl.zeros_like(numbers) + centre
    for attempt in tl.static_range(ATTEMPTS):
        # splitmix64, as on the CPU
        place = (first + numbers.to(tl.int64)) * ATTEMPTS + attempt
        z = key.to(tl.uint64) + place.to(tl.uint64) * 0x9E3779B97F4A7C15
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB
        high = (z ^ (z >> 31)) >> 32
        index = (high * size.to(tl.uint64)) >> 32
        drawn = tl.load(table + index.to(tl.int64))
        found = tl.where(found == centre, drawn, found)
    return found


@triton.jit
def _softplus(z):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    return tl.maximum(z, 0.0) + tl.log(1.0 + tl.exp(-tl.abs(z)))


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def train_windows(  # type: ignore[no-untyped-def] # noqa: ANN201, D417
    inputs,  # noqa: ANN001
    outputs,  # noqa: ANN001
    words,  # noqa: ANN001
    low,  # noqa: ANN001
    high,  # noqa: ANN001
    positions,  # noqa: ANN001
    table,  # noqa: ANN001
    losses,  # noqa: ANN001
    frozen,  # noqa: ANN001
    size,  # noqa: ANN001
    first,  # noqa: ANN001
    last,  # noqa: ANN001
    share,  # noqa: ANN001
    key,  # noqa: ANN001
    lr,  # noqa: ANN001
    dim: tl.constexpr,
    width: tl.constexpr,
    negative: tl.constexpr,
    slots: tl.constexpr,
    cbow: tl.constexpr,
    mean: tl.constexpr,
    freeze: tl.constexpr,
):
    """Train centres ``first .. last - 1``, ``share`` of them in each program.

    Args:
        inputs, outputs: (V, dim) float32.
        words: (n,) int64 ids; ``low``, ``high``: (n,) int64, the window of each.
        positions: (n,) int64 places in the stream, which name the draws.
        table: (size,) int32, the words to draw.
        losses: (programs,) float32, the summed loss of each.
        frozen: (V,) uint8, 1 for a row of the inputs that is only read; used if ``freeze``.
        width, slots: powers of two not below ``dim`` and ``1 + negative``.

    """
    program = tl.program_id(0)
    begin = first + program * share
    end = tl.minimum(begin + share, last)
    d = tl.arange(0, width)
    inside = d < dim
    k = tl.arange(0, slots)
    label = tl.where(k == 0, 1.0, 0.0)
    loss = 0.0
    for centre in range(begin, end):
        start = tl.load(low + centre)
        stop = tl.load(high + centre)
        word = tl.load(words + centre)
        drawn = _draw(table, size, word.to(tl.int32), key, tl.load(positions + centre) * slots, k)
        output = tl.where(k == 0, word, drawn.to(tl.int64))
        real = (k == 0) | ((k <= negative) & (output != word))
        # A centre without a context has no loss; its gradients are zero by themselves.
        weight = tl.where(real, 1.0, 0.0) * tl.minimum(stop - start - 1, 1).to(tl.float32)
        cells = outputs + output[:, None] * dim + d[None, :]
        mask = real[:, None] & inside[None, :]
        # .cg: atomic additions pass the first cache by, so it must not be read
        y = tl.load(cells, mask=mask, other=0.0, cache_modifier=".cg")
        change = tl.zeros([slots, width], tl.float32)
        if cbow:
            hidden = tl.zeros([width], tl.float32)
            for i in range(start, stop):
                context = inputs + tl.load(words + i) * dim + d
                x = tl.load(context, mask=inside & (i != centre), other=0.0, cache_modifier=".cg")
                hidden += x
            if mean:
                hidden = hidden / tl.maximum(stop - start - 1, 1).to(tl.float32)
            logit = tl.sum(y * hidden[None, :], 1)
            pull = lr * weight * (label - tl.sigmoid(logit))
            loss += tl.sum(weight * _softplus(tl.where(k == 0, -logit, logit)))
            change = pull[:, None] * hidden[None, :]
            moved = tl.sum(pull[:, None] * y, 0)
            for i in range(start, stop):
                seen = tl.load(words + i)
                reach = tl.where(tl.load(frozen + seen) == 0, dim, 0) if freeze else dim
                learning = (d < reach) & (i != centre)
                tl.atomic_add(inputs + seen * dim + d, moved, mask=learning, sem="relaxed")
        else:
            for i in range(start, stop):
                seen = tl.load(words + i)
                context = inputs + seen * dim + d
                other = inside & (i != centre)
                x = tl.load(context, mask=other, other=0.0, cache_modifier=".cg")
                logit = tl.sum(y * x[None, :], 1)
                counted = tl.where(i != centre, weight, 0.0)
                pull = lr * counted * (label - tl.sigmoid(logit))
                loss += tl.sum(counted * _softplus(tl.where(k == 0, -logit, logit)))
                change += pull[:, None] * x[None, :]
                reach = tl.where(tl.load(frozen + seen) == 0, dim, 0) if freeze else dim
                learning = (d < reach) & (i != centre)
                tl.atomic_add(context, tl.sum(pull[:, None] * y, 0), mask=learning, sem="relaxed")
        tl.atomic_add(cells, change, mask=mask, sem="relaxed")
    tl.store(losses + program, loss)


def train(
    inputs: Tensor,
    outputs: Tensor,
    piece: tuple[Tensor, Tensor, Tensor, Tensor],
    table: Tensor,
    *,
    first: int,
    last: int,
    programs: int,
    key: int,
    lr: float,
    negative: int,
    model: Literal["skipgram", "cbow"],
    context: Literal["mean", "sum"] = "mean",
    frozen: Tensor | None = None,
) -> Tensor:
    """Train centres ``first .. last - 1`` of a piece in place; returns their summed loss.

    Args:
        inputs: (V, D) float32, contiguous.
        outputs: the same for the output vectors.
        piece: words, low, high, positions, each (n,) int64.
        table: (N,) int32 words to draw, each as often as it is to come up.
        first: the first centre.
        last: the centre behind the last one.
        programs: how many centres may be trained at once.
        key: names the draws, a 64-bit number.
        lr: learning rate.
        negative: noise words of a window; one that is the centre is drawn anew up to three times
            and then left out.
        model: the update.
        context: whether CBOW predicts from the mean or the sum of the contexts.
        frozen: (V,) uint8, 1 for a row of the inputs that is only read; None where all learn.

    """
    import torch

    share = max(-(-(last - first) // programs), 1)
    grid = max(-(-(last - first) // share), 1)
    losses = torch.zeros(grid, dtype=torch.float32, device=inputs.device)
    kernel: Any = train_windows
    kernel[(grid,)](
        inputs, outputs, *piece, table, losses, table if frozen is None else frozen,
        len(table), first, last, share,
        key - (1 << 64) if key >> 63 else key, lr,
        dim=inputs.shape[1], width=triton.next_power_of_2(inputs.shape[1]), negative=negative,
        slots=triton.next_power_of_2(negative + 1), cbow=model == "cbow", mean=context == "mean",
        freeze=frozen is not None,
    )  # fmt: skip
    return losses.sum(dtype=torch.float64)
