import type { Command } from 'commander';
import type { RetentionView } from '../service/privacy/retention.dto.js';
import { table, type Cli } from './cli.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
}

export function register(program: Command, cli: Cli): void {
  const retention = program
    .command('retention')
    .description('what goes by age in a running service')
    .addHelpText('after', '\nExample:\n  timbre retention show');
  const add = (name: string, description: string, ask: (client: ServiceClient) => Promise<RetentionView>): void => {
    addServiceOptions(retention.command(name).description(description))
      .option('--json', 'one JSON document')
      .addHelpText('after', `\nExample:\n  timbre retention ${name}`)
      .action(async (options: Options) => {
        const found = await ask(new ServiceClient(cli, options));
        if (options.json) return cli.json(found);
        const rows = [
          ['state', found.state],
          ['clock', found.now],
          ['last seen right', found.heartbeat ?? '-'],
        ];
        await cli.line(table(rows));
      });
  };
  add('show', 'whether things go by age, or wait because the clock has jumped', (client) =>
    client.call('getRetention'),
  );
  add('confirm', 'the clock is right: go on with it', (client) => client.call('confirmClock'));
}
