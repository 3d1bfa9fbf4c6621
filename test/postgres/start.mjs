// One server for all the files of a run.
import { Cluster } from './cluster.mjs';

export default async function start() {
  const cluster = await Cluster.start({ settings: { max_connections: '500' } });
  process.env['TIMBRE_TEST_POSTGRES'] = cluster.url();
  /** @type {{ cluster?: Cluster }} */ (globalThis).cluster = cluster;
}
