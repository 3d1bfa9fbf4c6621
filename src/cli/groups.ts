import type { Command } from 'commander';
import type { GroupView } from '../service/groups/groups.dto.js';
import { table, type Cli } from './cli.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
}

const PAGE = 500;

export function register(program: Command, cli: Cli): void {
  const groups = program
    .command('groups')
    .description('groups of speakers in a running service: households, meetings, customers')
    .addHelpText('after', '\nExample:\n  timbre groups add household-7 --name "Garden Street 7"');
  const add = (name: string, description: string, example: string): Command =>
    addServiceOptions(groups.command(name).description(description))
      .option('--json', 'one JSON document')
      .addHelpText('after', `\nExample:\n  timbre groups ${example}`);
  const member = (name: string, description: string): Command =>
    add(name, description, `${name} household-7 ada`)
      .argument('<group>', "the group's id")
      .argument('<speaker>', "the speaker's id");

  add('list', 'all groups, oldest first', 'list').action(async (options: Options) => {
    const client = new ServiceClient(cli, options);
    const found: GroupView[] = await client.list('listGroups', { limit: PAGE }, (page) => page.groups);
    if (options.json) return cli.json(found);
    if (found.length === 0) cli.note('no groups yet: timbre groups add <group>');
    else await cli.line(table([['ID', 'NAME', 'MEMBERS'], ...found.map(row)]));
  });

  add('add', 'add a group', 'add household-7 --name "Garden Street 7"')
    .argument('[group]', 'the id (default: a UUID)')
    .option('--name <name>', 'for people')
    .action(async (id: string | undefined, options: Options & { name?: string }) => {
      const { name } = options;
      const json = { ...(id !== undefined && { id }), ...(name !== undefined && { name }) };
      const group = await new ServiceClient(cli, options).call('createGroup', { json });
      if (options.json) await cli.json(group);
      else await cli.line(group.id);
    });

  add('rename', 'give a group another name', 'rename household-7 "Garden Street 9"')
    .argument('<group>', "the group's id")
    .argument('<name>', 'for people')
    .action(async (id: string, name: string, options: Options) => {
      const group = await new ServiceClient(cli, options).call('updateGroup', { id, json: { name } });
      if (options.json) await cli.json(group);
      else cli.note(`${group.id} is called ${group.name ?? ''}`);
    });

  add('remove', 'delete a group; its members stay', 'remove household-7')
    .argument('<group>', "the group's id")
    .action(async (id: string, options: Options) => {
      await new ServiceClient(cli, options).call('deleteGroup', { id });
      if (options.json) await cli.json({ removed: id });
      else cli.note(`the group ${id} is deleted`);
    });

  member('join', 'add a speaker to a group').action(async (id: string, speakerId: string, options: Options) => {
    await new ServiceClient(cli, options).call('joinGroup', { id, speakerId });
    if (options.json) await cli.json({ group: id, joined: speakerId });
    else cli.note(`${speakerId} belongs to ${id}`);
  });

  member('leave', 'take a speaker out of a group').action(async (id: string, speakerId: string, options: Options) => {
    await new ServiceClient(cli, options).call('leaveGroup', { id, speakerId });
    if (options.json) await cli.json({ group: id, left: speakerId });
    else cli.note(`${speakerId} does not belong to ${id}`);
  });
}

function row({ id, name, members }: GroupView): string[] {
  return [id, name ?? '-', String(members)];
}
