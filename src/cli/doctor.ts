import type { Command } from 'commander';
import { table, type Cli } from './cli.js';
import { examine, type Finding } from './findings.js';

export function register(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('what is installed, found and missing, with the remedy for what is missing')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExit status: 1 when something that is needed is missing.\n\nExample:\n  timbre doctor')
    .action(async (options: { json?: true }) => {
      const findings = await examine(cli.env);
      const healthy = findings.every(({ status }) => status !== 'missing');
      if (options.json) await cli.json({ healthy, findings });
      else await cli.line(report(findings));
      if (!healthy) cli.settle(1);
    });
}

const MARKS: Record<Finding['status'], string> = { ok: 'ok', note: '-', missing: 'MISSING' };

function report(findings: readonly Finding[]): string {
  const rows = findings.map(({ status, name, value }) => [MARKS[status], name, value]);
  const remedies = findings
    .filter(({ remedy }) => remedy !== undefined)
    .map(({ name, remedy }) => `${name}: ${remedy}`);
  return [table(rows), ...remedies.map((line) => `\n${line}`)].join('\n');
}
