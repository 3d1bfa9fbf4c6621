"""OpenVINO beside Timbre, fed with features that are made already: its work is the network alone.

  PYTHONPATH=PACKAGES .venv/bin/python bench/python/openvino_peer.py MODEL.onnx CLIPS --workers 1 [--precision f32]

A contender of bench/js/peers.mjs: the lines it reads and writes are those of bench/peers/contender.mjs. MODEL.onnx
takes features and lengths. Without --precision OpenVINO chooses: bf16 on processors that multiply in it, fp32 on most
others. PACKAGES is a folder with those of bench/python/requirements.txt.
"""

import argparse
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openvino as ov

BINS = 80
# As bench/js/peers.mjs calls them.
PRECISIONS = {ov.Type.f32: "fp32", ov.Type.bf16: "bf16", ov.Type.f16: "fp16"}


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


def peak_mb() -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


def compiled(model: Path, precision: str | None) -> ov.CompiledModel:
    """One stream of one thread, on whichever processor is free: pinned, several models would share one processor.

    The shapes stay those of the file, any number of frames: recordings have every length, and a model compiled for one
    length would have to be compiled again for the next.
    """
    core = ov.Core()
    settings = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
    if precision:
        settings["INFERENCE_PRECISION_HINT"] = precision
    return core.compile_model(core.read_model(model), "CPU", settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--precision", choices=["f32", "bf16"])
    arguments = parser.parse_args()
    # A model of its own for each worker: two streams of one model end the process (a fault in OpenVINO 2026.4.1) once a
    # long recording was followed by others.
    networks = [compiled(arguments.model, arguments.precision) for _ in range(arguments.workers)]
    workers = ThreadPoolExecutor(arguments.workers)

    def inputs(length: str) -> dict[str, np.ndarray]:
        features = np.fromfile(arguments.clips / f"{length}.features", dtype="<f4").reshape(1, -1, BINS)
        return {"features": features, "lengths": np.array([features.shape[1]], dtype=np.int64)}

    def embed(length: str) -> np.ndarray:
        return networks[0](inputs(length))["embedding"].flatten()

    def run(length: str, seconds: float, least: int) -> float:
        """Utterances a second, of all workers."""
        clip, started = inputs(length), time.perf_counter()

        def work(network: ov.CompiledModel) -> int:
            request, done = network.create_infer_request(), 0
            while done * arguments.workers < least or time.perf_counter() - started < seconds:
                request.infer(clip)
                done += 1
            return done

        return sum(workers.map(work, networks)) / (time.perf_counter() - started)

    embed("3")
    precision = PRECISIONS[networks[0].get_property("INFERENCE_PRECISION_HINT")]
    say({"ready": f"OpenVINO {ov.__version__.split('-')[0]}", "precision": precision})
    for line in sys.stdin:
        order = json.loads(line)
        if "embed" in order:
            say({"embedding": embed(order["embed"]).tolist()})
        elif "run" in order:
            say({"perSecond": run(order["run"], order["seconds"], order["least"])})
        else:
            say({"peakMb": peak_mb()})
            return


if __name__ == "__main__":
    main()
