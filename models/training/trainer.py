"""The training loop of one process; `__main__` starts one per core, or one for a GPU."""

import copy
import dataclasses
import json
import logging
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from timbre_models import bundle
from timbre_models.ecapa import Ecapa, EcapaConfig
from timbre_models.families import TIMBRE
from torch import Tensor, nn

from .augment import mask_features
from .corpus import Corpus, Split
from .features import LogMel
from .losses import AngularMarginSoftmax, Distillation
from .monitor import Monitor, embed_split
from .recipe import Recipe
from .sampler import Sampler
from .targets import DIM as TARGET_DIM
from .targets import Targets, targets_of

log = logging.getLogger("training")

FRONT_END = TIMBRE.front_end
TRAINING_SPLITS = ("train", "single")
PRIMING_SECONDS = 3.0
PRIMING_BATCH = 64


def network_config(recipe: Recipe) -> EcapaConfig:
    """The bundled model's structure; its mean embedding is found and subtracted only when training is over."""
    return dataclasses.replace(
        TIMBRE.network, channels=recipe.channels, pooled_channels=recipe.pooled_channels, embedding_centre=False
    )


def crop_samples(seconds: float) -> int:
    """Samples that give a whole number of frames for a crop of about `seconds`."""
    frames = round(seconds * 100)
    return (frames - 1) * FRONT_END.frame_shift + FRONT_END.frame_length


def load_splits(data: Path, cache: Path, recipe: Recipe, workers: int) -> tuple[Corpus, list[Split], list[dict]]:
    """Decodes, changes speeds and asks the teacher, where it has a weight, or finds all that in the cache."""
    corpus = Corpus(data, cache, workers)
    splits = [corpus.split(name, recipe.speeds) for name in TRAINING_SPLITS]
    splits = [split for split in splits if len(split)]
    if recipe.distillation_weight == 0:
        return corpus, splits, [{speed: Targets.absent(split) for speed in recipe.speeds} for split in splits]
    return corpus, splits, targets_of(splits, recipe.speeds, workers)


def run_of_bundle(training: dict | None) -> dict | None:
    """What a bundle's manifest says of its training, as checkpoints say it."""
    if training is None:
        return None
    return {
        "steps": training["steps"], "seconds": 60 * training["minutes"], "recipe": {"seed": training["seed"]},
        "started_from": run_of_bundle(training.get("startedFrom")),
    }  # fmt: skip


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
    def __init__(self, data: Path, out: Path, recipe: Recipe, device: str, compiled: bool):
        self.recipe, self.out, self.device = recipe, out, torch.device(device)
        self.rank, self.world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        self.corpus, splits, targets = load_splits(data, out / "cache", recipe, workers=1)
        self.sampler = Sampler(splits, targets, self.corpus.noises(), recipe, recipe.seed + 1000 * self.rank)
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
        self.bfloat16 = self.device.type == "cuda" or (compiled and torch.cpu._is_avx512_bf16_supported())
        self.step, self.elapsed = 0, 0.0
        self.history: list[dict] = []
        self.started_from: dict | None = None
        self.monitors = self._monitors(data) if self.rank == 0 else []

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
        mine = range(self.rank, self.sampler.classes, self.world)
        dims = self.config.embedding_dim, TARGET_DIM
        embeddings, targets = (torch.zeros(self.sampler.classes, dim) for dim in dims)
        self.network.eval()
        for start in range(0, len(mine), PRIMING_BATCH):
            labels = np.array(mine[start : start + PRIMING_BATCH])
            waves, views, _ = self.sampler.crops(labels, crop_samples(PRIMING_SECONDS))
            features = self.log_mel(waves).to(self.device)
            lengths = torch.full((len(features),), features.size(1), device=self.device)
            embeddings[labels] = nn.functional.normalize(self.network(features, lengths)).cpu()
            targets[labels] = views
        if self.world > 1:
            dist.all_reduce(embeddings), dist.all_reduce(targets)
        self.softmax.weight.copy_(embeddings - embeddings.mean(0))
        self.distillation.map.weight.copy_(torch.linalg.lstsq(embeddings, targets).solution.T)

    def _monitors(self, data: Path) -> list[Monitor]:
        trials = data / "trials_dev.txt"
        return [Monitor(trials, self.corpus.split("dev", trim=False))] if trials.exists() else []

    @property
    def progress(self) -> float:
        """Share of the run that has passed, the same in every process."""
        if self.recipe.steps:
            return self.step / self.recipe.steps
        return self.elapsed / (60 * self.recipe.minutes)

    @property
    def checkpoint_path(self) -> Path:
        return self.out / "checkpoint.pt"

    def run(self) -> None:
        self._resume()
        log.info("%d speakers, %d classes, %.2f M parameters", len(self.sampler.speakers), self.sampler.classes,
                 sum(p.numel() for p in self.network.parameters()) / 1e6)  # fmt: skip
        saved = evaluated = self.elapsed
        sums, counted = np.zeros(3), 0
        while self.progress < 1:
            sums += self._train_step()
            counted += 1
            if self.step % 50 == 0:
                loss, distance, accuracy = (sums / counted).tolist()
                log.info("step %d %.3f loss %.3f distillation %.4f accuracy %.3f %.0f s", self.step, self.progress,
                         loss, distance, accuracy, self.elapsed)  # fmt: skip
                self.history.append({"step": self.step, "seconds": self.elapsed, "loss": loss,
                                     "distillation": distance, "accuracy": accuracy})  # fmt: skip
                sums, counted = np.zeros(3), 0
            if self.elapsed - saved > 60 * self.recipe.checkpoint_every_minutes:
                saved = self.elapsed
                self._save()
            if self.elapsed - evaluated > 60 * self.recipe.evaluate_every_minutes:
                evaluated = self.elapsed
                self._evaluate()
        self._save()
        self._evaluate()

    def _train_step(self) -> np.ndarray:
        """One optimisation step; returns loss, distillation loss and accuracy, averaged over processes."""
        began = time.monotonic()
        recipe, progress = self.recipe, min(self.progress, 0.99999)
        phase = next(p for p in recipe.phases if progress < p.until)
        warm = progress / recipe.warm_up
        cosine = 0.5 * (1 + math.cos(math.pi * (progress - recipe.warm_up) / (1 - recipe.warm_up)))
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(warm, cosine if warm > 1 else 1) + 1e-6
        ramp = (progress - recipe.margin_from) / (recipe.margin_to - recipe.margin_from)
        margin = recipe.margin * min(1.0, max(0.0, ramp))

        batch = self.sampler.batch(phase.batch, crop_samples(phase.seconds))
        with torch.no_grad():
            features = mask_features(self.log_mel(batch.waves), self.sampler.rng).to(self.device)
        lengths = torch.full((len(features),), features.size(1), device=self.device)
        self.network.train()
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            embeddings = self.forward(features, lengths)
        embeddings = embeddings.float()
        loss, accuracy = self.softmax(embeddings, batch.labels.to(self.device), margin)
        distance = self.distillation(embeddings, batch.targets.to(self.device), batch.target_weights.to(self.device))
        (loss + recipe.distillation_weight * distance).backward()
        self.elapsed += time.monotonic() - began
        report = torch.stack([loss.detach(), distance.detach(), accuracy]).cpu()
        began = time.monotonic()
        report = self._reduce(report)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.average.update(self.network, self.step)
        self.step += 1
        self.elapsed += time.monotonic() - began
        if self.world > 1:
            self.elapsed = self._agree(self.elapsed)
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

    @staticmethod
    def _agree(value: float) -> float:
        agreed = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(agreed, 0)
        return float(agreed)

    def _save(self) -> None:
        if self.rank != 0:
            return
        state = {
            "recipe": json.dumps(self.recipe.to_dict()), "started_from": json.dumps(self.started_from),
            "step": self.step, "elapsed": self.elapsed, "history": self.history,
            "modules": self.modules.state_dict(), "optimizer": self.optimizer.state_dict(),
            "average": self.average.network.state_dict(),
        }  # fmt: skip
        part = self.checkpoint_path.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.checkpoint_path)

    def _resume(self) -> None:
        if not self.checkpoint_path.exists():
            return
        state = torch.load(self.checkpoint_path, map_location=self.device, weights_only=True)
        if json.loads(state["recipe"]) != json.loads(json.dumps(self.recipe.to_dict())):
            raise SystemExit(f"{self.checkpoint_path} is of another recipe: choose another --out, or remove it")
        self.modules.load_state_dict(state["modules"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.network.load_state_dict(state["average"])
        self.step, self.elapsed, self.history = state["step"], state["elapsed"], state["history"]
        self.started_from = json.loads(state.get("started_from", "null"))
        # Crops drawn before the cut are not drawn again.
        self.sampler.rng.bit_generator.state = np.random.default_rng(
            [self.recipe.seed, self.rank, self.step]
        ).bit_generator.state
        log.info("resumed at step %d, %.0f s", self.step, self.elapsed)

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
        dist.init_process_group("gloo")
        torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trainer = Trainer(arguments.data, arguments.out, arguments.recipe, arguments.device, arguments.compile)
    if arguments.start_from and not trainer.checkpoint_path.exists():
        trainer.start_from(arguments.start_from)
    trainer.run()
