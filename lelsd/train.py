"""From a prompt to a direction: the training loop, as an iterator of progress over a run folder.

A step depends on (seed, step) and on what the checkpoint holds, and on nothing else; so a run that is stopped, killed and
resumed any number of times ends with the same bits as one that was left alone (same device and threads).
"""
from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator

import torch
from torch import Tensor

from lelsd.calibrate import calibrated
from lelsd.clip_guide import ClipGuide
from lelsd.colour import ColourRows, described_colour
from lelsd.config import TrainConfig, learning_rate_at, parse_feature_weights, parse_layers, rows_seen
from lelsd.direction import Direction
from lelsd.dressing import objective_for
from lelsd.objective import HELD_OUT, sample_noise
from lelsd.prompt import Prompt, parse_prompt
from lelsd.report import report_card
from lelsd.run_folder import RunFolder
from lelsd.sensitivity import measure_sensitivity, regress_gain
from lelsd.space import RowSpace, StyleSpace, unit_rows
from lelsd.strip import strip
from lelsd.worn import place_target
from stylegan2.images import save_png

if TYPE_CHECKING:
    from packs.pack import Pack

PREVIEW_SEEDS, PREVIEW_ALPHAS = (0, 1, 2), (-1.0, 0.0, 1.0)
DRAWN = 8  # faces for each of a batch, of which those that have the colour already are left out


@dataclass(frozen=True)
class Progress:
    """Where a run is. state: "running", "calibrating", "reporting", "done" or "cancelled"; eta in seconds, None until it is known.

    losses: means of the batch by name. preview: the newest strip. direction, quality: when done.
    """

    step: int
    steps: int
    state: str = "running"
    losses: dict[str, float] = field(default_factory=dict)
    eta: float | None = None
    preview: Path | None = None
    direction: Path | None = None
    quality: dict = field(default_factory=dict)


def train_direction(pack: "Pack", prompt: Prompt, config: TrainConfig, out: Path | str, resume: bool = False,
                    stop: Callable[[], bool] = lambda: False) -> Iterator[Progress]:
    """Train in the run folder `out`, yielding after every step; the last Progress is "done" or "cancelled".

    resume: go on with the run in `out`; its own prompt and settings count, those given do not. stop: asked before each
    step, as the folder's `cancel` file is. Raises ValueError (bad settings, no run to resume, another pack), OSError.
    """
    run = RunFolder(Path(out))
    if resume:
        prompt, config = read_run(run, pack)
        (run.path / "cancel").unlink(missing_ok=True)
    else:
        rows = rows_seen(config, pack.resolution)
        parse_layers(config.layers, rows)
        parse_feature_weights(config.feature_weights, range(rows))
        ClipGuide(pack).text_move(prompt)  # refused before there is a folder that could not be used again
        run.create(describe_run(pack, prompt, config))
    with run.noting_its_end():
        yield from Training(pack, prompt, config, run, stop).run()


def describe_run(pack: "Pack", prompt: Prompt, config: TrainConfig) -> dict:
    """The contents of run.json."""
    return {"prompt": prompt.text, "part": prompt.part, "parts": dict(prompt.parts), "decided_by": prompt.decided_by, "phrase": prompt.phrase,
            "pack": pack.name, "pack_path": str(pack.path), "pack_hash": pack.hash, "config": config.to_dict()}


def read_run(run: RunFolder, pack: "Pack") -> tuple[Prompt, TrainConfig]:
    """What a run folder trains. Raises ValueError if it is no run, or one of another pack."""
    described = run.description()
    try:
        if described["pack_hash"] != pack.hash:
            raise ValueError(f"{run.path} was begun with pack {described['pack']!r} ({described['pack_hash'][:8]}), "
                             f"not with {pack.name!r} ({pack.hash[:8]}); accepted: the pack it was begun with")
        prompt = parse_prompt(described["prompt"], pack).with_parts(described["parts"])
        return prompt, TrainConfig.from_dict(described["config"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{run.path / 'run.json'} is damaged: {error} is missing or of the wrong kind") from error


class Training:
    """The state of one run between steps."""

    def __init__(self, pack: "Pack", prompt: Prompt, config: TrainConfig, run: RunFolder, stop: Callable[[], bool]) -> None:
        self.pack, self.prompt, self.config, self.folder, self.stop = pack, prompt, config, run, stop
        self.started, self.first_step = time.monotonic(), 0
        run.status(state="running", step=0, steps=config.steps, eta=None, error=None, prompt=prompt.text, part=prompt.part)
        self.objective = objective_for(pack, prompt, config)
        self.step, self.preview = 0, None
        checkpoint = run.load_checkpoint()
        if checkpoint is None:
            self._begin()
        else:
            self._continue(*checkpoint)
        self._check_weights()
        run.truncate_metrics(self.step)

    def run(self) -> Iterator[Progress]:
        """All remaining steps, then calibration and the direction file."""
        self.first_step, self.started = self.step, time.monotonic()
        if self.is_learned:
            self._save_preview()
        while self.step < self.steps_to_take:
            if self.stop() or self.folder.cancelled():
                yield self._cancel()
                return
            found = self.train_step(self.step + 1)
            self.step += 1
            self._record(found)
            yield Progress(self.step, self.steps_to_take, "running", found, self._eta(), self.preview)
        yield from self._finish()

    @property
    def is_learned(self) -> bool:
        """Whether there is nothing to learn: CLIP need not know a named colour, and the localization loss alone makes it glow, for the more changes
        inside the part, the smaller is the share outside."""
        return self.colour is not None and self.objective.effect.judge == "colour"

    @property
    def steps_to_take(self) -> int:
        """How many steps lead to the end; none where there is nothing to learn, whatever the settings say."""
        return 0 if self.is_learned else self.config.steps

    def rows(self) -> Tensor:
        """The directions as they are, [K, n, D], rows of unit root mean square length, or the axes of a colour, [C, n, D]; differentiable."""
        return unit_rows(self.raw) if self.colour is None else self.raw

    @torch.no_grad()
    def steps(self) -> Tensor:
        """The directions as steps of distance 1: [K, L, D] in W+, [K, S] in StyleSpace."""
        return self.space.steps(self.rows())

    @torch.no_grad()
    def direction(self) -> Direction:
        """What has been learned so far as a Direction, whose alpha 1 is as far as training goes."""
        if self.colour is None:
            target, deltas, distance = None, self.steps().float().cpu(), self.config.step_size * self.objective.spread
        else:
            target, deltas, distance = described_colour(self.colour.targeted(self.raw), self.layers)
        return Direction(deltas, tuple(self.layers), self.prompt.text, self.prompt.part, self.pack.name, self.pack.hash, (distance,) * len(deltas),
                         dict(self.prompt.parts), self.config.to_dict(), colour=target)

    def _check_weights(self) -> None:
        """Maps below the lowest edited row never change; weights for those alone would keep nothing in its place."""
        weights = self.objective.feature_weights
        if weights is not None and all(layer != "image" and layer < min(self.layers) for layer in weights):
            raise ValueError(f"feature_weights {self.config.feature_weights!r} name only maps below the edited rows "
                             f"{', '.join(map(str, self.layers))}; accepted: at least one of those or above, or image")

    def _begin(self) -> None:
        """Choose layers, and begin where CLIP says the way is; training then keeps it inside the part."""
        config, objective = self.config, self.objective
        chosen = parse_layers(config.layers, objective.rows_seen)
        found = regress_gain(objective).expand(self.pack.generator.num_ws, -1) if config.initial == "regression" else None
        self.layers = chosen or list(range(objective.rows_seen))
        # no layer alone leads to a place, which CLIP need not know either
        if config.initial == "gradient" or chosen is None and place_target(objective, self.layers) is None:
            sensitivity = measure_sensitivity(objective, None if found is None else found[0])
            self.layers = chosen or sensitivity.layers()
            found = sensitivity.gradient if config.initial == "gradient" else found
        self._enter_space()
        if self.colour is not None:
            self._set_parameters(self.colour.begin())
            return
        noise, _ = sample_noise(config.seed, HELD_OUT, (config.num_directions, *self.space.shape))
        start = unit_rows(self.space.noise(noise).to(self.pack.device))
        if found is not None:
            start[0] = 0.0  # several directions: the first begins just there, the others apart from it
            start = start + unit_rows(self.space.begin(found)[None])
        self._set_parameters(start)

    def _enter_space(self) -> None:
        """Where the parameters live, once the edited rows are known."""
        config, objective = self.config, self.objective
        if config.space == "style":
            self.space = StyleSpace(objective, self.layers, objective.random_latents())
        else:
            self.space = RowSpace(objective, self.layers, 0.0 if config.space == "w" else config.row_freedom)
        target = place_target(objective, self.layers)
        self.colour = None if target is None else ColourRows(target)

    def _continue(self, step: int, tensors: dict[str, Tensor], state: dict) -> None:
        """Take up a checkpoint."""
        self.step, self.layers = step, [int(layer) for layer in state["layers"]]
        self._enter_space()
        self._set_parameters(tensors["raw"])
        if step:
            self.optimizer.state[self.raw] = {name: tensors[name].to("cpu" if name == "step" else self.pack.device)
                                              for name in ("step", "exp_avg", "exp_avg_sq")}

    def _set_parameters(self, raw: Tensor) -> None:
        self.raw = torch.nn.Parameter(raw.detach().float().clone().to(self.pack.device))
        self.optimizer = torch.optim.Adam([self.raw], lr=self.config.learning_rate, eps=self.config.adam_epsilon)

    def train_step(self, step: int) -> dict[str, float]:
        """One step of Adam on fresh samples; the batch means of the losses by name."""
        total, found = self.losses(step) if self.colour is None else self.colour_losses(step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.config, step)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        gradient = self.space.tied(self.raw.grad)
        self.raw.grad.copy_(gradient / gradient.square().mean().sqrt().clamp_min(1e-12))
        self.optimizer.step()
        means = {name: float(value.detach().mean()) for name, value in found.items()}
        return {"total": float(total.detach()), **means}

    def losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss that a step lowers, differentiable in `raw`, and its terms by name, [N] each."""
        config, generator = self.config, self.pack.generator
        noise, random = sample_noise(config.seed, step, (config.batch_size, generator.z_dim))
        index = torch.randint(config.num_directions, (config.batch_size,), generator=random)
        strength = config.alpha_min + (config.alpha_max - config.alpha_min) * torch.rand(config.batch_size, generator=random)
        sign = torch.where(torch.rand(config.batch_size, generator=random) < 0.5 * config.both_signs, -1.0, 1.0)
        index, strength, sign = (value.to(self.pack.device) for value in (index, strength, sign))
        rows = self.rows()
        steps = self.space.steps(rows)[index]
        delta = (strength * sign).view(-1, *[1] * (steps.ndim - 1)) * config.step_size * self.objective.spread * steps
        before = self.objective.before(self.objective.w_plus(noise), min(self.layers))
        found = self.objective.losses(before, delta, sign)
        return self.objective.total(found, rows, index), found

    def colour_losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """`losses` of a prompt that names a colour: faces of other colours, drawn until there are enough, go to it, all the way or less."""
        config, objective = self.config, self.objective
        noise, random = sample_noise(config.seed, step, (DRAWN * config.batch_size, self.pack.generator.z_dim))
        w_plus, target = objective.w_plus(noise), self.colour.targeted(self.raw)
        w_plus = w_plus[self.colour.target.lacks(w_plus).int().argsort(descending=True, stable=True)[:config.batch_size]]
        strength = (config.alpha_min + (config.alpha_max - config.alpha_min) * torch.rand(config.batch_size, generator=random)).to(w_plus)
        found = objective.losses(objective.before(w_plus, min(self.layers)), target.step(w_plus, strength), torch.ones_like(strength))
        return objective.total(found, self.raw, torch.arange(len(self.raw))), found

    def _record(self, found: dict[str, float]) -> None:
        """Metrics, preview, checkpoint and status after a step."""
        step, config = self.step, self.config
        self.folder.add_metrics(step, {name: round(value, 6) for name, value in found.items()})
        if step % config.preview_every == 0 or step == config.steps:
            self._save_preview()
        if step % config.checkpoint_every == 0 or step == config.steps:
            self._save_checkpoint()
        self.folder.status(state="running", step=step, eta=self._eta())

    def _save_checkpoint(self) -> None:
        tensors = {"raw": self.raw, **self.optimizer.state.get(self.raw, {})}
        self.folder.save_checkpoint(self.step, tensors, {"layers": self.layers})

    def _save_preview(self) -> None:
        """A strip at the strength that is trained at; calibration comes later."""
        path = self.folder.preview_path(self.step)
        path.parent.mkdir(exist_ok=True)
        picture = strip(self.pack, self.direction(), PREVIEW_SEEDS, PREVIEW_ALPHAS, truncation=self.config.truncation)
        self.preview = save_png(path, picture)

    def _cancel(self) -> Progress:
        if self.step:
            self._save_checkpoint()
        self.folder.status(state="cancelled", step=self.step, eta=None)
        return Progress(self.step, self.config.steps, "cancelled")

    def _finish(self) -> Iterator[Progress]:
        """Calibrate, report, and write the direction."""
        steps = self.steps_to_take
        self.folder.status(state="running", step=steps, steps=steps, eta=0.0, phase="calibrating")
        yield Progress(steps, steps, "calibrating", preview=self.preview)
        direction = calibrated(self.objective, self.direction())
        if self.config.report:
            self.folder.status(state="running", step=steps, eta=0.0, phase="reporting")
            yield Progress(steps, steps, "reporting", preview=self.preview)
            direction = replace(direction, report=report_card(self.objective, direction).to_dict())
        path = self.folder.direction_path()
        direction.save(path)
        self.folder.status(state="done", step=steps, eta=0.0, phase="done", quality=dict(direction.quality), seconds=round(time.monotonic() - self.started, 2))
        yield Progress(steps, steps, "done", preview=self.preview, direction=path, quality=dict(direction.quality))

    def _eta(self) -> float | None:
        """Seconds to go at the mean pace of this process."""
        done = self.step - self.first_step
        if done == 0:
            return None
        return round((time.monotonic() - self.started) / done * (self.config.steps - self.step), 2)
