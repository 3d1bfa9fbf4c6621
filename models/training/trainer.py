"""The training loop of one process; `__main__` starts one per core, or one for a GPU."""

import copy
import dataclasses
import json
import logging
import math
import os
import signal
import time
from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from timbre_models import bundle
from timbre_models.ecapa import Ecapa, EcapaConfig
from timbre_models.families import TIMBRE
from torch import Tensor, nn

from .augment import mask_features
from .codecs import Coded
from .corpus import Corpus, NotPreparedError
from .features import LogMel
from .losses import AngularMarginSoftmax, Distillation
from .monitor import Monitor, embed_split
from .recipe import Recipe
from .sampler import Material, Sampler
from .targets import DIM as TARGET_DIM
from .targets import Targets, targets_of

log = logging.getLogger("training")

FRONT_END = TIMBRE.front_end
TRAINING_SPLITS = ("train", "single")
PRIMING_SECONDS = 3.0
PRIMING_BATCH = 64
LOG_STEPS = 50
WAITING_SECONDS = 30
LONGEST_WAIT = timedelta(hours=6)
"""For another process, which beside other work may compile or evaluate for long."""


def network_config(recipe: Recipe) -> EcapaConfig:
    """The bundled model's structure; its mean embedding is found and subtracted only when training is over."""
    return dataclasses.replace(
        TIMBRE.network, channels=recipe.channels, pooled_channels=recipe.pooled_channels, embedding_centre=False
    )


def crop_samples(seconds: float) -> int:
    """Samples that give a whole number of frames for a crop of about `seconds`."""
    frames = round(seconds * 100)
    return (frames - 1) * FRONT_END.frame_shift + FRONT_END.frame_length


def load_material(corpus: Corpus, recipe: Recipe, speeds: tuple[float, ...]) -> list[Material]:
    """What is trained on at these speeds, out of the cache or made: samples, coded copies, the teachers' targets.

    Raises NotPreparedError where the corpus may not make what is missing.
    """
    splits = [split for name in TRAINING_SPLITS if len(split := corpus.split(name, speeds))]
    coded: list[dict[float, Coded]] = [{} for _ in splits]
    if recipe.coded_share > 0:
        for (s, split), speed in product(enumerate(splits), speeds):
            coded[s][speed] = Coded.of(split.waves[speed], recipe.coded_share, recipe.seed, corpus.workers)
    if recipe.distillation_weight > 0:
        targets = targets_of(splits, speeds, corpus.workers)
    else:
        targets = [dict.fromkeys(speeds, Targets.absent(split)) for split in splits]
    return [Material(*parts) for parts in zip(splits, coded, targets, strict=True)]


def run_of_bundle(training: dict | None) -> dict | None:
    """What a bundle's manifest says of its training, as checkpoints say it."""
    if training is None:
        return None
    return {
        "steps": training["steps"], "seconds": 60 * training["minutes"], "recipe": {"seed": training["seed"]},
        "started_from": run_of_bundle(training.get("startedFrom")),
    }  # fmt: skip


def checkpoint_path(out: Path) -> Path:
    return out / "checkpoint.pt"


def steps_made(out: Path) -> int:
    """Steps that the run in this folder has made."""
    path = checkpoint_path(out)
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)["step"] if path.exists() else 0


class Averaged:
    """Exponential moving average of weights and statistics, warmed up."""

    def __init__(self, network: nn.Module, decay: float):
        self.network, self.decay = copy.deepcopy(network).eval(), decay

    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        current, average = network.state_dict(), self.network.state_dict()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.values()), list(current.values()), 1 - decay)


class Trainer:
    """A run in one process of `world`; `run` trains a piece of it, its checkpoint has all that the next one needs."""

    def __init__(self, corpus: Corpus, out: Path, recipe: Recipe, device: str, compiled: bool):
        self.corpus, self.recipe, self.out, self.device = corpus, recipe, out, torch.device(device)
        self.rank, self.world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        self.step, self.elapsed, self.stopping = 0, 0.0, False
        self.speeds = recipe.speeds_at(steps_made(out))
        self.sampler = self._sampler(self.speeds)
        torch.manual_seed(recipe.seed)
        self.config = network_config(recipe)
        self.network = Ecapa(self.config).to(self.device)
        self.softmax = AngularMarginSoftmax(self.config.embedding_dim, self.sampler.classes, recipe.scale)
        self.distillation = Distillation(self.config.embedding_dim, TARGET_DIM)
        self.softmax.to(self.device), self.distillation.to(self.device)
        self.average = Averaged(self.network, recipe.average_decay)
        self.log_mel = LogMel(FRONT_END)
        self.modules = nn.ModuleList([self.network, self.softmax, self.distillation])
        decayed = [p for p in self.modules.parameters() if p.ndim > 1]
        others = [p for p in self.modules.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, recipe.learning_rate, betas=(0.9, 0.98), fused=True)
        self.forward = torch.compile(self.network, dynamic=False) if compiled else self.network
        self.bfloat16 = self.device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
        self.history: list[dict] = []
        self.started_from: dict | None = None
        self.monitors = self._monitors() if self.rank == 0 else []

    def _sampler(self, speeds: tuple[float, ...]) -> Sampler:
        material = load_material(self.corpus, self.recipe, speeds)
        return Sampler(material, self.corpus.noises(), self.recipe, self.rank)

    def start_from(self, checkpoint: Path) -> None:
        """Weights of a run: its bundle or starter.ckpt, or its checkpoint.pt with classes and map to the teacher too.

        Classes and map that the file lacks follow from the embeddings. The mean embedding is found anew at the end of
        this run.
        """
        try:
            manifest, network = bundle.load(checkpoint)
        except bundle.BundleError:
            weights = torch.load(checkpoint, map_location=self.device, weights_only=True)
        else:
            weights, self.started_from = network.state_dict(), run_of_bundle(manifest.get("training"))
        if "modules" in weights:
            self.modules.load_state_dict(weights["modules"])
            recipe, earlier = json.loads(weights["recipe"]), json.loads(weights.get("started_from", "null"))
            self.started_from = {"steps": weights["step"], "seconds": round(weights["elapsed"]), "recipe": recipe,
                                 "started_from": earlier}  # fmt: skip
            weights = weights["average"]
            self.network.load_state_dict(weights)
        else:
            weights.pop("embedding_mean", None)
            self.network.load_state_dict(weights)
            self._prime_heads()
        self.average.network.load_state_dict(weights)

    @torch.no_grad()
    def _prime_heads(self) -> None:
        """A crop of every class, clean, embedded: its class's weight, and a row of the map's least squares."""
        rng = np.random.default_rng([self.recipe.seed, self.rank])
        mine = range(self.rank, self.sampler.classes, self.world)
        dims = self.config.embedding_dim, TARGET_DIM
        embeddings, targets = (torch.zeros(self.sampler.classes, dim) for dim in dims)
        self.network.eval()
        for start in range(0, len(mine), PRIMING_BATCH):
            labels = np.array(mine[start : start + PRIMING_BATCH])
            waves, views = self.sampler.clean(labels, crop_samples(PRIMING_SECONDS), rng)
            features = self.log_mel(waves).to(self.device)
            lengths = torch.full((len(features),), features.size(1), device=self.device)
            embeddings[labels] = nn.functional.normalize(self.network(features, lengths)).cpu()
            targets[labels] = views
        if self.world > 1:
            dist.all_reduce(embeddings), dist.all_reduce(targets)
        self.softmax.weight.copy_(embeddings - embeddings.mean(0))
        self.distillation.map.weight.copy_(torch.linalg.lstsq(embeddings, targets).solution.T)

    def _monitors(self) -> list[Monitor]:
        trials = self.corpus.data / "trials_dev.txt"
        return [Monitor(trials, self.corpus.split("dev", trim=False))] if trials.exists() else []

    def run(self, minutes: float = math.inf) -> None:
        """Trains until the recipe's steps are made, or for so many minutes by the clock, and saves."""
        self._resume()
        log.info("%d speakers, %d classes, %.2f M parameters", len(self.sampler.speakers), self.sampler.classes,
                 sum(p.numel() for p in self.network.parameters()) / 1e6)  # fmt: skip
        ends = time.monotonic() + 60 * minutes
        saved = evaluated = time.monotonic()
        sums, counted = np.zeros(3), 0
        while self.step < self.recipe.steps and not self._agree(time.monotonic() > ends or self.stopping):
            if self.speeds != self.recipe.speeds_at(self.step) and not self._take_speeds():
                time.sleep(WAITING_SECONDS)
                continue
            sums += self._train_step()
            counted += 1
            if self.step % LOG_STEPS == 0:
                loss, distance, accuracy = (sums / counted).tolist()
                log.info("step %d of %d loss %.3f distillation %.4f accuracy %.3f %.0f s", self.step,
                         self.recipe.steps, loss, distance, accuracy, self.elapsed)  # fmt: skip
                self.history.append({"step": self.step, "seconds": self.elapsed, "loss": loss,
                                     "distillation": distance, "accuracy": accuracy})  # fmt: skip
                sums, counted = np.zeros(3), 0
            if time.monotonic() - saved > 60 * self.recipe.checkpoint_every_minutes:
                self._save()
                saved = time.monotonic()
            if self._agree(time.monotonic() - evaluated > 60 * self.recipe.evaluate_every_minutes):
                self._evaluate()
                evaluated = time.monotonic()
        self._save()
        if self.step == self.recipe.steps:
            self._evaluate()
            self._save()

    def _take_speeds(self) -> bool:
        """Goes over to the speeds of this step, where every process finds them in the cache."""
        speeds, missing = self.recipe.speeds_at(self.step), None
        try:
            sampler = self._sampler(speeds)
        except NotPreparedError as error:
            missing = error
        if self._agree(missing is not None):
            log.info("waiting at step %d: %s", self.step, missing or "other processes have no targets yet")
            self._save()
            return False
        self.speeds, self.sampler = speeds, sampler
        log.info("speeds %s from step %d on", speeds, self.step)
        return True

    def _train_step(self) -> np.ndarray:
        """One optimisation step; returns loss, distillation loss and accuracy, averaged over processes."""
        began, recipe = time.monotonic(), self.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(self.step)
        crop = recipe.crop_at(self.step)
        batch = self.sampler.batch(self.step, crop.batch, crop_samples(crop.seconds))
        with torch.no_grad():
            features = mask_features(self.log_mel(batch.waves), self.sampler.rng(self.step, use=1)).to(self.device)
        lengths = torch.full((len(features),), features.size(1), device=self.device)
        self.network.train()
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            embeddings = self.forward(features, lengths)
        embeddings = embeddings.float()
        loss, accuracy = self.softmax(embeddings, batch.labels.to(self.device), recipe.margin_at(self.step))
        distance = self.distillation(embeddings, batch.targets.to(self.device), batch.target_weights.to(self.device))
        (loss + recipe.distillation_weight * distance).backward()
        report = self._reduce(torch.stack([loss.detach(), distance.detach(), accuracy]).cpu())
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.average.update(self.network, self.step)
        self.step += 1
        self.elapsed += time.monotonic() - began
        return report.numpy()

    def _reduce(self, report: Tensor) -> Tensor:
        """Averages gradients and the report over processes in one message."""
        if self.world == 1:
            return report
        gradients = [p.grad for p in self.modules.parameters() if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients] + [report])
        dist.all_reduce(flat)
        flat /= self.world
        at = 0
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()
        return flat[-len(report) :]

    def _agree(self, here: bool) -> bool:
        """Whether it is so in any process."""
        if self.world == 1:
            return here
        anywhere = torch.tensor([float(here)])
        dist.all_reduce(anywhere, dist.ReduceOp.MAX)
        return bool(anywhere)

    def _save(self) -> None:
        if self.rank != 0:
            return
        state = {
            "recipe": json.dumps(self.recipe.to_dict()), "started_from": json.dumps(self.started_from),
            "step": self.step, "elapsed": self.elapsed, "history": self.history,
            "modules": self.modules.state_dict(), "optimizer": self.optimizer.state_dict(),
            "average": self.average.network.state_dict(),
        }  # fmt: skip
        path = checkpoint_path(self.out)
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.rename(path)

    def _resume(self) -> None:
        path = checkpoint_path(self.out)
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self._check_recipe(json.loads(state["recipe"]), state["step"])
        self.modules.load_state_dict(state["modules"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.network.load_state_dict(state["average"])
        self.step, self.elapsed, self.history = state["step"], state["elapsed"], state["history"]
        self.started_from = json.loads(state.get("started_from", "null"))
        log.info("resumed at step %d, %.0f s", self.step, self.elapsed)

    def _check_recipe(self, earlier: dict, step: int) -> None:
        recipe, path = self.recipe, checkpoint_path(self.out)
        now = json.loads(json.dumps(recipe.to_dict()))
        changed = sorted(name for name in now | earlier if now.get(name) != earlier.get(name))
        if changed and changed != ["steps"]:
            raise SystemExit(f"{path} is of another recipe ({', '.join(changed)}): choose another --out, or remove it")
        before = dataclasses.replace(recipe, steps=earlier["steps"]).decay_from
        if changed and step > min(before, recipe.decay_from):
            raise SystemExit(f"{path} is at step {step}, where the learning rate falls: --steps can no longer change")

    def _evaluate(self) -> None:
        if self.rank == 0:
            network = self.average.network.cpu() if self.device.type != "cpu" else self.average.network
            for monitor in self.monitors:
                rates = monitor.rates(embed_split(network, self.log_mel, monitor.split))
                log.info("dev EER at step %d: %s", self.step, "  ".join(f"{k} {v:.2f}" for k, v in rates.items()))
                self.history.append({"step": self.step, "seconds": self.elapsed, "dev_eer": rates})
            self.average.network.to(self.device)
        if self.world > 1:
            dist.barrier()


def main(arguments) -> None:
    rank = int(os.environ.get("RANK", "0"))
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.WARNING, format="%(asctime)s %(message)s")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("gloo", timeout=LONGEST_WAIT)
        torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    corpus = Corpus(arguments.data, arguments.out / "cache", workers=0)
    trainer = Trainer(corpus, arguments.out, arguments.recipe, arguments.device, arguments.compile)
    signal.signal(signal.SIGTERM, lambda *_: setattr(trainer, "stopping", True))
    if arguments.start_from and not checkpoint_path(arguments.out).exists():
        trainer.start_from(arguments.start_from)
    trainer.run(arguments.minutes)
