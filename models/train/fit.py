"""Training: maps of `Lower` and truths in, a trained `Upper` out. The same seed gives the same weights on one machine."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from cuts import Cut
from network import Upper, Weights
from torch.nn import functional

Maps = npt.NDArray[np.float16]
"""Variants x cuts x 80 x 7 x 7."""

STEPS, BATCH = 450, 64
RATE = 5e-4
"""Peak learning rate of the blocks; the head's is four times as high."""
DECAY = 0.05
SMOOTHING = 0.05
"""Truths are 0.05 and 0.95: a hundredth of the labels are wrong."""
ONE_SIDED = 0.3
"""Weight of a source that shows only phones, or none. Much of it would teach the look of the source."""
BESIDE_WEIGHT = 0.5
"""Weight of places beside a labelled phone: some hold one that nobody labelled."""


def weigh(cuts: Sequence[Cut]) -> npt.NDArray[np.float64]:
    """How often each cut is drawn. In every source phones and other things weigh the same, so that a source's look
    tells nothing; larger sources weigh more, but only by the root of their size.
    """
    sources = np.array([cut.picture.source for cut in cuts])
    truths = np.array([cut.phone for cut in cuts])
    kinds = np.where([cut.kind == "beside" for cut in cuts], BESIDE_WEIGHT, 1.0)
    weights = np.zeros(len(cuts))
    for source in sorted(set(sources)):
        here = [(sources == source) & (truths == truth) for truth in (False, True)]
        counts = [int(part.sum()) for part in here]
        mass = min(counts) ** 0.5 if min(counts) > 10 else ONE_SIDED * max(counts) ** 0.5
        for part in here:
            if part.any():
                weights[part] = kinds[part] / kinds[part].sum() * mass
    return weights / weights.sum()


def fit(maps: Maps, cuts: Sequence[Cut], published: Weights, seed: int) -> Upper:
    """An `Upper` trained on the cuts whose maps these are; the mean of its last states, which errs less than the last."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    weights = weigh(cuts)
    truths = np.array([cut.phone for cut in cuts], np.float32)
    network = Upper(published).to(memory_format=torch.channels_last)
    mean = copy.deepcopy(network).eval()
    head = [p for name, p in network.named_parameters() if not name.startswith("_blocks")]
    groups = [{"params": list(network._blocks.parameters()), "lr": RATE}, {"params": head, "lr": 4 * RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [RATE, 4 * RATE], total_steps=STEPS, pct_start=0.15)
    network.train()
    for step in range(STEPS):
        chosen = random.choice(len(cuts), BATCH, p=weights)
        variants = random.integers(len(maps), size=BATCH)
        x = torch.from_numpy(maps[variants, chosen].astype(np.float32)).contiguous(memory_format=torch.channels_last)
        y = torch.from_numpy(truths[chosen]) * (1 - 2 * SMOOTHING) + SMOOTHING
        # Mixed pairs: between two cuts, between two truths.
        share, other = float(random.beta(0.3, 0.3)), torch.randperm(BATCH)
        x, y = share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]
        loss = functional.binary_cross_entropy_with_logits(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        _follow(mean, network, min(0.995, (step + 1) / (step + 11)))
    return mean


def _follow(mean: Upper, network: Upper, keep: float) -> None:
    with torch.no_grad():
        for kept, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.mul_(keep).add_(new, alpha=1 - keep)
            else:
                kept.copy_(new)
