import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { violations } from '../../scripts/lint/rooms.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'timbre-rooms-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

describe('native rooms', () => {
  it.each([
    ['binding', '<napi.h>', 'engine'],
    ['checkpoint, bundle, network, conversation', '<torch/script.h>', 'engine'],
    ['checkpoint, bundle, network, conversation', '<ATen/Parallel.h>', 'features'],
    ['checkpoint, bundle, network, conversation', '<c10/util/Exception.h>', 'support'],
    ['checkpoint, bundle', '<nlohmann/json.hpp>', 'engine'],
    ['bundle', '<xxhash.h>', 'archive'],
    ['audio', '<sndfile.h>', 'bundle'],
    ['audio', '<soxr.h>', 'engine'],
    ['features', '<kaldi-native-fbank/csrc/rfft.h>', 'network'],
    ['features', '<kiss_fftr.h>', 'audio'],
  ])('%s alone includes %s', (homes, header, elsewhere) => {
    const folder = (room: string) => (room === 'binding' ? 'native/binding' : `native/core/${room}`);
    // Rooms that are not built yet are unknown.
    for (const home of homes.split(', ').filter((room) => room !== 'conversation')) {
      write(`${folder(home)}/here.cpp`, `#include ${header}\n`);
    }
    expect(violations(root)).toEqual([]);
    write(`${folder(elsewhere)}/there.cpp`, `\n#include ${header}\n`);
    expect(violations(root)).toEqual([expect.stringContaining(`may be included in ${homes} only`)]);
    expect(violations(root)[0]).toContain(`${folder(elsewhere)}/there.cpp:2: ${header}: `);
  });

  it('may be included downwards', () => {
    write('native/binding/a.cpp', '#include "engine/engine.h"\n#include "values.h"\n');
    write('native/core/engine/a.cpp', '#include "engine/engine.h"\n#include "audio/audio.h"\n#include <memory>\n');
    write('native/core/audio/a.h', '#include "support/result.h"\n#include <sys/mman.h>\n');
    expect(violations(root)).toEqual([]);
  });

  it.each([
    ['support', 'audio/audio.h'],
    ['audio', 'bundle/model.h'],
    ['features', 'engine/engine.h'],
    ['bundle', 'checkpoint/convert.h'],
    ['network', 'bundle/model.h'],
    ['archive', 'audio/audio.h'],
  ])('may not be included upwards: %s includes %s', (room, header) => {
    write(`native/core/${room}/a.cpp`, `#include "${header}"\n`);
    expect(violations(root)).toEqual([
      `native/core/${room}/a.cpp:1: "${header}": ${room} may not include ${header.split('/')[0] ?? ''}`,
    ]);
  });

  it('are known by name', () => {
    write('native/core/attic/a.cpp', '');
    expect(violations(root)).toEqual([expect.stringContaining('the room "attic" is not in')]);
  });
});

describe('rooms of src', () => {
  it('keep typeorm in persistence', () => {
    write('src/service/persistence/database.ts', "import { DataSource } from 'typeorm';\n");
    expect(violations(root)).toEqual([]);
    write('src/service/speakers/speaker.ts', "// A speaker.\nimport type { Repository } from 'typeorm';\n");
    expect(violations(root)).toEqual([
      "src/service/speakers/speaker.ts:2: 'typeorm': may be imported in persistence only",
    ]);
  });

  it('let persistence implement ports, never the other way round', () => {
    write('src/service/persistence/store.ts', "import { Store } from '../speakers/store.js';\n");
    expect(violations(root)).toEqual([]);
    write('src/service/speakers/service.ts', "import { Store } from '../persistence/store.js';\n");
    expect(violations(root)).toEqual([expect.stringContaining('speakers may not import persistence')]);
  });

  it('let features reach the addon through the engine, its types excepted', () => {
    write(
      'src/service/health/a.ts',
      "import type { RuntimeInfo } from '../../addon/types.js';\nimport { Engine } from '../engine/engine.js';\n",
    );
    write('src/service/engine/engine.ts', "import { SpeakerEncoder } from '../../addon/speaker-encoder.js';\n");
    expect(violations(root)).toEqual([]);
    write('src/service/health/b.ts', "import {\n  SpeakerEncoder,\n} from '../../addon/speaker-encoder.js';\n");
    expect(violations(root)).toEqual([expect.stringContaining('src/service/health/b.ts:1: ')]);
  });

  it('keep the service out of the library', () => {
    write('src/scoring/a.ts', "import { Profile } from '../service/enrollments/profile.js';\n");
    write('src/service/http/b.ts', "import { Engine } from '../engine/engine.js';\n");
    write('src/service/engine/c.ts', "import { Speaker } from '../speakers/speaker.js';\n");
    expect(violations(root)).toHaveLength(3);
  });

  it('load no framework with the addon, however far away it is imported', () => {
    write('src/addon/index.ts', "export { cosine } from './cosine.js';\nimport type { X } from '@nestjs/common';\n");
    write('src/addon/cosine.ts', "import { TimbreError } from '../errors/error.js';\n");
    write('src/errors/error.ts', "import './decorators.js';\n");
    expect(violations(root)).toEqual([]);
    write('src/errors/decorators.ts', "import { Injectable } from '@nestjs/common';\n");
    expect(violations(root)).toEqual([
      "src/errors/decorators.ts:1: '@nestjs/common': may be imported in service only",
      "src/errors/decorators.ts:1: '@nestjs/common' is loaded by src/addon/index.ts " +
        '(src/addon/index.ts > src/addon/cosine.ts > src/errors/error.ts > src/errors/decorators.ts)',
    ]);
  });
});
