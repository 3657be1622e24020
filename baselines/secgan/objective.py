"""One mini-batch's losses, as algorithm 1 asks for them: equations (13) and (15) for the discriminators, (14) and (16) for the generators."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from baselines.secgan import losses
from baselines.secgan.config import SecganConfig
from baselines.secgan.segments import likeliest, log_probability
from segmentation.parser import FaceParser

Losses = dict[str, Tensor]  # "rgb/critic": a scalar


@dataclass(frozen=True)
class Batch:
    """images [N, 3, S, S] in [-1, 1]; masks one-hot [N, 12, S, S], or None where nobody looks at them; source, target: labels
    [N, A] of 0 and 1; shares [N, 2]: where the gradient penalties of the two branches look, between real and edited."""

    images: Tensor
    masks: Tensor | None
    source: Tensor
    target: Tensor
    shares: Tensor

    @property
    def difference(self) -> Tensor:
        """y_diff [N, A]: -1 where an attribute goes, 1 where it comes (section 3.1)."""
        return self.target - self.source

    def real(self, branch: str) -> Tensor:
        """What the branch's discriminator is shown as real."""
        return self.images if branch == "rgb" else self.masks

    def seen(self, branch: str, method: str) -> Tensor:
        """What the branch's generator sees: the picture, for "concat" with its mask beside it, or the mask."""
        if branch == "rgb" and method == "concat":
            return torch.cat([self.images, self.masks], dim=1)
        return self.real(branch)


class Objective:
    """The losses of a configuration. `dtype` is of the feature maps: bfloat16 by autocast, with channels last."""

    def __init__(self, config: SecganConfig, branches: nn.ModuleDict, parser: FaceParser | None, dtype: torch.dtype = torch.float32) -> None:
        """Raises ValueError for "secgan" without a parser."""
        if config.semantic and parser is None:
            raise ValueError("method 'secgan' compares with what a parser sees in the edited picture; give a pack that has one")
        self.config, self.branches, self.parser, self.dtype = config, branches, parser, dtype

    def discriminators(self, batch: Batch) -> Losses:
        """Equations (1), (3), (6) and (8), unweighted: critic, penalty and classification of each branch."""
        found: Losses = {}
        for index, (name, branch) in enumerate(self.branches.items()):
            real = batch.real(name)
            with torch.no_grad():
                fake = self.edited(name, batch, batch.difference)
            scores, logits = self.run(branch.discriminator, torch.cat([real, fake]))
            scores_real, scores_fake = scores.chunk(2)
            penalty = losses.gradient_penalty(lambda x: self.run(branch.discriminator, x)[0], real, fake, batch.shares[:, index])
            found[f"{name}/critic"] = losses.critic(scores_real, scores_fake).mean()
            found[f"{name}/penalty"] = penalty.mean()
            found[f"{name}/classification"] = self._classification(logits[: len(real)], batch.source)
        return found

    def generators(self, batch: Batch) -> Losses:
        """Equations (2), (4), (5), (7), (9) to (12), unweighted: deception, classification, reconstruction, consistency."""
        found, outputs = {}, {}
        for name, branch in self.branches.items():
            outputs[name] = self._generate(name, batch, batch.difference)
            scores, logits = self.run(branch.discriminator, _shown(name, outputs[name]))
            found[f"{name}/deception"] = losses.deception(scores).mean()
            found[f"{name}/classification"] = self._classification(logits, batch.target)
            found[f"{name}/reconstruction"] = self._reconstruction(name, batch)
        if self.config.semantic:
            found |= self._consistency(log_probability(self.parser(outputs["rgb"])), outputs["semantic"])
        return found

    def rebuilding(self, batch: Batch) -> Losses:
        """Equations (5) and (10) alone, before algorithm 1."""
        return {f"{name}/reconstruction": self._reconstruction(name, batch) for name in self.branches}

    def naming(self, batch: Batch) -> Losses:
        """Equations (3) and (8) alone, before algorithm 1."""
        return {f"{name}/classification": self._classification(self.run(branch.discriminator, batch.real(name))[1], batch.source)
                for name, branch in self.branches.items()}

    def total(self, found: Losses, generators: bool) -> Tensor:
        """Equations (13) and (15), or (14) and (16), of both branches together: no term of one moves the other's networks."""
        published = self.config.published
        weights = {
            "critic": 1.0, "penalty": published.penalty, "deception": 1.0, "reconstruction": published.reconstruction,
            "classification": published.classification_g if generators else published.classification_d, "consistency": self.config.consistency,
        }  # fmt: skip
        return sum(weights[name.split("/")[1]] * value for name, value in found.items())

    def edited(self, name: str, batch: Batch, difference: Tensor) -> Tensor:
        """What the branch makes of the batch: pictures [N, 3, S, S] or probabilities [N, 12, S, S]."""
        return _shown(name, self._generate(name, batch, difference))

    def _reconstruction(self, name: str, batch: Batch) -> Tensor:
        again = self._generate(name, batch, torch.zeros_like(batch.difference))
        return (losses.reconstruction(batch.images, again) if name == "rgb" else losses.cross_entropy(batch.masks, again)).mean()

    def _consistency(self, parsed: Tensor, translated: Tensor) -> Losses:
        """Equations (11) and (12): log probabilities [N, 12, S, S] of P(x_out) and of the semantic generator, each against the other's one-hot."""
        return {"rgb/consistency": losses.cross_entropy(likeliest(translated), parsed).mean(),
                "semantic/consistency": losses.cross_entropy(likeliest(parsed), translated).mean()}

    def _classification(self, logits: Tensor, labels: Tensor) -> Tensor:
        return losses.classification(logits, labels, self.config.published.summed).mean()

    def _generate(self, name: str, batch: Batch, difference: Tensor) -> Tensor:
        return self.run(self.branches[name].generator, batch.seen(name, self.config.method), difference)

    def run(self, network: nn.Module, x: Tensor, *others: Tensor):
        """The network's outputs, with feature maps of `dtype`."""
        fast = self.dtype is torch.bfloat16
        x = x.contiguous(memory_format=torch.channels_last) if fast else x
        with torch.autocast(x.device.type, torch.bfloat16, enabled=fast):
            return network(x, *others)


def _shown(name: str, output: Tensor) -> Tensor:
    """A generator's output as a discriminator sees it: a picture, or probabilities in place of their logarithms."""
    return output if name == "rgb" else output.exp()
