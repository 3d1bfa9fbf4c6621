"""SpeechBrain beside Timbre, called as its users call it: EncoderClassifier.from_hparams and encode_batch.

  python bench/python/speechbrain_peer.py CHECKPOINT CLIPS --threads 1

A contender of bench/js/peers.mjs: the lines it reads and writes are those of bench/peers/contender.mjs. CHECKPOINT is
a state dict with the names and the sizes of spkrec-ecapa-voxceleb. Needs speechbrain, torch, numpy.
"""

import argparse
import json
import logging
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

HYPERPARAMS = """
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: 80
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: 80
    channels: [{channels}, {channels}, {channels}, {channels}, {pooled}]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 128
    lin_neurons: 192
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 192
    out_neurons: 2
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
    paths:
        embedding_model: {checkpoint}
"""


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


def peak_mb() -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")

    import speechbrain
    import torch
    from speechbrain.inference.speaker import EncoderClassifier

    torch.set_num_threads(arguments.threads)
    last = torch.load(arguments.checkpoint, weights_only=True)["mfa.conv.conv.weight"]
    sizes = {"channels": last.shape[1] // 3, "pooled": last.shape[0], "checkpoint": arguments.checkpoint.resolve()}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "hyperparams.yaml").write_text(HYPERPARAMS.format(**sizes))
        encoder = EncoderClassifier.from_hparams(source=folder, savedir=f"{folder}/saved")

    def clip(length: str) -> torch.Tensor:
        return torch.from_numpy(np.fromfile(arguments.clips / f"{length}.pcm", dtype="<f4"))[None]

    def embed(samples: torch.Tensor) -> torch.Tensor:
        return encoder.encode_batch(samples).flatten()

    embed(clip("3"))
    say({"ready": f"SpeechBrain {speechbrain.__version__}, PyTorch {torch.__version__}"})
    for line in sys.stdin:
        order = json.loads(line)
        if "embed" in order:
            say({"embedding": embed(clip(order["embed"])).tolist()})
        elif "run" in order:
            samples = clip(order["run"])
            done, started = 0, time.perf_counter()
            while done < order["least"] or time.perf_counter() - started < order["seconds"]:
                embed(samples)
                done += 1
            say({"perSecond": done / (time.perf_counter() - started)})
        else:
            say({"peakMb": peak_mb()})
            return


if __name__ == "__main__":
    main()
