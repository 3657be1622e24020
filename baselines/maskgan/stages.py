"""The stages of MaskGAN's training, one step each: the painter alone, MaskVAE, and editing-behaviour simulated training (EBST).

    dense     the dense mapping network and the critic reconstruct pictures from their masks (stage 1, equation 6)
    maskvae   MaskVAE reconstructs masks (equation 1)
    ebst      algorithm 1: both of the above are there; the painter learns by turns from true masks and from edited ones
    control   as ebst, without the edited masks, so that what EBST does can be told from what more training does

All that changes is in a stage's networks, optimizers, averages and step, and random numbers are a function of seed and step,
so that a training goes on from a checkpoint as if it had never stopped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines.maskgan.blender import AlphaBlender, blend
from baselines.maskgan.config import MaskGANConfig, TrainSettings
from baselines.maskgan.critic import MultiscaleCritic
from baselines.maskgan.dense_mapping import DenseMappingNetwork
from baselines.maskgan.layers import one_hot
from baselines.maskgan.losses import critic_loss, painting_losses
from baselines.maskgan.mask_vae import MaskVAE, inter_outer, sample, vae_losses
from baselines.maskgan.perceptual import PerceptualFeatures
from portraits import processes
from portraits.training import AveragedWeights, load_checkpoint, maps_dtype, save_checkpoint, set_learning_rate, step_rng
from segmentation.augment import mirror

BETAS = {"maskvae": (0.9, 0.999)}
ADVERSARIAL_BETAS = (0.5, 0.999)
NETWORKS = {"dense": DenseMappingNetwork, "maskvae": MaskVAE, "blender": AlphaBlender, "critic": MultiscaleCritic}


def new_networks(names: tuple[str, ...], config: MaskGANConfig, seed: int) -> dict[str, nn.Module]:
    """Untrained networks by name; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return {name: NETWORKS[name](config) for name in names}


class Stage(ABC):
    """What learns in a stage, and how it is stored; each kind of stage has its `losses` and steps.

    networks: by name, all of which learn. kept: those of which averaged weights are kept.
    """

    kept: tuple[str, ...] = ("dense",)
    references = False  # whether a step also wants masks of other pictures

    def __init__(self, networks: Mapping[str, nn.Module], config: MaskGANConfig, settings: TrainSettings,
                 device: torch.device | str = "cpu"):
        self.config, self.settings, self.device = config, settings, torch.device(device)
        self.dtype = maps_dtype(self.device)
        layout = torch.channels_last if self.dtype is torch.bfloat16 else torch.contiguous_format
        self.networks = {name: module.to(self.device, memory_format=layout).train() for name, module in networks.items()}
        betas = BETAS.get(settings.stage, ADVERSARIAL_BETAS)
        self.optimizers = {name: torch.optim.Adam(module.parameters(), settings.rate(0), betas)
                           for name, module in self.networks.items()}
        self.averages = {name: AveragedWeights(self.networks[name], settings.decay) for name in self.kept}
        self.step = 0

    @property
    def finished(self) -> bool:
        return self.step >= self.settings.iterations

    def train_step(self, images: Tensor, masks: Tensor, references: Tensor | None = None) -> dict[str, Tensor]:
        """One step on pictures [N, 3, S, S] in [-1, 1], their masks [N, S, S] and, where the stage wants them, others' masks."""
        for optimizer in self.optimizers.values():
            set_learning_rate(optimizer, self.settings.rate(self.step))
        found = self.learn(*self.mirrored(images, masks), references)
        for name, average in self.averages.items():
            average.update(self.networks[name], self.step)
        self.step += 1
        return {name: value.detach() for name, value in found.items()}

    def rng(self) -> torch.Generator:
        """The random numbers of this step in this process."""
        return step_rng(self.settings.seed + processes.rank(), self.step, self.device)

    def mirrored(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """About every second picture and its mask as in a mirror, as pix2pixHD learns; masks become int64."""
        turned = torch.rand(len(images), generator=self.rng(), device=self.device) < self.settings.mirrored
        other_images, other_masks = mirror(images, masks)
        images = torch.where(turned[:, None, None, None], other_images, images)
        return images, torch.where(turned[:, None, None], other_masks, masks.long())

    @abstractmethod
    def learn(self, images: Tensor, masks: Tensor, references: Tensor | None) -> dict[str, Tensor]:
        """The updates of a step; what it returns is reported."""

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16)

    def update(self, loss: Tensor, *names: str) -> None:
        """One step of the named networks' optimizers, by gradients averaged over all processes."""
        for name in names:
            self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        for name in names:
            processes.average_gradients(self.networks[name].parameters())
            self.optimizers[name].step()

    def averaged(self, name: str) -> nn.Module:
        """A frozen copy of a network, with averaged weights."""
        return self.averages[name].of(self.networks[name])

    def save(self, path: Path) -> None:
        """All of it, whole or not at all. Raises OSError."""
        save_checkpoint(path, {
            "networks": {name: module.state_dict() for name, module in self.networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "averages": {name: average.values for name, average in self.averages.items()},
            "step": self.step, "settings": self.settings.to_dict(), "config": self.config.to_dict(),
        })

    def load(self, path: Path) -> None:
        """Go on from a file of `save`, to as many iterations as there are now. Raises ValueError for a damaged one, or one of
        another training."""
        state = load_checkpoint(path)
        for name, own in (("settings", self.settings.to_dict()), ("config", self.config.to_dict())):
            before = state.get(name, {})
            other = [key for key in own if key != "iterations" and before.get(key) != own[key]]
            if other:
                raise ValueError(f"{path} was trained with {other[0]} {before.get(other[0])!r}, not {own[other[0]]!r}; "
                                 "accepted: the same")
        for name, module in self.networks.items():
            module.load_state_dict(state["networks"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])
        for name, average in self.averages.items():
            average.load(state["averages"][name])
        self.step = state["step"]


@contextmanager
def held(module: nn.Module) -> Iterator[None]:
    """The module's weights get no gradient inside: it only passes them on."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


class DenseStage(Stage):
    """Stage 1. networks: dense and critic. features: of the perceptual loss, or None to leave it out."""

    def __init__(self, networks: Mapping[str, nn.Module], config: MaskGANConfig, settings: TrainSettings,
                 device: torch.device | str = "cpu", features: PerceptualFeatures | None = None):
        super().__init__(networks, config, settings, device)
        self.features = None if features is None else features.to(self.device)

    def learn(self, images: Tensor, masks: Tensor, references: Tensor | None) -> dict[str, Tensor]:
        masks = one_hot(masks, self.config.num_classes)
        painting, found = self.update_dense(images, masks)
        return {**found, "critic": self.update_critic(images, masks, [painting])}

    def update_dense(self, images: Tensor, masks: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Line 8 of algorithm 1: the picture is painted from its own mask in its own style. The painting and its losses."""
        with self.autocast(), held(self.networks["critic"]):
            painting = self.networks["dense"](masks, images, masks)
            found = painting_losses(masks, images, painting, self.networks["critic"], self.features, self.settings)
        self.update(found["loss"], "dense")
        return painting.detach(), found

    def update_critic(self, images: Tensor, masks: Tensor, paintings: list[Tensor]) -> Tensor:
        """The critic compares the pictures with what was painted in this step; its loss, the mean over those."""
        critic = self.networks["critic"]
        with self.autocast():
            real = critic(masks, images)
            loss = torch.stack([critic_loss(real, critic(masks, painting)) for painting in paintings]).mean()
        self.update(loss, "critic")
        return loss.detach()


class EbstStage(DenseStage):
    """Stage 2, algorithm 1. networks: dense, critic and blender; vae: a trained MaskVAE, which does not change."""

    references = True

    def __init__(self, networks: Mapping[str, nn.Module], vae: MaskVAE, config: MaskGANConfig, settings: TrainSettings,
                 device: torch.device | str = "cpu", features: PerceptualFeatures | None = None):
        super().__init__(networks, config, settings, device, features)
        self.vae = vae.to(self.device).eval().requires_grad_(False)

    def learn(self, images: Tensor, masks: Tensor, references: Tensor | None) -> dict[str, Tensor]:
        masks, references = (one_hot(labels, self.config.num_classes) for labels in (masks, references))
        inter, outer = self.simulate(masks, references)
        painting, first = self.update_dense(images, masks)
        blended, second = self.update_blend(images, masks, inter, outer)
        critic = self.update_critic(images, masks, [painting, blended])
        return {**first, **{f"blend_{name}": value for name, value in second.items()}, "critic": critic}

    @torch.no_grad()
    def simulate(self, masks: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
        """Lines 3 to 7: the masks as someone might have edited them, towards others and away from them; one-hot all."""
        with self.autocast():
            target, reference = (self.vae.encode(each)[0].float() for each in (masks, references))
            return tuple(self.vae.between(latents) for latents in inter_outer(target, reference, self.settings.interpolation))

    def update_blend(self, images: Tensor, masks: Tensor, inter: Tensor, outer: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Line 9: pictures of both edited masks, blended, are held against the picture. The blend and its losses."""
        dense, blender = self.networks["dense"], self.networks["blender"]
        with self.autocast(), held(self.networks["critic"]):
            style = dense.style(images, masks)
            painted = dense.paint(inter, style), dense.paint(outer, style)
            blended = blend(blender(*painted), *painted)
            found = painting_losses(masks, images, blended, self.networks["critic"], self.features, self.settings)
        self.update(found["loss"], "dense", "blender")
        return blended.detach(), found


class MaskVAEStage(Stage):
    """MaskVAE learns masks; pictures are not looked at."""

    kept = ("maskvae",)

    def learn(self, images: Tensor, masks: Tensor, references: Tensor | None) -> dict[str, Tensor]:
        vae = self.networks["maskvae"]
        with self.autocast():
            mean, log_variance = vae.encode(one_hot(masks, self.config.num_classes))
            logits = vae.decode(sample(mean.float(), log_variance.float(), self.rng()))
        found = vae_losses(logits, masks, mean, log_variance, self.settings.kl_weight)
        self.update(found["loss"], "maskvae")
        share_statistics(vae)
        return found


def share_statistics(module: nn.Module) -> None:
    """The batch norms of all processes go on with the mean of what each of them saw."""
    if processes.count() == 1:
        return
    for buffer in module.buffers():
        if buffer.is_floating_point():
            torch.distributed.all_reduce(buffer)
            buffer /= processes.count()
