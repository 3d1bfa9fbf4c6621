"""From the last checkpoint of a run, or the weights of a bundle, to the files that become a bundle.

A run ends with it. A bundle of a run that ended before sources were normalised gets it so:

  python -m training.finish --data ../../shared/speech --bundle starter.pt --out runs/again
"""

import argparse
import dataclasses
import json
import logging
from pathlib import Path

import numpy as np
import torch
from timbre_models import bundle
from timbre_models.ecapa import Ecapa

from .corpus import SAMPLE_RATE, Corpus, Split
from .features import LogMel
from .monitor import Monitor, embed_split, equal_error_rate
from .recipe import Recipe
from .teacher import unit
from .trainer import FRONT_END, TRAINING_SPLITS, network_config, run_of_bundle

CENTRE_SECONDS = 3
SOURCE_SPEAKERS = 15
SOURCE_STRENGTHS = (0.0, 1.0, 3.0)
COHORT_SPEAKERS = 1500

log = logging.getLogger("training")


def means_of(rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The mean of each key's rows, by key."""
    names, at = np.unique(keys, return_inverse=True)
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, at, rows)
    return sums / np.bincount(at)[:, None]


def source_normalisation(
    embeddings: np.ndarray, speakers: np.ndarray, sources: np.ndarray, strength: float
) -> np.ndarray:
    """A symmetric map float64[D, D] that shrinks the directions in which the means of sources lie apart.

    Two speakers of one source share its language and its microphones, which says nothing of who they are. With B the
    covariance of the means of sources of SOURCE_SPEAKERS or more, each by its speakers: (I + strength D B)^-1/2.
    """
    by_source = {s: means_of(embeddings[sources == s], speakers[sources == s]) for s in np.unique(sources)}
    large = [means.mean(0) for means in by_source.values() if len(means) >= SOURCE_SPEAKERS]
    dim = embeddings.shape[1]
    if len(large) < 2:
        return np.eye(dim)
    between = np.cov(np.stack(large).T, bias=True)
    values, vectors = np.linalg.eigh(between)
    return (vectors / np.sqrt(1 + strength * dim * np.maximum(values, 0))) @ vectors.T


def mean_embedding(embeddings: np.ndarray, speakers: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Mean of speakers, each by its recordings of CENTRE_SECONDS, or of all lengths where none are that long.

    Single words are no part of it: their mean lies elsewhere than that of sentences.
    """
    long = seconds >= CENTRE_SECONDS
    if not long.any():
        long[:] = True
    return means_of(embeddings[long], speakers[long]).mean(0)


@torch.no_grad()
def fold(network: Ecapa, matrix: np.ndarray) -> None:
    """Multiplies what the network returns by a matrix, within its last layer, whose norm is left without effect."""
    norm, embed = network.embed_norm, network.embed
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    offset = (embed.bias - norm.running_mean) * scale + norm.bias
    by = torch.from_numpy(matrix).float()
    embed.weight.copy_(by @ (scale[:, None] * embed.weight))
    embed.bias.copy_(by @ offset)
    norm.weight.fill_(1), norm.bias.zero_(), norm.running_mean.zero_(), norm.running_var.fill_(1 - norm.eps)


@dataclasses.dataclass(frozen=True)
class Embedded:
    """Unit embeddings float32[U, D] of a split, with what estimates need of each recording."""

    embeddings: np.ndarray
    speakers: np.ndarray
    sources: np.ndarray
    seconds: np.ndarray

    @classmethod
    def of(cls, network: Ecapa, log_mel: LogMel, split: Split) -> "Embedded":
        seconds = split.waves[1.0].lengths / SAMPLE_RATE
        vectors = embed_split(network, log_mel, split)
        return cls(vectors, np.array(split.speakers), np.array(split.sources), seconds)

    def without(self, source: str) -> "Embedded":
        kept = self.sources != source
        return Embedded(self.embeddings[kept], self.speakers[kept], self.sources[kept], self.seconds[kept])


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Whether a mean is subtracted, and how strongly sources are normalised before."""

    strength: float
    centred: bool

    def estimate(self, rows: Embedded) -> tuple[np.ndarray, np.ndarray]:
        """The map float64[D, D] and the mean float64[D] that follow from these recordings."""
        matrix = source_normalisation(rows.embeddings, rows.speakers, rows.sources, self.strength)
        if not self.centred:
            return matrix, np.zeros(len(matrix))
        return matrix, mean_embedding(unit(rows.embeddings @ matrix), rows.speakers, rows.seconds)

    def rates_left_out(self, rows: Embedded, monitor: Monitor, embeddings: np.ndarray) -> dict[str, float]:
        """EER in per cent of each source of the monitor's trials that `rows` have too, estimated without that source.

        `embeddings` are those of the monitor's recordings. Trials have both sides in the source.
        """
        sources, rates = np.array(monitor.split.sources), {}
        for source in sorted(set(monitor.split.sources) & set(rows.sources)):
            own = (sources[monitor.a] == source) & (sources[monitor.b] == source)
            if len(np.unique(monitor.labels[own])) < 2:
                continue
            matrix, centre = self.estimate(rows.without(source))
            vectors = unit(unit(embeddings @ matrix) - centre)
            scores = (vectors[monitor.a[own]] * vectors[monitor.b[own]]).sum(1)
            rates[source] = equal_error_rate(monitor.labels[own], scores)
        return rates


NORMALISATIONS = tuple(
    Normalisation(strength, centred) for centred in (False, True) for strength in SOURCE_STRENGTHS
)  # fmt: skip


def choose_normalisation(
    rows: Embedded, monitor: Monitor, embeddings: np.ndarray
) -> tuple[Normalisation, list[dict[str, object]]]:
    """The best of NORMALISATIONS by sources that were left out of the estimate, and what each of them reached.

    A source counts by its speakers. Estimated from the sources that are then measured, a map looks better than it is
    on anybody else.
    """
    split = monitor.split
    speakers = {
        s: len({v for v, t in zip(split.speakers, split.sources, strict=True) if t == s}) for s in set(split.sources)
    }
    tried = []
    for candidate in NORMALISATIONS:
        rates = candidate.rates_left_out(rows, monitor, embeddings)
        mean = np.average(list(rates.values()), weights=[speakers[s] for s in rates]) if rates else np.nan
        tried.append({**dataclasses.asdict(candidate), "eer_left_out": rates, "mean_eer": float(mean)})
    means = [row["mean_eer"] for row in tried]
    # Without such trials nothing shows that a map helps: the mean alone is subtracted.
    best = NORMALISATIONS[int(np.argmin(means))] if np.isfinite(means).all() else Normalisation(0.0, centred=True)
    return best, tried


def speaker_means(network: Ecapa, log_mel: LogMel, splits: list[Split], rng: np.random.Generator) -> np.ndarray:
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


def write_model(network: Ecapa, data: Path, out: Path, seed: int) -> dict:
    """Writes starter.ckpt (the module's own tensor names) and cohort.npy; returns what is known of data and rates.

    The normalisation is estimated on the first training split, which has several recordings of each speaker: training
    pulls a speaker with a single recording to where no other speaker's embeddings lie.
    """
    log_mel, corpus = LogMel(FRONT_END), Corpus(data, out / "cache", workers=2)
    splits = [split for name in TRAINING_SPLITS if len(split := corpus.split(name))]
    rows, chosen, tried, rates = Embedded.of(network, log_mel, splits[0]), Normalisation(0.0, centred=True), [], {}
    monitor = None
    if (data / "trials_dev.txt").exists():
        monitor = Monitor(data / "trials_dev.txt", corpus.split("dev", trim=False))
        embeddings = embed_split(network, log_mel, monitor.split)
        chosen, tried = choose_normalisation(rows, monitor, embeddings)
        rates["plain"] = monitor.rates(embeddings)
    matrix, centre = chosen.estimate(rows)
    if monitor is not None:
        rates["normalised"] = monitor.rates(unit(unit(embeddings @ matrix) - centre))
        log.info("%s; dev EER: %s", chosen, json.dumps(rates))
    fold(network, matrix)
    means = speaker_means(network, log_mel, splits, np.random.default_rng(seed))
    mean = torch.from_numpy(centre.astype(np.float32))
    torch.save({**network.state_dict(), "embedding_mean": mean}, out / "starter.ckpt")
    np.save(out / "cohort.npy", unit(means - centre).astype(np.float16))
    log.info("wrote %s", out / "starter.ckpt")
    return {
        "normalisation": {**dataclasses.asdict(chosen), "tried": tried}, "dev_eer": rates,
        "speakers": len({s for split in splits for s in split.speakers}),
        "recordings": sum(map(len, splits)),
        "hours": round(sum(int(split.waves[1.0].lengths.sum()) for split in splits) / SAMPLE_RATE / 3600, 1),
    }  # fmt: skip


def finish(data: Path, out: Path, recipe: Recipe) -> None:
    """Writes starter.ckpt, cohort.npy, training.json and curve.svg of the run in `out`."""
    state = torch.load(out / "checkpoint.pt", map_location="cpu", weights_only=True)
    network = Ecapa(network_config(recipe)).eval()
    network.load_state_dict(state["average"])
    facts = {
        "recipe": recipe.to_dict(), "started_from": json.loads(state.get("started_from", "null")),
        "steps": state["step"], "seconds": round(state["elapsed"]), **write_model(network, data, out, recipe.seed),
        "history": state["history"],
    }  # fmt: skip
    (out / "training.json").write_text(json.dumps(facts, indent=1))
    plot(state["history"], out / "curve.svg")


def finish_bundle(data: Path, out: Path, path: Path) -> None:
    """Writes starter.ckpt, cohort.npy and training.json for the weights of a bundle that a run was made into."""
    manifest, centred = bundle.load(path)
    run = run_of_bundle(manifest.get("training"))
    if run is None:
        raise SystemExit(f"{path} does not say how it was trained")
    network = Ecapa(dataclasses.replace(centred.config, embedding_centre=False)).eval()
    network.load_state_dict({name: tensor for name, tensor in centred.state_dict().items() if name != "embedding_mean"})
    if not network.embed_norm.running_mean.any():
        raise SystemExit(f"{path} has its sources normalised already: take the weights of a run")
    facts = {**run, **write_model(network, data, out, run["recipe"]["seed"])}
    (out / "training.json").write_text(json.dumps(facts, indent=1))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with files.tsv")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    finish_bundle(arguments.data, arguments.out, arguments.bundle)


if __name__ == "__main__":
    main()
