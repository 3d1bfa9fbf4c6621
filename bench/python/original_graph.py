"""Our network against the original graph: the same weights, both TorchScript, frozen, on one thread.

The original is SpeechBrain's ECAPA-TDNN written as it is published: Conv1d over [B, C, T] after a copy that pads by
reflection, ReLU, BatchNorm1d, masks, and the attention over [x; mean; std] of every frame. `--check` proves on random
features that both give the same embeddings.

  PYTHONPATH=models .venv/bin/python bench/python/original_graph.py [--seconds 3.01] [--channels 1024]

Prints one JSON document. Runs alternate, so that other work on the machine slows both; a time is processor time of
the process, its minimum and its median over the runs.
"""

import argparse
import json
import statistics
import time
from typing import Optional

import torch
import torch.nn.functional as F
from timbre_models.convert import convert
from timbre_models.families import VARIANTS
from timbre_models.weights import checkpoint
from torch import Tensor, nn


class Conv1d(nn.Module):
    def __init__(self, inputs: int, outputs: int, taps: int = 1, dilation: int = 1):
        super().__init__()
        self.reach = dilation * (taps - 1) // 2
        self.conv = nn.Conv1d(inputs, outputs, taps, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        if self.reach > 0:
            x = F.pad(x, [self.reach, self.reach], mode="reflect")
        return self.conv(x)


class BatchNorm1d(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


class Tdnn(nn.Module):
    def __init__(self, inputs: int, outputs: int, taps: int = 1, dilation: int = 1):
        super().__init__()
        self.conv = Conv1d(inputs, outputs, taps, dilation)
        self.norm = BatchNorm1d(outputs)

    def forward(self, x: Tensor, lengths: Optional[Tensor] = None) -> Tensor:  # noqa: UP045 (TorchScript's spelling)
        return self.norm(F.relu(self.conv(x)))


class Res2Net(nn.Module):
    def __init__(self, channels: int, scale: int, dilation: int):
        super().__init__()
        width = channels // scale
        self.scale = scale
        self.blocks = nn.ModuleList(Tdnn(width, width, 3, dilation) for _ in range(scale - 1))

    def forward(self, x: Tensor) -> Tensor:
        chunks = torch.chunk(x, self.scale, dim=1)
        done = [chunks[0]]
        y = chunks[0]
        for i, block in enumerate(self.blocks):
            y = block(chunks[i + 1] if i == 0 else chunks[i + 1] + y)
            done.append(y)
        return torch.cat(done, dim=1)


def mask_of(lengths: Tensor, frames: int) -> Tensor:
    return (torch.arange(frames)[None, :] < (lengths * frames)[:, None]).to(torch.float32).unsqueeze(1)


class SqueezeExcitation(nn.Module):
    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.conv1, self.conv2 = Conv1d(channels, squeezed), Conv1d(squeezed, channels)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        mask = mask_of(lengths, x.size(2))
        mean = (x * mask).sum(dim=2, keepdim=True) / mask.sum(dim=2, keepdim=True)
        return torch.sigmoid(self.conv2(F.relu(self.conv1(mean)))) * x


class Block(nn.Module):
    def __init__(self, channels: int, squeezed: int, dilation: int):
        super().__init__()
        self.tdnn1, self.tdnn2 = Tdnn(channels, channels), Tdnn(channels, channels)
        self.res2net_block = Res2Net(channels, 8, dilation)
        self.se_block = SqueezeExcitation(channels, squeezed)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x))), lengths) + x


def statistics_of(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    mean = (weight * x).sum(2)
    return mean, (weight * (x - mean.unsqueeze(2)).pow(2)).sum(2).clamp(1e-12).sqrt()


class Pooling(nn.Module):
    def __init__(self, channels: int, attention: int):
        super().__init__()
        self.tdnn, self.conv = Tdnn(3 * channels, attention), Conv1d(attention, channels)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        frames = x.size(2)
        mask = mask_of(lengths, frames)
        mean, std = statistics_of(x, mask / mask.sum(dim=2, keepdim=True))
        context = [x, mean.unsqueeze(2).repeat(1, 1, frames), std.unsqueeze(2).repeat(1, 1, frames)]
        score = self.conv(torch.tanh(self.tdnn(torch.cat(context, dim=1)))).masked_fill(mask == 0, float("-inf"))
        mean, std = statistics_of(x, F.softmax(score, dim=2))
        return torch.cat([mean, std], dim=1).unsqueeze(2)


class Original(nn.Module):
    """Tensor names are the checkpoint's."""

    def __init__(self, channels: int, pooled: int, squeezed: int, attention: int, dim: int):
        super().__init__()
        first = Tdnn(80, channels, 5)
        self.blocks = nn.ModuleList([first, *(Block(channels, squeezed, dilation) for dilation in (2, 3, 4))])
        self.mfa = Tdnn(3 * channels, pooled)
        self.asp = Pooling(pooled, attention)
        self.asp_bn, self.fc = BatchNorm1d(2 * pooled), Conv1d(2 * pooled, dim)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        x = features.transpose(1, 2)
        joined: list[Tensor] = []
        for block in self.blocks:
            x = block(x, lengths)
            joined.append(x)
        return self.fc(self.asp_bn(self.asp(self.mfa(torch.cat(joined[1:], dim=1)), lengths))).squeeze(2)


def networks(channels: int) -> tuple[nn.Module, nn.Module]:
    variant = VARIANTS["speechbrain"]
    config = variant.network
    sizes = {"channels": channels, "pooled_channels": 3 * channels}
    weights = checkpoint(variant, type(config)(**{**vars(config), **sizes}))
    original = Original(
        channels, 3 * channels, config.squeeze_channels, config.attention_channels, config.embedding_dim
    )
    original.load_state_dict(weights)
    _, ours = convert(weights, "speechbrain")
    return original.eval(), ours.eval()


def frozen(network: nn.Module) -> torch.jit.ScriptModule:
    return torch.jit.freeze(torch.jit.script(network))


def milliseconds(times: list[float]) -> dict:
    return {"min": round(1e3 * min(times), 2), "median": round(1e3 * statistics.median(times), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.01)
    parser.add_argument("--channels", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--check", action="store_true", help="compare the embeddings, time nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    original, ours = map(frozen, networks(arguments.channels))
    frames = 1 + int(arguments.seconds * 16000) // 160
    features = 4 * torch.randn(1, frames, 80, generator=torch.Generator().manual_seed(0))
    shares, lengths = torch.ones(1), torch.tensor([frames])
    with torch.inference_mode(), torch.jit.optimized_execution(False):
        difference = original(features, shares) - ours(features, lengths)
        error = float(difference.norm() / original(features, shares).norm())
        report = {"frames": frames, "channels": arguments.channels, "relativeError": error}
        if error > 1e-4:
            raise SystemExit(f"the graphs disagree: {report}")
        if not arguments.check:
            times: dict[str, list[float]] = {"original": [], "ours": []}
            for run in range(arguments.runs + 5):
                for name, network, given in (("original", original, shares), ("ours", ours, lengths)):
                    begin = time.process_time()
                    network(features, given)
                    if run >= 5:
                        times[name].append(time.process_time() - begin)
            report |= {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}
            report |= {f"{name}Ms": milliseconds(found) for name, found in times.items()}
            report["ratio"] = round(min(times["ours"]) / min(times["original"]), 3)
            report["ratioOfMedians"] = round(statistics.median(times["ours"]) / statistics.median(times["original"]), 3)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
