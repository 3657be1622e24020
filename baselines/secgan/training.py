"""Algorithm 1: the discriminators step by step, the generators every N steps; the state of a run, saved and taken up again.

    trainer = Trainer(config, faces, device, parser)
    for progress in train(trainer, Run(folder)):
        print(progress)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from baselines.data.faces import Faces
from baselines.secgan.config import ADAM_BETAS, WARM_UP_RATE, SecganConfig
from baselines.secgan.feed import Feed
from baselines.secgan.networks import make_branches
from baselines.secgan.objective import Batch, Losses, Objective
from portraits import processes
from portraits.training import AveragedWeights, Budget, maps_dtype, set_learning_rate
from segmentation.parser import FaceParser


class Trainer:
    """Networks, optimisers and the steps taken. Two trainers of the same arguments take the same steps to the bit."""

    def __init__(self, config: SecganConfig, faces: Faces, device: torch.device, parser: FaceParser | None = None,
                 dtype: torch.dtype | None = None) -> None:
        """parser: on the device; needed by "secgan", and by "concat" unless masks come from the data. dtype: of the feature maps,
        the device's fast one if None. Raises ValueError for settings that the data cannot serve."""
        self.config, self.device = config, device
        dtype = maps_dtype(device) if dtype is None else dtype
        self.feed = Feed(config, faces, device, parser)
        torch.manual_seed(config.seed)
        self.branches = make_branches(config).to(device)
        if dtype is torch.bfloat16:
            for branch in self.branches.values():  # the discriminators' large filters multiply small maps, as plain matrices
                branch.generator.to(memory_format=torch.channels_last)
        self.objective = Objective(config, self.branches, parser, dtype)
        self.of_discriminators = [p for branch in self.branches.values() for p in branch.discriminator.parameters()]
        self.of_generators = [p for branch in self.branches.values() for p in branch.generator.parameters()]
        self.discriminators, self.generators = (
            torch.optim.Adam(parameters, config.rate, ADAM_BETAS, fused=True) for parameters in (self.of_discriminators, self.of_generators))
        self.averages = {name: AveragedWeights(branch.generator, config.average) for name, branch in self.branches.items()}
        self.budget = Budget(config.steps, config.minutes)
        self.fraction = 0.0

    def steps(self) -> Iterator[Losses]:
        """Step until the budget is used, yielding each step's losses; those of the generators only where they moved."""
        self.fraction = processes.shared(self.budget.fraction, self.device)
        batches = self.feed.batches(self.budget.step)
        while self.fraction < 1:
            yield self.step(next(batches))

    def step(self, batch: Batch) -> Losses:
        """One turn of algorithm 1's loop, or of the warm-up before it."""
        warmed = self.budget.step >= self.config.warm_up
        self._learn_at(self.config.rate * self.config.published.rate(self.fraction) if warmed else WARM_UP_RATE)
        if self.budget.step == self.config.warm_up:
            self._forget_moments()
        found = {f"d/{name}": value for name, value in self._discriminate(batch, warmed).items()}
        self.budget.step += 1
        if not warmed:
            found |= {f"g/{name}": value for name, value in self._rebuild(batch).items()}
        elif self.budget.step % self.config.discriminator_steps == 0:
            found |= {f"g/{name}": value for name, value in self._generate(batch).items()}
        self.fraction = processes.shared(self.budget.fraction, self.device)
        return found

    def _discriminate(self, batch: Batch, warmed: bool) -> Losses:
        found = self.objective.discriminators(batch) if warmed else self.objective.naming(batch)
        self._descend(self.objective.total(found, generators=False), self.discriminators, self.of_discriminators)
        return {name: value.detach() for name, value in found.items()}

    def _generate(self, batch: Batch) -> Losses:
        return self._move_generators(self.objective.generators(batch))

    def _rebuild(self, batch: Batch) -> Losses:
        return self._move_generators(self.objective.rebuilding(batch))

    def _move_generators(self, found: Losses) -> Losses:
        self._descend(self.objective.total(found, generators=True), self.generators, self.of_generators)
        for name, branch in self.branches.items():
            self.averages[name].update(branch.generator, self.budget.step // self.config.discriminator_steps)
        return {name: value.detach() for name, value in found.items()}

    def _descend(self, loss: Tensor, optimizer: torch.optim.Optimizer, parameters: list[Tensor]) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=parameters)
        processes.average_gradients(parameters)
        optimizer.step()

    def _forget_moments(self) -> None:
        """Adam's second moments of the small gradients before would make the first steps of algorithm 1 tens of times too long."""
        for optimizer in (self.discriminators, self.generators):
            optimizer.state.clear()

    def _learn_at(self, rate: float) -> None:
        self.rate = rate
        for optimizer in (self.discriminators, self.generators):
            set_learning_rate(optimizer, rate)

    def generator(self, name: str = "rgb") -> torch.nn.Module:
        """A frozen copy of the branch's averaged generator, in evaluation mode."""
        return self.averages[name].of(self.branches[name].generator)

    def state(self) -> dict:
        """Everything that a resumed run needs, as tensors and plain values."""
        return {
            "config": self.config.to_dict(), "branches": self.branches.state_dict(), "budget": self.budget.state(),
            "averages": {name: average.values for name, average in self.averages.items()},
            "optimizers": [self.discriminators.state_dict(), self.generators.state_dict()],
        }  # fmt: skip

    def load(self, state: dict) -> None:
        """Go on from `state`, on this device or another."""
        self.branches.load_state_dict(state["branches"])
        for name, values in state["averages"].items():
            self.averages[name].load(values)
        for optimizer, values in zip((self.discriminators, self.generators), state["optimizers"]):
            optimizer.load_state_dict(values)
        self.budget.resume(state["budget"])
        self.fraction = self.budget.fraction
