/**
 * Tells an encoded recording from raw 16-bit samples by its first bytes.
 *
 * Samples may be anything, so that what two or three bytes say is no sign. Taken as one are 40 fixed bits or more: a long
 * magic (`RIFF....WAVE`, `OggS\0`, `caff\0\1`), a short one with a header behind it that makes sense (`.snd`, `wvpk`,
 * `ftyp` in a box of a plausible size, EBML with a doctype), boxes of MP4 that lead to each other, and raw frames (MP3,
 * AAC, AC-3) or packets (MPEG-TS) of which each leads to the next. Junk in front is not passed over here: it is samples.
 */
export function isEncoded(bytes: Buffer): boolean {
  return MAGIC.some((looksLike) => looksLike(bytes)) || FRAMES.some((frame) => chain(bytes, frame));
}

type Sign = (bytes: Buffer) => boolean;

function has(bytes: Buffer, at: number, text: string): boolean {
  return bytes.length >= at + text.length && bytes.toString('latin1', at, at + text.length) === text;
}

/** Texts at their places, of which all must be there. */
function magic(...parts: readonly [at: number, text: string][]): Sign {
  return (bytes) => parts.every(([at, text]) => has(bytes, at, text));
}

/** A short magic, and what must be true of a header of so many bytes. */
function magicWith(text: string, length: number, holds: Sign): Sign {
  return (bytes) => bytes.length >= length && has(bytes, 0, text) && holds(bytes);
}

/** The doctype tells a header of EBML from chance, and the marks of a cluster a piece that comes without the header. */
const ebml: Sign = (bytes) =>
  has(bytes, 0, '\x1A\x45\xDF\xA3') && /webm|matroska/.test(bytes.toString('latin1', 4, 64));
const cluster: Sign = (bytes) =>
  has(bytes, 0, '\x1F\x43\xB6\x75') && bytes.subarray(5, 13).includes(0xe7) && bytes.length > 13;

/** Sun and NeXT: offset of the data, size, encoding, all of which are small numbers. */
const au = (text: string, read: (bytes: Buffer, at: number) => number): Sign =>
  magicWith(text, 24, (bytes) => {
    const [offset, encoding, channels] = [read(bytes, 4), read(bytes, 12), read(bytes, 20)];
    return offset >= 24 && offset < 65_536 && encoding < 256 && channels >= 1 && channels <= 256;
  });

/** Channels and encoding behind the rate. */
const ircam = (text: string): Sign =>
  magicWith(text, 16, (bytes) => {
    const [channels, encoding] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
    return channels >= 1 && channels <= 256 && encoding < 2 ** 17;
  });

/** A tag before MP3 and whatever an editor put one before: version, flags and a size of 28 bits that fits. */
const id3: Sign = magicWith('ID3', 20, (bytes) => {
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + bytes[at]!, 0);
  const plain = [6, 7, 8, 9].every((at) => bytes[at]! < 128);
  return bytes[3]! >= 2 && bytes[3]! <= 4 && bytes[4] === 0 && (bytes[5]! & 0x0f) === 0 && plain && size < bytes.length;
});

/** A pack header of MPEG-1 or MPEG-2, whose marker bits are where they belong, and a start code behind it. */
const programStream: Sign = magicWith('\x00\x00\x01\xBA', 32, (bytes) => {
  if ((bytes[4]! & 0xc4) === 0x44) return has(bytes, 14 + (bytes[13]! & 7), '\x00\x00\x01');
  return (bytes[4]! & 0xf1) === 0x21 && has(bytes, 12, '\x00\x00\x01');
});

/** Packets of 188 bytes, or of 192 with a time before each. */
const transportStream: Sign = (bytes) =>
  [
    [0, 188],
    [4, 192],
  ].some(([first, step]) => {
    const places = Array.from({ length: 8 }, (_, i) => first! + i * step!).filter((at) => at + 4 <= bytes.length);
    // The bits that say whether a packet has a payload are never both 0.
    const packets = places.every((at) => bytes[at] === 0x47 && (bytes[at + 3]! & 0x30) !== 0);
    return packets && places.length >= 5 && !isPattern(bytes, first!);
  });

/** Boxes of MP4 and MOV that a file or a fragment begins with. */
const BOXES = new Set(
  'ftyp styp moov moof mdat free skip wide pnot udta sidx uuid mfra meta prft emsg ssix'.split(' '),
);
const FIRST_BOXES = new Set('ftyp styp moov moof mdat free skip wide pnot udta sidx'.split(' '));

const boxes: Sign = (bytes) => {
  if (bytes.length < 16 || !FIRST_BOXES.has(bytes.toString('latin1', 4, 8))) return false;
  const short = bytes.readUInt32BE(0);
  if (/^[fs]typ/.test(bytes.toString('latin1', 4, 8))) return short >= 12 && short <= 1024 && short % 4 === 0;
  // 0: to the end.
  if (short === 0) return true;
  const size = short === 1 ? Number(bytes.readBigUInt64BE(8)) : short;
  if (size < 8) return false;
  if (size === bytes.length) return true;
  return size + 8 <= bytes.length && BOXES.has(bytes.toString('latin1', size + 4, size + 8));
};

const MAGIC: readonly Sign[] = [
  ...['RIFF', 'RIFX', 'RF64', 'BW64'].map((text) => magic([0, text], [8, 'WAVE'])),
  magic([0, 'riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00']),
  magic([0, 'FORM'], [8, 'AIFF']),
  magic([0, 'FORM'], [8, 'AIFC']),
  au('.snd', (bytes, at) => bytes.readUInt32BE(at)),
  au('dns.', (bytes, at) => bytes.readUInt32LE(at)),
  magic([0, 'caff\x00\x01']),
  magic([0, 'fLaC'], [5, '\x00\x00\x22']),
  magic([0, 'OggS\x00']),
  magic([0, 'NIST_1A\n']),
  ircam('\x64\xA3\x01\x00'),
  ircam('\x64\xA3\x02\x00'),
  magic([0, '#!AMR\n']),
  magic([0, '#!AMR-WB\n']),
  boxes,
  ebml,
  cluster,
  magic([0, '\x30\x26\xB2\x75\x8E\x66\xCF\x11']),
  magic([0, 'RIFF'], [8, 'AVI ']),
  magic([0, 'FLV\x01'], [5, '\x00\x00\x00\x09']),
  magicWith('wvpk', 32, (bytes) => bytes[9] === 4 && bytes[8]! <= 0x10),
  magicWith('TTA1', 22, (bytes) => bytes[4]! >= 1 && bytes[4]! <= 3 && bytes[5] === 0),
  magicWith('MAC ', 32, (bytes) => bytes[5]! >= 0x0e && bytes[5]! <= 0x10),
  magic([0, 'Creative Voice File\x1A']),
  id3,
  programStream,
  transportStream,
];

/** Frames that must follow each other: 11 fixed bits a header at least. */
const LEAST_FRAMES = 5;

interface Frame {
  length: number;
  /** Equal for frames that can follow each other. */
  kind: string;
}

/** The frame at a place where at least `HEADER` bytes are; undefined where none is. */
type FrameAt = (bytes: Buffer, at: number) => Frame | undefined;

const HEADER = 7;

function chain(bytes: Buffer, frameAt: FrameAt): boolean {
  let at = 0;
  let first: string | undefined;
  for (let frames = 0; frames < LEAST_FRAMES; frames++) {
    const frame = at + HEADER <= bytes.length ? frameAt(bytes, at) : undefined;
    if (!frame || frame.kind !== (first ?? frame.kind) || isPattern(bytes, at)) return false;
    first = frame.kind;
    at += frame.length;
  }
  return true;
}

/** Whether the bytes from a place on repeat themselves soon, as constant samples and simple tones do. */
function isPattern(bytes: Buffer, at: number): boolean {
  const head = bytes.subarray(at, at + 4);
  return [1, 2, 4, 8, 16].some((step) => head.equals(bytes.subarray(at + step, at + step + 4)));
}

/** kbit/s by version 1 or 2, for layers II and III; nobody writes layer I. */
const BIT_RATES = {
  1: { 2: '32 48 56 64 80 96 112 128 160 192 224 256 320 384', 3: '32 40 48 56 64 80 96 112 128 160 192 224 256 320' },
  2: { 2: '8 16 24 32 40 48 56 64 80 96 112 128 144 160', 3: '8 16 24 32 40 48 56 64 80 96 112 128 144 160' },
};

const mpegAudio: FrameAt = (bytes, at) => {
  const [b0, b1, b2, b3] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  const [version, layer, rateIndex, rate] = [(b1 >> 3) & 3, 4 - ((b1 >> 1) & 3), b2 >> 4, (b2 >> 2) & 3];
  if (b0 !== 0xff || b1 < 0xe0 || version === 1 || (layer !== 2 && layer !== 3) || rate === 3) return undefined;
  if (rateIndex === 0 || rateIndex === 15) return undefined;
  const first = version === 3;
  const kbits = Number(BIT_RATES[first ? 1 : 2][layer].split(' ')[rateIndex - 1]);
  const hertz = [44_100, 48_000, 32_000][rate]! / (first ? 1 : version === 2 ? 2 : 4);
  const samples = layer === 3 && !first ? 576 : 1152;
  const length = Math.floor((samples / 8) * ((1000 * kbits) / hertz)) + ((b2 >> 1) & 1);
  return { length, kind: [version, layer, rate, b3 >> 6 === 3].join() };
};

const adts: FrameAt = (bytes, at) => {
  const [b0, b1, b2, b3] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  if (b0 !== 0xff || (b1 & 0xf6) !== 0xf0 || ((b2 >> 2) & 15) > 12) return undefined;
  const length = ((b3 & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
  return length < HEADER ? undefined : { length, kind: [b1, b2, b3 & 0xc0].join() };
};

const loas: FrameAt = (bytes, at) => {
  if (bytes[at] !== 0x56 || (bytes[at + 1]! & 0xe0) !== 0xe0) return undefined;
  const length = 3 + (((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!);
  return length < HEADER ? undefined : { length, kind: '' };
};

const AC3_RATES = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

const ac3: FrameAt = (bytes, at) => {
  if (bytes.readUInt16BE(at) !== 0x0b77) return undefined;
  const version = bytes[at + 5]! >> 3;
  if (version > 16) return undefined;
  if (version > 10) return { length: 2 * (1 + (bytes.readUInt16BE(at + 2) & 0x7ff)), kind: 'E-AC-3' };
  const [rate, code] = [bytes[at + 4]! >> 6, bytes[at + 4]! & 0x3f];
  const kbits = AC3_RATES[code >> 1];
  if (rate === 3 || kbits === undefined) return undefined;
  const words = [2 * kbits, Math.floor((kbits * 320) / 147) + (code & 1), 3 * kbits][rate]!;
  return { length: 2 * words, kind: `AC-3 ${rate}` };
};

const FRAMES: readonly FrameAt[] = [mpegAudio, adts, loas, ac3];
