"""Copies of recordings that went through real encoders, made by ffmpeg once and kept beside the samples.

A share of the recordings gets a copy, each through one codec. What ffmpeg gives back is laid over what went in, so that
a copy has the length of its recording and the targets of a stretch are those of the same stretch of the recording.
"""

import logging
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .corpus import SAMPLE_RATE, NotPreparedError, Waves

GAP = SAMPLE_RATE // 4
"""Samples of silence around each recording while it is coded."""
FARTHEST = SAMPLE_RATE // 5
"""Most samples by which a codec moves what it codes."""
BLOCK = 100
"""Recordings that one run of ffmpeg codes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Codec:
    name: str
    encoder: str
    extension: str
    options: tuple[str, ...] = ()
    rate: int = 8000


CODECS = (
    Codec("opus-6", "libopus", "ogg", ("-b:a", "6k", "-application", "voip"), SAMPLE_RATE),
    Codec("opus-8", "libopus", "ogg", ("-b:a", "8k", "-application", "voip"), SAMPLE_RATE),
    Codec("opus-12", "libopus", "ogg", ("-b:a", "12k"), SAMPLE_RATE),
    Codec("opus-16", "libopus", "ogg", ("-b:a", "16k"), SAMPLE_RATE),
    Codec("mp3-16", "libmp3lame", "mp3", ("-b:a", "16k"), SAMPLE_RATE),
    Codec("amr-nb", "libopencore_amrnb", "amr", ("-b:a", "7.95k")),
    Codec("amr-wb", "libvo_amrwbenc", "amr", ("-b:a", "12.65k"), SAMPLE_RATE),
    Codec("gsm", "libgsm", "gsm"),
    Codec("g711-a", "pcm_alaw", "wav"),
    Codec("g711-mu", "pcm_mulaw", "wav"),
    Codec("g723.1", "g723_1", "nut", ("-b:a", "6300")),
    Codec("speex-8", "libspeex", "ogg", ("-b:a", "8k")),
)


def ffmpeg(*words: str, given: bytes = b"") -> bytes:
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-threads", "1", *words]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def available() -> tuple[Codec, ...]:
    """The codecs whose encoders this ffmpeg has. Raises SystemExit where there is no ffmpeg."""
    if shutil.which("ffmpeg") is None:
        raise SystemExit("coded copies are made by ffmpeg, which is not installed; --coded-share 0 trains without them")
    encoders = {line.split()[1] for line in ffmpeg("-encoders").decode().splitlines() if len(line.split()) > 1}
    missing = [codec.name for codec in CODECS if codec.encoder not in encoders]
    if missing:
        log.warning("this ffmpeg has no encoder for %s", ", ".join(missing))
    return tuple(codec for codec in CODECS if codec.encoder in encoders)


def lag(reference: np.ndarray, moved: np.ndarray, farthest: int = FARTHEST) -> int:
    """Samples by which `moved` comes later than `reference`, from the highest correlation within `farthest`."""
    size = min(len(reference), len(moved), 60 * SAMPLE_RATE)
    points = 1 << (size + farthest - 1).bit_length()
    a, b = (np.fft.rfft(x[:size].astype(np.float64), points) for x in (reference, moved))
    correlation = np.fft.irfft(a.conj() * b, points)
    near = np.concatenate([correlation[-farthest:], correlation[: farthest + 1]])
    return int(near.argmax()) - farthest


def coded(waves: list[np.ndarray], codec: Codec) -> list[np.ndarray]:
    """int16 recordings as they come out of the codec, each as long as it was and where it was."""
    gap = np.zeros(GAP, np.int16)
    joined = np.concatenate([part for wave in waves for part in (gap, wave)] + [gap])
    raw = ("-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", "1")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / f"coded.{codec.extension}")
        ffmpeg(*raw, "-i", "-", "-ar", str(codec.rate), "-c:a", codec.encoder, *codec.options, path,
               given=joined.tobytes())  # fmt: skip
        decoded = np.frombuffer(ffmpeg("-i", path, *raw, "-"), np.int16)
    late = lag(joined, decoded)
    decoded = np.pad(decoded, (max(0, -late), 0))[max(0, late) :]
    decoded = np.pad(decoded, (0, max(0, len(joined) - len(decoded))))
    starts = np.cumsum([GAP, *(len(wave) + GAP for wave in waves[:-1])])
    return [decoded[start : start + len(wave)] for start, wave in zip(starts, waves, strict=True)]


@dataclass(frozen=True)
class Coded:
    """Coded copies of some recordings of a split at one speed; `at`, int64[U], says where a copy is, -1 where none."""

    waves: Waves
    at: np.ndarray

    def __getitem__(self, utterance: int) -> np.ndarray | None:
        return self.waves[self.at[utterance]] if self.at[utterance] >= 0 else None

    @classmethod
    def of(cls, waves: Waves, share: float, seed: int, workers: int) -> "Coded":
        """Copies of `share` of the recordings, of each codec as many; found in the cache, or made by `workers`."""
        stem = waves.stem.with_name(f"{waves.stem.name}-coded")
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(len(waves))[: round(share * len(waves))]
        at = np.full(len(waves), -1)
        at[chosen] = np.arange(len(chosen))
        if stem.with_suffix(".i16").exists():
            copies = Waves.open(stem)
            if len(copies) != len(chosen):
                raise ValueError(
                    f"{stem}.i16 has {len(copies)} copies, not {len(chosen)}: it was made for other shares"
                )
            return cls(copies, at)
        if workers == 0:
            raise NotPreparedError(stem.with_suffix(".i16"))
        log.info("coding %d recordings of %s", len(chosen), waves.stem.name)
        codecs = available()
        blocks = [chosen[i : i + BLOCK] for i in range(0, len(chosen), BLOCK)]
        with ProcessPoolExecutor(workers) as pool:
            given = ([np.array(waves[i]) for i in block] for block in blocks)
            which = (codecs[number % len(codecs)] for number in range(len(blocks)))
            done = pool.map(coded, given, which)
            return cls(Waves.write(stem, (copy for block in done for copy in block)), at)
