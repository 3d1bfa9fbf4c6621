import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { PACKAGE_FOLDER } from '../support/package.js';
import type { Cli } from './cli.js';

export function register(program: Command, cli: Cli): void {
  program
    .command('setup')
    .description('build the native addon where npm has installed the package, against PyTorch or a LibTorch')
    .option('--check', 'change nothing; report what is there and what is missing')
    .option('--verbose', 'show what the programs print')
    .addHelpText(
      'after',
      '\nLIBTORCH or Torch_DIR names a LibTorch to build against; without them PyTorch is installed into the package.\n' +
        '\nExamples:\n  timbre setup --check\n  LIBTORCH=/opt/libtorch timbre setup',
    )
    .action(async (options: { check?: true; verbose?: true }) => {
      const flags = [...(options.check ? ['--check'] : []), ...(options.verbose ? ['--verbose'] : [])];
      const script = join(PACKAGE_FOLDER, 'scripts', 'setup.mjs');
      const child = spawn(process.execPath, [script, ...flags], { env: cli.env, stdio: 'inherit' });
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) cli.settle(code ?? 1);
    });
}
