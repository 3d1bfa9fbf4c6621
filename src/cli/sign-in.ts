import type { Command } from 'commander';
import type { Cli } from './cli.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

export function register(program: Command, cli: Cli): void {
  addServiceOptions(
    program.command('sign-in').description('a link to the page of a running service that signs in once'),
  )
    .addHelpText('after', '\nExample:\n  timbre sign-in')
    .action(async (options: ServiceOptions) => {
      const client = new ServiceClient(cli, options);
      const { path } = await client.call('createSignInLink');
      await cli.line(client.address + path);
    });
}
