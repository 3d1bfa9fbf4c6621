"""The mean embedding and the cohort of a bundle anew, from the product's embeddings of the training recordings.

What a recording is embedded of may change without its network: with long pauses taken out, embeddings lie elsewhere.

  python -m training.recentre uncentred --bundle starter.pt --out runs/again/uncentred.ckpt
  timbre models add runs/again/uncentred.ckpt --family timbre --id uncentred
  timbre embed ../shared/speech/train ../shared/speech/single --model uncentred > runs/again/embeddings.jsonl
  python -m training.recentre finish --bundle starter.pt --data ../shared/speech \\
      --embeddings runs/again/embeddings.jsonl --out runs/again

`finish` writes starter.ckpt, cohort.npy and training.json, as a run ends with.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import torch
from timbre_models import bundle

from .finish import COHORT_SPEAKERS, mean_embedding, means_of
from .teacher import unit
from .trainer import TRAINING_SPLITS, run_of_bundle


def write_uncentred(path: Path, out: Path) -> None:
    """The bundle's weights, giving embeddings of length 1 with no mean subtracted."""
    _, network = bundle.load(path)
    state = network.state_dict()
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**state, "embedding_mean": torch.zeros_like(state["embedding_mean"])}, out)


def read_embeddings(path: Path, data: Path) -> dict[str, tuple[np.ndarray, float]]:
    """Unit embedding and seconds of each recording that has one, by its path within the data."""
    found = {}
    with path.open() as lines:
        for line in lines:
            row = json.loads(line)
            if "embedding" in row:
                name = str(Path(row["path"]).resolve().relative_to(data.resolve()))
                found[name] = np.asarray(row["embedding"], np.float32), row["embedded"]["seconds"]
    return found


def finish(path: Path, data: Path, embeddings: Path, out: Path) -> None:
    manifest, network = bundle.load(path)
    run = run_of_bundle(manifest.get("training"))
    if run is None:
        raise SystemExit(f"{path} does not say how it was trained")
    embedded = read_embeddings(embeddings, data)
    with (data / "files.tsv").open() as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["split"] in TRAINING_SPLITS]
    missing = [row["path"] for row in rows if row["path"] not in embedded]
    if len(missing) > len(rows) // 100:
        raise SystemExit(f"{len(missing)} of {len(rows)} recordings have no embedding, such as {missing[0]}")
    rows = [row for row in rows if row["path"] in embedded]
    vectors = unit(np.stack([embedded[row["path"]][0] for row in rows]))
    seconds = np.array([embedded[row["path"]][1] for row in rows])
    speakers = np.array([row["speaker"] for row in rows])

    # Of the split that has several recordings of each, as finish.normalise() says.
    several = np.array([row["split"] == TRAINING_SPLITS[0] for row in rows])
    centre = mean_embedding(vectors[several], speakers[several], seconds[several]).astype(np.float32)

    rng = np.random.default_rng(run["recipe"]["seed"])
    names = np.unique(speakers)
    chosen = np.sort(rng.choice(names, min(COHORT_SPEAKERS, len(names)), replace=False))
    two = np.concatenate([rng.permutation(np.flatnonzero(speakers == name))[:2] for name in chosen])
    means = unit(means_of(vectors[two], speakers[two]))

    out.mkdir(parents=True, exist_ok=True)
    torch.save({**network.state_dict(), "embedding_mean": torch.from_numpy(centre)}, out / "starter.ckpt")
    np.save(out / "cohort.npy", unit(means - centre).astype(np.float16))
    counted = {name: manifest["training"][name] for name in ("speakers", "recordings", "hours")}
    (out / "training.json").write_text(json.dumps({**run, **counted}, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    for step in ("uncentred", "finish"):
        one = steps.add_parser(step)
        one.add_argument("--bundle", type=Path, required=True)
        one.add_argument("--out", type=Path, required=True)
        if step == "finish":
            one.add_argument("--data", type=Path, required=True, help="folder with files.tsv")
            one.add_argument("--embeddings", type=Path, required=True, help="of `timbre embed`, JSON lines")
    arguments = parser.parse_args()
    if arguments.step == "uncentred":
        write_uncentred(arguments.bundle, arguments.out)
    else:
        finish(arguments.bundle, arguments.data, arguments.embeddings, arguments.out)


if __name__ == "__main__":
    main()
