"""The training loop, the same for every stage.

Each step draws everything it needs from a generator seeded with the run's seed and the step's
number: a run that was stopped and resumed gives the same weights as one that was not.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from ..motion.files import written_whole
from .clip_set import Batch, ClipSet
from .objective import debiased_noise_loss, hide_motion, noise_loss, strong_noise
from .settings import TrainingSettings

SNAPSHOT_EVERY = 10


class NoisePredictor(Protocol):
    """Adds the noise of timestep t to clean latents and predicts it."""

    @property
    def sigmas(self) -> torch.Tensor:
        """[timesteps] on the CPU: the deviation of the noise over that of the signal."""
        ...

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """batch.latents, noise, result: [clips, frames, C, h, w]; t: [clips]."""
        ...


class LossNotFinite(RuntimeError):
    """The loss or its gradient became infinite or NaN; the trainer holds the last good weights,
    those after good_step steps."""

    def __init__(self, step: int, good_step: int):
        super().__init__(f"the loss was not a finite number in step {step}")
        self.step = step
        self.good_step = good_step


class Trainer:
    """Trains the parameters; result() is theirs, or their running mean where EMA is on."""

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        predict: NoisePredictor,
        clips: ClipSet,
        settings: TrainingSettings,
    ):
        self.parameters = dict(parameters)
        self.predict = predict
        self.clips = clips
        self.settings = settings
        if settings.hidden_motion and clips.still is None:
            raise ValueError("hidden_motion needs the clips with the camera held still")
        self.losses: list[float] = []
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(),
            settings.learning_rate,
            betas=(0.9, 0.999),
            weight_decay=settings.weight_decay,
            fused=_one_pass(self.parameters),
        )
        self._mean = self._copy() if settings.ema is not None else None
        self._remember()

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.losses)

    def run(self, until: int | None = None, on_step: Callable[["Trainer"], None] | None = None):
        """Train up to a step, or to the end; on_step is called after every step.

        Raises LossNotFinite, with the parameters put back to the last good ones.
        """
        until = self.settings.steps if until is None else min(until, self.settings.steps)
        while self.step < until:
            self._one_step()
            if on_step is not None:
                on_step(self)

    def result(self) -> dict[str, torch.Tensor]:
        """The trained weights by name; copies."""
        return self._copy() if self._mean is None else _copies(self._mean)

    def _one_step(self) -> None:
        loss = self._loss()
        finite = bool(torch.isfinite(loss))
        if finite:
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(
                self.parameters.values(), self.settings.max_gradient_norm
            )
            finite = bool(torch.isfinite(norm))
        if not finite:
            self._put_back()
            raise LossNotFinite(self.step + 1, self._good_step)
        if self.step % SNAPSHOT_EVERY == 0:
            self._remember()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_in(self.step)
        self.optimizer.step()
        self._update_mean()
        self.losses.append(loss.item())

    def _loss(self) -> torch.Tensor:
        settings = self.settings
        seed = settings.seed * 1_000_003 + self.step
        generator = torch.Generator().manual_seed(seed % 2**64)  # seeds of the host go up to there
        batch = self.clips.draw(settings.clips_per_step, settings.text_dropout, generator)
        noise, t = self._noise(batch, generator)
        count, frames = noise.shape[:2]
        predicted = self.predict(batch, noise, t)
        noise = noise.to(predicted.device)
        if settings.debias and frames > 1:
            anchor = torch.randint(frames, (count,), generator=generator)
            return debiased_noise_loss(predicted, noise, anchor)
        return noise_loss(predicted, noise)

    def _noise(self, batch: Batch, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """The noise of a step's clips, and their timesteps, which are drawn all alike (Ho et al.
        2020, algorithm 1)."""
        noise = torch.randn(batch.latents.shape, generator=generator)  # each frame its own
        count, sigmas, least = len(noise), self.predict.sigmas, self.settings.least_timestep
        t = torch.randint(least, len(sigmas), (count,), generator=generator)
        if self.settings.hidden_motion and batch.still is not None:
            hidden = torch.rand(count, generator=generator) < self.settings.hidden_motion
            strong = strong_noise(len(sigmas), least, count, generator)
            t = torch.where(hidden, strong, t)
            noise = hide_motion(noise, batch.latents, batch.still, sigmas[t], hidden)
        return noise, t

    def _update_mean(self) -> None:
        if self._mean is None or self.settings.ema is None:
            return
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))  # short memory at first
        means = [self._mean[name] for name in self.parameters]
        weights = [parameter.detach() for parameter in self.parameters.values()]
        torch._foreach_lerp_(means, weights, 1 - decay)

    def _copy(self) -> dict[str, torch.Tensor]:
        return _copies(self.parameters)

    def _remember(self) -> None:
        """These weights and their mean are good; so many steps made them."""
        self._good, self._good_step = self._copy(), self.step
        self._good_mean = None if self._mean is None else _copies(self._mean)

    def _put_back(self) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self._good[name])
        if self._good_mean is not None:
            self._mean = _copies(self._good_mean)

    def save(self, file: Path) -> None:
        """A checkpoint that `resume` goes on from."""
        state = {
            "parameters": self._copy(),
            "mean": self._mean,
            "optimizer": self.optimizer.state_dict(),
            "losses": self.losses,
            "seed": self.settings.seed,
        }
        with written_whole(file) as beside:
            torch.save(state, beside)

    def resume(self, file: Path) -> None:
        """Go on where the run that saved this file was."""
        saved = torch.load(file, map_location="cpu", weights_only=True)
        if not self._continues(saved):
            raise ValueError(
                f"{file} is from another training: other parameters, another seed, or no EMA"
            )
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(saved["parameters"][name])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self._mean is not None:
            for name, mean in self._mean.items():
                mean.copy_(saved["mean"][name])
        self.losses = list(saved["losses"])
        self._remember()

    def _continues(self, saved: dict) -> bool:
        """Whether this checkpoint is of a training like this one."""
        has_mean = self._mean is None or saved["mean"] is not None
        same_seed = saved["seed"] == self.settings.seed
        return has_mean and same_seed and _shapes(saved["parameters"]) == _shapes(self.parameters)


def _one_pass(parameters: Mapping[str, nn.Parameter]) -> bool:
    """Whether torch's optimiser has the fused form on this device."""
    return all(parameter.device.type in ("cpu", "cuda") for parameter in parameters.values())


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
