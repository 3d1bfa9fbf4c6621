// The networks of a compose file, in a network namespace of its own: nothing of this machine's is touched or reached.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { WORK } from './root.mjs';

/** @typedef {import('../compose.mjs').Service} Service */

/** @param {string[]} words */
function ip(...words) {
  execFileSync('ip', words, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** A bridge for each network; who looks on is on all of them, as the machine of an engine is. */
export class Network {
  /** @param {Service[]} services */
  constructor(services) {
    this.services = services;
    this.names = [...new Set(services.flatMap(({ networks }) => networks))];
    mkdirSync(path.join(WORK, 'network'), { recursive: true });
    ip('link', 'set', 'lo', 'up');
    this.names.forEach((_, index) => {
      ip('link', 'add', `bridge${index}`, 'type', 'bridge');
      ip('address', 'add', `${prefixOf(index)}.1/24`, 'dev', `bridge${index}`);
      ip('link', 'set', `bridge${index}`, 'up');
    });
  }

  /**
   * Makes the namespace of a service, with an address on each of its networks; gives its file.
   * @param {Service} service
   */
  join({ name, networks }) {
    const file = path.join(WORK, 'network', name);
    writeFileSync(file, '');
    execFileSync('unshare', [`--net=${file}`, 'true']);
    const inside = (/** @type {string[]} */ ...words) =>
      execFileSync('nsenter', [`--net=${file}`, 'ip', ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
    inside('link', 'set', 'lo', 'up');
    for (const [at, network] of networks.entries()) {
      const index = this.names.indexOf(network);
      const outer = `to${this.services.findIndex((one) => one.name === name)}-${index}`;
      inside('link', 'add', `eth${at}`, 'type', 'veth', 'peer', 'name', outer, 'netns', String(process.pid));
      inside('address', 'add', `${this.addressOf(name, network)}/24`, 'dev', `eth${at}`);
      inside('link', 'set', `eth${at}`, 'up');
      ip('link', 'set', outer, 'master', `bridge${index}`, 'up');
    }
    return file;
  }

  /**
   * @param {string} name of a service
   * @param {string} [network] default: its first
   */
  addressOf(name, network) {
    const index = this.services.findIndex((service) => service.name === name);
    const on = network ?? this.services[index]?.networks[0] ?? '';
    return `${prefixOf(this.names.indexOf(on))}.${10 + index}`;
  }

  /**
   * What a service knows others by: those that share a network with it.
   * @param {Service} service
   */
  hostsOf(service) {
    const others = this.services.flatMap(({ name, networks }) => {
      const shared = networks.find((network) => service.networks.includes(network));
      return shared === undefined ? [] : [`${this.addressOf(name, shared)} ${name}`];
    });
    return ['127.0.0.1 localhost', ...others, ''].join('\n');
  }
}

/** @param {number} index of a network */
function prefixOf(index) {
  return `10.87.${index}`;
}
