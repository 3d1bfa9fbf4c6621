import type { Channel } from '../addon/types.js';
import { InvalidArgumentError, Option } from 'commander';
import { PRECISIONS } from '../support/precision.js';
import { RATE_BOUNDS } from '../scoring/impostor-tail.js';

/** `starter`, the bundle of the package, unless TIMBRE_MODEL names another. */
export function modelOption(): Option {
  return new Option('--model <id-or-file>', 'model bundle: an id in the model cache, or a file')
    .env('TIMBRE_MODEL')
    .default('starter');
}

export function deviceOption(): Option {
  return new Option('--device <device>', 'auto, cpu, cuda or cuda:<number>')
    .env('TIMBRE_DEVICE')
    .default('auto')
    .argParser((text: string) => {
      if (!/^(auto|cpu|cuda(:\d+)?)$/.test(text))
        throw new InvalidArgumentError('auto, cpu, cuda or cuda:<number> belongs here.');
      return text;
    });
}

export function precisionOption(): Option {
  return new Option('--precision <type>', 'what the network multiplies in')
    .env('TIMBRE_PRECISION')
    .choices([...PRECISIONS])
    .default('auto');
}

/** Of a bundle that brings code of its own. */
export function allowCodeOption(): Option {
  return new Option('--allow-code <sha256>', "run the code of the model's file, if it has this sha256").env(
    'TIMBRE_ALLOW_CODE',
  );
}

export function workersOption(): Option {
  return new Option('--workers <n>', 'threads, one recording each (default: the processors that are there)').argParser(
    whole(1, 1024),
  );
}

/** `keep` gives embeddings that do not compare with those made by the bundle's rule. */
export function pausesOption(): Option {
  return new Option('--pauses <how>', 'cut long pauses by the rule of the model, or keep them all').choices([
    'cut',
    'keep',
  ]);
}

/** Which channel is taken: of the calls with one answer, `mix` or a number; `each` gives an answer for every channel. */
export function channelOption(each: boolean): Option {
  const kinds = each ? 'mix, each or a number' : 'mix or a number';
  const description = `of recordings with several channels: ${kinds}, counted from 0 (default: mix)`;
  return new Option('--channel <which>', description).argParser((text: string): Channel => {
    if (text === 'mix' || (each && text === 'each')) return text;
    if (/^\d{1,2}$/.test(text)) return Number(text);
    throw new InvalidArgumentError(`${kinds} from 0 to 99 belongs here.`);
  });
}

/** Which audio track of a container with several. */
export function trackOption(): Option {
  return new Option(
    '--track <n>',
    'audio track of a container with several, counted from 0 (default: the one it marks as its default)',
  ).argParser(whole(0, 999));
}

/** False accepts that the decision may have. */
export function rateOption(otherwise: string): Option {
  return new Option(
    '--false-accept-rate <share>',
    `share of strangers who are taken for somebody, ${RATE_BOUNDS.least} to ${RATE_BOUNDS.most} (default: ${otherwise})`,
  ).argParser(number(RATE_BOUNDS.least, RATE_BOUNDS.most));
}

/** What options say of a decision. */
export interface RateOptions {
  falseAcceptRate?: number;
}

/** The same as a field of a form. */
export function rateField({ falseAcceptRate }: RateOptions): RateOptions {
  return falseAcceptRate === undefined ? {} : { falseAcceptRate };
}

/** The part of a recording that options choose. */
export interface PartOptions {
  channel?: Exclude<Channel, 'each'>;
  track?: number;
}

/** The same as fields of a form. */
export function partFields({ channel, track }: PartOptions): Record<string, string> {
  return {
    ...(channel !== undefined && { channel: String(channel) }),
    ...(track !== undefined && { track: String(track) }),
  };
}

/** For argParser(): a text for each time that the option is given. */
export function several(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** `--group`, of speakers who are added; repeated for several. */
export function groupsOption(whose: string): Option {
  return new Option('--group <id>', `a group that ${whose} belongs to; repeat for several`).argParser(several);
}

/** For argParser(): `key=value`, for each time that the option is given. */
export function entry(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('<key>=<value> belongs here.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** For argParser(): a whole number in a range. */
export function whole(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to) {
      throw new InvalidArgumentError(`a whole number from ${from} to ${to} belongs here.`);
    }
    return value;
  };
}

/** For argParser(): a number in a range. */
export function number(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= from && value <= to)) {
      throw new InvalidArgumentError(`a number from ${from} to ${to} belongs here.`);
    }
    return value;
  };
}
