"""What a step of training looks at: a batch of pictures before and after an edit, and the losses between them.

The half of the work that does not depend on the direction (the picture before, its features, masks and embedding) runs
without gradients, and the edited half starts at the lowest layer that is edited.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Mapping, Sequence

import torch
from torch import Tensor

from lelsd import losses
from lelsd.clip_guide import ClipGuide
from lelsd.config import TrainConfig, parse_feature_weights, rows_seen
from lelsd.effect import Effect
from lelsd.survey import Survey, survey_of
from stylegan2.steps import edited

if TYPE_CHECKING:
    from lelsd.dressing import Dressing
    from lelsd.prompt import Prompt
    from packs.pack import Pack
    from stylegan2.generator import SynthesisState

MIN_FEATURE_SIZE = 16  # a mask means nothing on a 4 x 4 map
NATURAL_SAMPLES = 32
PIXELS_AT_ONCE = 2**21
HELD_OUT = 1 << 29  # steps from here on are never trained on


@dataclass(frozen=True)
class Before:
    """The unedited half of a batch: w_plus [N, L, D], image [N, 3, R, R], features by layer, mask [N, 1, R, R]."""

    w_plus: Tensor
    state: "SynthesisState"
    image: Tensor
    features: dict[int, Tensor]
    mask: Tensor
    encode: Callable[[Tensor], Tensor] = field(repr=False)

    @cached_property
    def embedding(self) -> Tensor:
        """CLIP's of the pictures, [N, E], made when first asked for: the plain CLIP loss never does."""
        with torch.no_grad():
            return self.encode(self.image)


class Objective:
    """The losses of one prompt on one pack. R is the resolution that the settings name: the generator's own, or less."""

    def __init__(self, pack: "Pack", prompt: "Prompt", config: TrainConfig, dressing: "Dressing | None" = None) -> None:
        """dressing: what everybody wears before the edit (`lelsd.dressing.objective_for`)."""
        self.pack, self.prompt, self.config, self.dressing = pack, prompt, config, dressing
        self.generator, self.guide = pack.generator, ClipGuide(pack)
        self.resolution, self.rows_seen = config.resolution or pack.resolution, rows_seen(config, pack.resolution)
        self.feature_weights = parse_feature_weights(config.feature_weights, range(self.rows_seen))
        self.text_move = self.guide.text_move(prompt)
        self.other_moves = self.guide.other_moves(self.text_move)
        self.target = self.guide.encode_wordings(prompt.target_text(pack.neutral_text))

    @cached_property
    def survey(self) -> Survey:
        """What unedited pictures of the pack look like to its models."""
        return survey_of(self.pack)

    @cached_property
    def effect(self) -> Effect:
        """Whether pictures are as the prompt asks."""
        return Effect(self.pack, self.prompt, self.text_move, self.survey, self.config.use_colours)

    @cached_property
    def spread(self) -> float:
        """Root mean square distance of a random w from the mean one: the unit of distances in W."""
        w = self.random_latents()[:, 0]
        return float((w - self.generator.mapping.w_avg).square().sum(dim=1).mean().sqrt())

    def random_latents(self) -> Tensor:
        """Untruncated samples by which spreads are told, [1000, L, D]: the same for all prompts and seeds."""
        return self.w_plus(sample_noise(0, HELD_OUT - 1, (1000, self.generator.z_dim))[0], truncation=1.0)

    @cached_property
    def target_gain(self) -> float:
        """The CLIP gain that counts as an effect: `target_gain` standard deviations of what unedited pictures differ by."""
        noise, _ = sample_noise(self.config.seed, HELD_OUT + 3, (NATURAL_SAMPLES, self.generator.z_dim))
        return self.config.target_gain * max(1e-4, float((self.embeddings(self.w_plus(noise)) @ self.text_move).std()))

    @property
    def at_once(self) -> int:
        """How many pictures to make in one go where many are needed."""
        return pictures_at_once(self.resolution)

    @torch.no_grad()
    def embeddings(self, w_plus: Tensor) -> Tensor:
        """CLIP's embeddings of the pictures of w_plus [N, L, D] -> [N, E]; any number of pictures."""
        batches = w_plus.split(self.at_once)
        return torch.cat([self.guide.encode_image(self.generator.synthesis(some, resolution=self.resolution)) for some in batches])

    @torch.no_grad()
    def scores(self, images: Tensor) -> Tensor:
        """How much pictures [N, 3, R, R] are as asked, above 0 where they are, in the opinion of the prompt's judge -> [N]."""
        if self.effect.asked:
            return self.effect.score(self.pack.classifier(images.float().clamp(-1, 1)), None)
        if self.effect.judge == "colour":
            images = images.float().clamp(-1, 1)
            return self.effect.by_colour(images, self.pack.parser(images).argmax(dim=1))
        return self.effect.clip_score(self.guide.encode_image(images))

    @torch.no_grad()
    def w_plus(self, z: Tensor, truncation: float | None = None) -> Tensor:
        """z [N, z_dim] -> w+ [N, L, D] at the truncation of the settings, of faces that wear what must be there."""
        truncation = self.config.truncation if truncation is None else truncation
        w_plus = self.generator.mapping(z.to(self.pack.device), truncation=truncation)
        return w_plus if self.dressing is None else self.dressing.put_on(w_plus)

    @torch.no_grad()
    def before(self, w_plus: Tensor, lowest_layer: int, features: bool = True) -> Before:
        """The unedited half of a batch, ready for edits of `lowest_layer` and above; without features only for `measure`."""
        state = self.generator.synthesis.state_below(w_plus, lowest_layer)
        image = self.generator.synthesis(w_plus, state=state, resolution=self.resolution, return_features=features)
        image, found = (image[0], self._looked_at(image[1])) if features else (image, {})
        return Before(w_plus, state, image, found, self.mask(image, self.places), self.guide.encode_image)

    def after(self, before: Before, delta: Tensor, features: bool = True) -> tuple[Tensor, dict[int, Tensor]]:
        """The edited half: delta [N, L, D] in W+ or [N, S] in StyleSpace, zero below the layer of `before` -> image, features."""
        if not features:
            return edited(self.generator.synthesis, before.w_plus, delta, state=before.state, resolution=self.resolution), {}
        image, found = edited(self.generator.synthesis, before.w_plus, delta, state=before.state, resolution=self.resolution, return_features=True)
        return image, self._looked_at(found)

    @cached_property
    def places(self) -> dict[str, float]:
        """Worn things that the prompt asks for: where they will be is part of the mask before the edit."""
        return {name: weight * self.config.place_weight for name, weight in self.prompt.region.items() if self.config.place_weight}

    @cached_property
    def areas(self) -> dict[str, tuple[str, ...]]:
        """Where in a part change belongs, by part, if not in all of it."""
        return self.prompt.areas if self.config.use_areas else {}

    def mask(self, image: Tensor, places: Mapping[str, float] | None = None) -> Tensor:
        """Soft mask of where change belongs, [N, 1, R, R]: the prompt's parts, with places for those that are not there, or all but those."""
        mask = self.pack.parser.probability(image, dict(self.prompt.parts), places, self.areas)
        return mask if self.config.mask_mode == "inside" else 1.0 - mask

    def edit_mask(self, before: Tensor, after: Tensor) -> Tensor:
        """One mask for an edit from those before and after it, [N, 1, R, R] each, without gradients."""
        return losses.MASKS[self.config.mask_aggregation](before, after)

    def losses(self, before: Before, delta: Tensor, sign: Tensor) -> dict[str, Tensor]:
        """Every loss of a batch, one value a sample: delta [N, L, D] or [N, S], sign [N] (+1 towards the prompt) -> name: [N]."""
        image, features = self.after(before, delta)
        embedding = self.guide.encode_image(image, rough=not self._compares)
        with torch.no_grad():
            mask = self.edit_mask(before.mask, self.mask(image))
        counts = torch.where(sign > 0, 1.0, self.config.away_weight)
        found = {"clip": counts * self._clip(before, embedding, sign)}
        found["localization"] = self.localization(before, image, features, mask)
        if self._compares:
            found["shortfall"] = counts * losses.shortfall_loss(before.embedding, embedding, self.text_move, sign, self.target_gain)
            found["sideways"] = losses.sideways_loss(before.embedding, embedding, self.other_moves, self.target_gain)
        return found

    def localization(self, before: Before, image: Tensor, features: Mapping[int, Tensor], mask: Tensor) -> Tensor:
        """Share of the change outside the mask [N, 1, H, W], half of features, half of the picture unless weighed -> [N]."""
        change_of, weights = losses.CHANGES[self.config.distance], self.feature_weights
        if weights is None:
            in_features = losses.localization_loss(before.features.values(), features.values(), mask, change_of)
            return 0.5 * (in_features + losses.changed_outside(before.image, image, mask, change_of))
        pairs = {layer: (before.features[layer], maps) for layer, maps in features.items()} | {"image": (before.image, image)}
        counted = [layer for layer in weights if layer in pairs]  # maps below the edit are not there, and do not change
        return losses.localization_loss(*zip(*(pairs[layer] for layer in counted)), mask, change_of, [weights[layer] for layer in counted])

    def total(self, found: Mapping[str, Tensor], rows: Tensor, directions: Tensor) -> Tensor:
        """Weigh and average: losses by name [N], unit rows of all directions [K, n, D], direction of each sample [N] -> scalar."""
        config = self.config
        weighed = sum(getattr(config, f"{name}_weight") * value.mean() for name, value in found.items())
        weighed = weighed + config.agreement_weight * losses.layer_disagreement(rows)[directions].mean()
        return weighed if config.num_directions == 1 else weighed + config.correlation_weight * losses.correlation_loss(rows).mean()

    @torch.no_grad()
    def measure(self, before: Before, delta: Tensor) -> dict[str, float]:
        """What an edit does: `clip_move` along the text, `clip_gain` in cosine to the prompt, `localization` (share inside)."""
        image, _ = self.after(before, delta, features=False)
        embedding = self.guide.encode_image(image)
        mask = self.edit_mask(before.mask, self.mask(image))
        return {"clip_move": float(losses.clip_gain(before.embedding, embedding, self.text_move).mean()),
                "clip_gain": float(((embedding - before.embedding) @ self.target).mean()),
                "localization": 1.0 - float(losses.changed_outside(before.image, image, mask).mean())}

    def measure_all(self, befores: Sequence[Before], deltas: Sequence[Tensor]) -> dict[str, float]:
        """The mean of `measure` over batches of equal size, each with a step of its own: [L, D], [N, L, D] or [S]."""
        measured = [self.measure(before, delta) for before, delta in zip(befores, deltas, strict=True)]
        return {name: sum(values[name] for values in measured) / len(measured) for name in measured[0]}

    @property
    def _compares(self) -> bool:
        """Whether a loss that counts looks at what CLIP says of the unedited picture."""
        return self.config.clip_form == "directional" or self.config.shortfall_weight > 0 or self.config.sideways_weight > 0

    def _clip(self, before: Before, after: Tensor, sign: Tensor) -> Tensor:
        if self.config.clip_form == "plain":
            return losses.clip_loss(after, self.target)
        size = (after - before.embedding).detach().norm(dim=1)  # a picture that hardly changes has a cosine, but nothing to say
        return losses.directional_clip_loss(before.embedding, after, self.text_move, sign) * size / size.mean().clamp_min(1e-6)

    def _looked_at(self, features: dict[int, Tensor]) -> dict[int, Tensor]:
        """The maps with weights, or one a resolution, the last: of those that are large enough for a mask to mean something."""
        if self.feature_weights is not None:
            return {layer: features[layer] for layer in self.feature_weights if layer in features}
        last = {maps.shape[-1]: layer for layer, maps in features.items()}
        return {layer: features[layer] for size, layer in last.items() if size >= MIN_FEATURE_SIZE}


def sample_noise(seed: int, step: int, shape: tuple[int, ...]) -> tuple[Tensor, torch.Generator]:
    """Latents, and the random generator they came from: a function of (seed, step) alone, so that a resumed run draws the same."""
    generator = torch.Generator().manual_seed((seed << 30) + step)
    return torch.randn(shape, generator=generator), generator


def pictures_at_once(resolution: int) -> int:
    """What memory allows: at 1024 pixels 2."""
    return min(16, max(1, PIXELS_AT_ONCE // resolution**2))
