"""Embeddings to compare a model with, as JSON lines for `timbre evaluate --embeddings`.

mfcc     mean and deviation of 30 cepstra and their slopes, each divided by its deviation over the list's recordings
teacher  Resemblyzer, a public encoder that the bundled model is distilled from
campplus CAM++ zh-en common, the other one

python -m training.baselines mfcc --data ../../shared/speech --splits dev libri --out mfcc.jsonl
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from .campplus import CampplusTeacher
from .corpus import SAMPLE_RATE, Corpus, decode
from .features import LogMel
from .resemblyzer import Resemblyzer
from .teacher import Teacher, unit
from .trainer import FRONT_END

CEPSTRA = 30


def middle(wave: np.ndarray, seconds: float | None) -> np.ndarray:
    """The stretch that `timbre evaluate --cut` embeds."""
    kept = len(wave) if seconds is None else min(len(wave), round(seconds * SAMPLE_RATE))
    start = (len(wave) - kept) // 2
    return wave[start : start + kept]


def cosine_transform(bins: int, count: int) -> np.ndarray:
    """Orthonormal DCT-II without its constant: float64[bins, count]."""
    k, n = np.arange(1, count + 1), np.arange(bins)[:, None]
    return np.sqrt(2 / bins) * np.cos(np.pi * k * (2 * n + 1) / (2 * bins))


def mfcc_statistics(wave: np.ndarray, log_mel: LogMel) -> np.ndarray:
    """float64[4 * CEPSTRA]: means and deviations of cepstra, then of their slopes."""
    if len(wave) < FRONT_END.frame_length:
        wave = np.pad(wave, (0, FRONT_END.frame_length - len(wave)))
    # The front end subtracts the mean over time; here it is what tells voices apart.
    features = log_mel.log_spectrum(torch.from_numpy(wave.astype(np.float32))[None] / 32768)[0].numpy()
    cepstra = features @ cosine_transform(features.shape[1], CEPSTRA)
    slopes = np.gradient(cepstra, axis=0) if len(cepstra) > 1 else np.zeros_like(cepstra)
    return np.concatenate([cepstra.mean(0), cepstra.std(0), slopes.mean(0), slopes.std(0)])


def mfcc(waves: list[np.ndarray]) -> np.ndarray:
    log_mel = LogMel(FRONT_END)
    rows = np.stack([mfcc_statistics(wave, log_mel) for wave in waves])
    return (rows - rows.mean(0)) / (rows.std(0) + 1e-9)


@torch.inference_mode()
def teacher(waves: list[np.ndarray], network: Teacher) -> np.ndarray:
    return np.stack([unit(network(network.windows(wave)).mean(0).numpy()) for wave in waves])


SYSTEMS = {
    "mfcc": mfcc,
    "teacher": lambda waves: teacher(waves, Resemblyzer.load()),
    "campplus": lambda waves: teacher(waves, CampplusTeacher.load()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--data", type=Path, required=True, help="folder with files.tsv")
    parser.add_argument("--splits", nargs="+", required=True)
    parser.add_argument("--cut", type=float, help="embed only so many seconds from the middle of each recording")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    part = arguments.out.with_suffix(".part")
    with open(part, "w") as out:
        for split in arguments.splits:
            rows = [row for row in Corpus.table(arguments.data) if row["split"] == split]
            waves = [middle(decode(arguments.data / row["path"], trim=False), arguments.cut) for row in rows]
            vectors = np.round(SYSTEMS[arguments.system](waves), 6).tolist()
            out.writelines(
                json.dumps({"path": row["path"], "embedding": vector}) + "\n"
                for row, vector in zip(rows, vectors, strict=True)
            )
    part.rename(arguments.out)


if __name__ == "__main__":
    main()
