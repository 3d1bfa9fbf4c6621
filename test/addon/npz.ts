import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

/** The float32 arrays of a file of numpy.savez, flat, by name; arrays of other types are left out. */
export function readNpz(path: string): Map<string, Float32Array> {
  const bytes = readFileSync(path);
  const arrays = new Map<string, Float32Array>();
  for (const { name, data } of members(bytes)) {
    const values = readNpy(data);
    if (values) arrays.set(name.replace(/\.npy$/, ''), values);
  }
  return arrays;
}

function* members(zip: Buffer): Generator<{ name: string; data: Buffer }> {
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  for (let i = 0; i < count; i++) {
    const [method, packed] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const data = zip.subarray(start, start + packed);
    yield { name, data: method === 0 ? data : inflateRawSync(data) };
    at += 46 + nameLength + extra + comment;
  }
}

function readNpy(data: Buffer): Float32Array | undefined {
  const major = data.readUInt8(6);
  const start = major === 1 ? 10 + data.readUInt16LE(8) : 12 + data.readUInt32LE(8);
  if (!/'descr': '<f4'/.test(data.toString('latin1', 10, start))) return undefined;
  return Float32Array.from({ length: (data.length - start) / 4 }, (_, i) => data.readFloatLE(start + 4 * i));
}
