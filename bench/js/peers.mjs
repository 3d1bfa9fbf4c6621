// Timbre beside the runtimes that a user would take instead: the same weights, recordings and processors, in turns.
//
//   node bench/js/peers.mjs [--python PYTHON] [--audio ../shared/speech/libri] [--rounds 5] [--seconds 2] [--cores 0,1]
//     [--out FILE]
//
// It builds and installs what it needs (peer-setup.mjs), measures (peer-comparison.mjs) and writes the report
// (peer-report.mjs).
import { enter } from '../../scripts/setup/entry.mjs';

const HELP = `Usage: node bench/js/peers.mjs [options]

Measures Timbre beside onnxruntime-node, OpenVINO, sherpa-onnx-node and SpeechBrain. Installs them first where they are
missing: no dependency of the project, in bench/peers/node_modules and .cache/bench/python. The weights are a formula of
the published size: speed does not depend on them, and every runtime has to give their embeddings; how far int8 is from
fp32 on trained weights is for docs/models.md and bench/js/precisions.mjs to say.

Options:
  --python PYTHON     one that imports speechbrain; without it SpeechBrain is left out
  --audio FOLDER      of speech (../shared/speech/libri); where it is not there a voice by formula speaks
  --rounds N          in each, every runtime in turn (5)
  --seconds N         that each runs for a length, at least (2)
  --lengths N,N,...   of the clips, seconds (1,3,10,30)
  --channels N        of the network (1024, which has 20.8 M parameters)
  --cores N,N         processors that all run on (0,1)
  --out FILE          the report (bench/results/peers.md); its plot lies beside it, as .svg
  --help              this text

Example:
  node bench/js/peers.mjs --rounds 1 --out /tmp/peers.md
`;

const words = /** @type {const} */ ({ type: 'string' });

await enter({
  what: 'the comparison',
  help: HELP,
  options: {
    python: words,
    audio: words,
    rounds: words,
    seconds: words,
    lengths: words,
    channels: words,
    cores: words,
    out: words,
  },
  async main({
    python,
    audio,
    rounds = '5',
    seconds = '2',
    lengths = '1,3,10,30',
    channels = '1024',
    cores = '0,1',
    out,
  }) {
    const { preparePeers } = await import('./peer-setup.mjs');
    const peers = await preparePeers({ python });
    // Only now is there a dist/ to import.
    const { compare } = await import('./peer-comparison.mjs');
    await compare({
      ...peers,
      speechbrainPython: python,
      audio,
      rounds: Number(rounds),
      seconds: Number(seconds),
      lengths: lengths.split(','),
      channels: Number(channels),
      cores,
      out,
    });
  },
});
