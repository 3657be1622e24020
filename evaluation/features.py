"""What pictures are compared by: published networks where their weights are on this machine, else the pack's own models.

| measure         | with the published file                          | else, from the pack                          |
|-----------------|--------------------------------------------------|----------------------------------------------|
| FID             | Inception v3, `inception_v3_google-0cc3c7bd.pth` | features of its attribute classifier         |
| ssFID           | ResNet-50 of SwAV, `swav_800ep_pretrain.pth.tar` | what its encoder sees, which is no attribute |
| Inception Score | Inception v3, the same file                      | its attribute classifier's answers           |

A pack without one of these models lends its CLIP for the two distances. Figures with different features do not compare, so each
stands beside the name of what was looked with. Published files are looked for in `weights_folder`, read as data, and never fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from packs.cache import cache_folder
from packs.models import read_state_dict

if TYPE_CHECKING:
    from packs.pack import Pack

INCEPTION, SWAV = "inception_v3_google-0cc3c7bd.pth", "swav_800ep_pretrain.pth.tar"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Seer = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Eyes:
    """Something that looks at pictures [N, 3, H, W] in [-1, 1], and what tables call it.

    look: -> features [N, F]; or, for an Inception Score, probabilities [N, Q, C] of C answers to each of Q questions.
    """

    name: str
    look: Seer

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        return self.look(images.float().clamp(-1, 1))


@dataclass(frozen=True, eq=False)
class Looks:
    """What the three measures look with; None where a pack has nothing to look with."""

    fid: Eyes
    ssfid: Eyes
    inception_score: Eyes | None

    @property
    def names(self) -> dict[str, str | None]:
        """By measure, what was looked with."""
        found = {"fid": self.fid, "ssfid": self.ssfid, "inception_score": self.inception_score}
        return {measure: None if eyes is None else eyes.name for measure, eyes in found.items()}


def weights_folder() -> Path:
    """Where published networks are looked for when nobody says otherwise."""
    return cache_folder() / "features"


def choose_looks(pack: "Pack", encode_image: Seer, folder: Path | None = None) -> Looks:
    """The best there is. encode_image: pictures in [-1, 1] -> embeddings of the pack's CLIP. folder: with published files
    (`weights_folder`). Raises ValueError for one that is damaged."""
    folder, clip = folder or weights_folder(), Eyes("the pack's CLIP", encode_image)
    features, answers = of_classifier(pack)
    if (folder / INCEPTION).is_file():
        features, answers = inception(folder / INCEPTION, pack.device)
    unlabelled = swav(folder / SWAV, pack.device) if (folder / SWAV).is_file() else of_encoder(pack)
    return Looks(features or clip, unlabelled or clip, answers)


# --- published networks -----------------------------------------------------------------------------------------------


def inception(path: Path, device: torch.device) -> tuple[Eyes, Eyes]:
    """Features [N, 2048] before the last layer, and probabilities [N, 1, 1000], of torchvision's Inception v3. Raises ValueError.

    Its pictures are 299 pixels wide and, as the network was trained in TensorFlow, simply in [-1, 1].
    """
    from torchvision.models import inception_v3

    with torch.device("meta"):
        network = inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False)
    network = loaded(network, read_state_dict(path), path).to(device)
    last, network.fc = network.fc, nn.Identity()

    def features(images: Tensor) -> Tensor:
        return network(resized(images, 299))

    return Eyes("Inception v3", features), Eyes("Inception v3", lambda images: last(features(images)).softmax(dim=1)[:, None])


def swav(path: Path, device: torch.device) -> Eyes:
    """Features [N, 2048] of SwAV's ResNet-50 (Caron et al. 2020), as ssFID uses them (Morozov et al. 2021). Raises ValueError."""
    from torchvision.models import resnet50

    state = {name.removeprefix("module."): value for name, value in read_state_dict(path).items()}
    with torch.device("meta"):
        network = resnet50(weights=None)
    network.fc = nn.Identity()
    body = {name: value for name, value in state.items() if not name.startswith(("projection_head", "prototypes"))}
    network = loaded(network, body, path).to(device)
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return Eyes("SwAV ResNet-50", lambda images: network((resized(images, 224) * 0.5 + 0.5 - mean) / std))


def loaded(network: nn.Module, state: dict[str, Tensor], path: Path) -> nn.Module:
    """A network, made without memory, with these weights, in evaluation mode. Raises ValueError, which names the file."""
    try:
        network.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in state.items()}, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{path} is not the published network of that name: {str(error).splitlines()[-1].strip()}") from error
    return network.eval().requires_grad_(False)


def resized(images: Tensor, size: int) -> Tensor:
    """[N, 3, size, size], bilinear, smoothed where it shrinks."""
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True)


# --- a pack's own models ----------------------------------------------------------------------------------------------


def of_classifier(pack: "Pack") -> tuple[Eyes | None, Eyes | None]:
    """Features [N, F] of the attribute classifier, and its answers [N, A, 2] (absent, present); (None, None) without one."""
    classifier = pack.classifier
    if classifier is None:
        return None, None

    def answers(images: Tensor) -> Tensor:
        present = classifier(images).float().sigmoid()
        return torch.stack([1 - present, present], dim=2)

    name = "the pack's attribute classifier"
    return Eyes(name, lambda images: classifier.features(images).float()), Eyes(name, answers)


def of_encoder(pack: "Pack") -> Eyes | None:
    """[N, P], the entries of the latent that the encoder sees: no attribute taught it. None without an encoder."""
    return None if pack.encoder is None else Eyes("the pack's latent encoder", lambda images: pack.encoder.standardised(images).float())
