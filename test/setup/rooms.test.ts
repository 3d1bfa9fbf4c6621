import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { violations } from '../../scripts/lint/rooms.mjs';

const DEPCRUISE = fileURLToPath(
  new URL('../../node_modules/dependency-cruiser/bin/dependency-cruise.mjs', import.meta.url),
);
const RULES = fileURLToPath(new URL('../../.dependency-cruiser.mjs', import.meta.url));

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

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
    ['checkpoint, bundle, network', '<torch/script.h>', 'engine'],
    ['checkpoint, bundle, network', '<ATen/Parallel.h>', 'features'],
    ['checkpoint, bundle, network', '<c10/util/Exception.h>', 'support'],
    ['checkpoint, bundle', '<nlohmann/json.hpp>', 'engine'],
    ['bundle', '<xxhash.h>', 'archive'],
    ['simd', '<hwy/highway.h>', 'network'],
    ['archive', '<zlib.h>', 'bundle'],
    ['audio', '<sndfile.h>', 'bundle'],
    ['audio', '<soxr.h>', 'engine'],
    ['features', '<kaldi-native-fbank/csrc/rfft.h>', 'network'],
    ['features', '<kiss_fftr.h>', 'audio'],
  ])('%s alone includes %s', (homes, header, elsewhere) => {
    const folder = (room: string) => (room === 'binding' ? 'native/binding' : `native/core/${room}`);
    for (const home of homes.split(', ')) {
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

  it('have no two classes of one name', () => {
    write('native/core/audio/a.h', 'struct Range;\nclass Range final : public Base {\n  struct Inner {};\n};\n');
    write('native/core/simd/b.cpp', 'struct Other {\n  class Inner {};\n};\nstruct Range {};\n');
    expect(violations(root)).toEqual([
      'native/core/simd/b.cpp:4: there is a Range already, at native/core/audio/a.h:2',
    ]);
  });

  it('are known by name', () => {
    write('native/core/attic/a.cpp', '');
    expect(violations(root)).toEqual([expect.stringContaining('the room "attic" is not in')]);
  });
});

describe('rooms of src', () => {
  /** Cruises a tree of its own with the rules of this one; gives "rule: from > to" for everything that breaks them. */
  function cruise(files: Record<string, string>): string[] {
    for (const [file, text] of Object.entries(files)) write(file, text);
    const dependencies = { zod: '1', typeorm: '1', commander: '1' };
    write(
      'package.json',
      JSON.stringify({ type: 'module', dependencies, peerDependencies: { '@nestjs/common': '1' } }),
    );
    write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'NodeNext', moduleResolution: 'NodeNext' } }));
    for (const name of ['zod', 'typeorm', 'commander', 'prom-client', '@nestjs/common']) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
      write(`node_modules/${name}/index.js`, '');
    }
    const words = [DEPCRUISE, 'src', '--config', RULES, '--output-type', 'json'];
    const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
    if (!stdout.startsWith('{')) throw new Error(stderr);
    const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
    return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} > ${to}`).sort();
  }

  it('may be used as docs/architecture.md says', () => {
    expect(
      cruise({
        'src/errors/error.ts': 'export class E extends Error {}\n',
        'src/support/text.ts': "export { E } from '../errors/error.js';\n",
        'src/addon/index.ts': "export { E } from '../errors/error.js';\nexport { E as T } from '../support/text.js';\n",
        'src/service/config/config.ts': "import { z } from 'zod';\nexport const config = z;\n",
        'src/service/engine/engine.ts': "export { E } from '../../addon/index.js';\n",
        'src/service/records/store.ts': "import type { E } from '../../addon/index.js';\nexport type Store = E;\n",
        'src/service/speakers/s.ts': "import '@nestjs/common';\nimport '../engine/engine.js';\nexport const s = 1;\n",
        'src/service/speakers/s.dto.ts': 'export type View = string;\n',
        'src/service/persistence/sqlite/db.ts':
          "import 'typeorm';\nimport type { Store } from '../../records/store.js';\nexport type Db = Store;\n",
        'src/service/app/command-line.ts': "export * from '../persistence/sqlite/db.js';\nimport '../speakers/s.js';\n",
        'src/service/nest.ts': "export * from './app/command-line.js';\n",
        'src/cli/main.ts':
          "import 'commander';\nimport type { View } from '../service/speakers/s.dto.js';\n" +
          "import '../service/config/config.js';\n" +
          "export const start = async (): Promise<View> => String(await import('../service/app/command-line.js'));\n",
      }),
    ).toEqual([]);
  });

  it('are told of everything else, also of what is imported when it runs and of types', () => {
    expect(
      cruise({
        'src/errors/error.ts': "import '@nestjs/common';\nexport const error = 1;\n",
        'src/support/a.ts': "import type { B } from '../service/records/b.js';\nexport type A = B;\n",
        'src/service/records/b.ts': "export type B = string;\nexport const db = () => import('typeorm');\n",
        'src/addon/index.ts': "import '../errors/error.js';\nimport 'nothing-that-is-installed';\n",
        'src/addon/encoder.ts': "import 'commander';\nimport 'prom-client';\nexport const encoder = 1;\n",
        'src/service/speakers/s.ts':
          "export const db = () => import('../persistence/sqlite/db.js');\nimport '../../addon/encoder.js';\n" +
          "import type { J } from '../jobs/j.js';\nexport type S = J;\n",
        'src/service/jobs/j.ts':
          "import type { S } from '../speakers/s.js';\nexport type J = S;\nimport '../app/app.js';\n",
        'src/service/persistence/sqlite/db.ts': 'export const db = 1;\n',
        'src/service/engine/engine.ts': "import '../records/b.js';\nimport '../../cli/main.js';\n",
        'src/service/app/app.ts': 'export const app = 1;\n',
        'src/service/app/command-line.ts': 'export const line = 1;\n',
        'src/cli/main.ts': "import '../service/app/app.js';\nimport '../service/app/command-line.js';\n",
      }),
    ).toMatchInlineSnapshot(`
      [
        "addon-through-the-engine: src/service/speakers/s.ts > src/addon/encoder.ts",
        "cli-loads-the-service-when-it-needs-it: src/cli/main.ts > src/service/app/app.ts",
        "cli-loads-the-service-when-it-needs-it: src/cli/main.ts > src/service/app/command-line.ts",
        "cli-through-the-entry-of-the-service: src/cli/main.ts > src/service/app/app.ts",
        "client-runs-in-browsers: src/errors/error.ts > node_modules/@nestjs/common/index.js",
        "commander-in-cli-only: src/addon/encoder.ts > node_modules/commander/index.js",
        "declared: src/addon/encoder.ts > node_modules/prom-client/index.js",
        "engine-before-features: src/service/engine/engine.ts > src/service/records/b.ts",
        "nest-in-service-only: src/errors/error.ts > node_modules/@nestjs/common/index.js",
        "no-cycles-between-rooms: src/service/jobs > src/service/speakers",
        "no-cycles-between-rooms: src/service/speakers > src/service/jobs",
        "nothing-imports-app: src/service/jobs/j.ts > src/service/app/app.ts",
        "nothing-imports-cli: src/service/engine/engine.ts > src/cli/main.ts",
        "persistence-through-ports: src/service/speakers/s.ts > src/service/persistence/sqlite/db.ts",
        "prom-client-in-metrics-only: src/addon/encoder.ts > node_modules/prom-client/index.js",
        "resolvable: src/addon/index.ts > nothing-that-is-installed",
        "settings-and-library-load-no-framework: src/addon/index.ts > node_modules/@nestjs/common/index.js",
        "support-works-without-the-service: src/support/a.ts > src/service/records/b.ts",
        "typeorm-in-persistence-only: src/service/records/b.ts > node_modules/typeorm/index.js",
      ]
    `);
  });
});
