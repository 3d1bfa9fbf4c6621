"""From the last checkpoint of a run to the files that become a bundle."""

import json
import logging
from pathlib import Path

import numpy as np
import torch
from timbre_models.ecapa import Ecapa

from .corpus import Corpus
from .features import LogMel
from .monitor import Monitor, embed_split
from .recipe import Recipe
from .teacher import unit
from .trainer import FRONT_END, TRAINING_SPLITS, network_config

COHORT_SPEAKERS = 1500

log = logging.getLogger("training")


def speaker_means(network: Ecapa, log_mel: LogMel, splits: list, rng: np.random.Generator) -> np.ndarray:
    """Unit mean embeddings float32[S, D] of up to COHORT_SPEAKERS training speakers, two recordings each."""
    by_speaker: dict[tuple[int, str], list[int]] = {}
    for s, split in enumerate(splits):
        for u, speaker in enumerate(split.speakers):
            by_speaker.setdefault((s, speaker), []).append(u)
    speakers = sorted(by_speaker)
    chosen = [speakers[i] for i in sorted(rng.choice(len(speakers), min(COHORT_SPEAKERS, len(speakers)), False))]
    means = []
    for s, speaker in chosen:
        utterances = rng.permutation(by_speaker[s, speaker])[:2]
        mean = embed_split(network, log_mel, splits[s], utterances).mean(0)
        means.append(mean / np.linalg.norm(mean))
    return np.stack(means).astype(np.float32)


def finish(data: Path, out: Path, recipe: Recipe) -> None:
    """Writes starter.ckpt (the module's own tensor names), cohort.npy, training.json and curve.svg into `out`."""
    state = torch.load(out / "checkpoint.pt", map_location="cpu", weights_only=True)
    config = network_config(recipe)
    network, log_mel = Ecapa(config).eval(), LogMel(FRONT_END)
    network.load_state_dict(state["average"])
    corpus = Corpus(data, out / "cache", workers=2)
    splits = [split for name in TRAINING_SPLITS if len(split := corpus.split(name))]
    means = speaker_means(network, log_mel, splits, np.random.default_rng(recipe.seed))
    centre = means.mean(0)

    torch.save({**state["average"], "embedding_mean": torch.from_numpy(centre)}, out / "starter.ckpt")
    np.save(out / "cohort.npy", unit(means - centre).astype(np.float16))

    rates = {}
    if (data / "trials_dev.txt").exists():
        monitor = Monitor(data / "trials_dev.txt", corpus.split("dev", trim=False))
        embeddings = embed_split(network, log_mel, monitor.split)
        rates = {"plain": monitor.rates(embeddings), "centred": monitor.rates(unit(embeddings - centre))}
        log.info("dev EER: %s", json.dumps(rates))
    facts = {
        "recipe": recipe.to_dict(), "started_from": json.loads(state.get("started_from", "null")),
        "steps": state["step"], "seconds": round(state["elapsed"]), "dev_eer": rates,
        "speakers": len({s for split in splits for s in split.speakers}), "recordings": sum(map(len, splits)),
        "hours": round(sum(int(split.waves[1.0].lengths.sum()) for split in splits) / 16000 / 3600, 1),
        "history": state["history"],
    }  # fmt: skip
    (out / "training.json").write_text(json.dumps(facts, indent=1))
    plot(state["history"], out / "curve.svg")
    log.info("wrote %s", out / "starter.ckpt")


def plot(history: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    steps = [row for row in history if "loss" in row]
    left.plot([r["seconds"] / 60 for r in steps], [r["loss"] for r in steps], label="AAM-softmax")
    left.plot([r["seconds"] / 60 for r in steps], [30 * r["distillation"] for r in steps], label="30 x distillation")
    left.set(xlabel="minutes", ylabel="loss")
    left.legend()
    marks = [row for row in history if "dev_eer" in row]
    for group in sorted({g for row in marks for g in row["dev_eer"]}):
        right.plot([r["seconds"] / 60 for r in marks], [r["dev_eer"][group] for r in marks], "o-", label=group)
    right.set(xlabel="minutes", ylabel="dev EER, %", yscale="log")
    if marks:
        right.legend()
    figure.tight_layout()
    figure.savefig(path)
