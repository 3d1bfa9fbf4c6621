// What programs of this machine do in the place of images that cannot be fetched here.
import { existsSync, readdirSync } from 'node:fs';

/**
 * @typedef {object} StandIn
 * @property {Record<string, string>} env
 * @property {string[]} entrypoint before the command
 * @property {string[]} command where the service has none
 * @property {NodeJS.Signals} stopSignal
 * @property {Record<string, string>} users ids of the image's users, as this machine names them
 */

const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin';

/** Where Debian has the programs of each version. */
const POSTGRES = '/usr/lib/postgresql';

function postgresPrograms() {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a)) : [];
  if (versions[0] === undefined) throw new Error('there is no PostgreSQL: `npm test` installs the package postgresql');
  return `${POSTGRES}/${versions[0]}/bin`;
}

/** What the image's entry point does at the first start, and at every other. */
const START_POSTGRES = `
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | postgres --single -D "$PGDATA" postgres
fi
exec "$@" --listen_addresses='*'
`;

/** @type {Record<string, () => StandIn>} by the image's name */
const STAND_INS = {
  postgres: () => ({
    env: { PATH: `${postgresPrograms()}:${PATH}`, PGDATA: '/var/lib/postgresql/image/data', LC_ALL: 'C' },
    entrypoint: ['sh', '-c', START_POSTGRES, 'sh'],
    command: ['postgres'],
    // Ends the sessions, and then the server.
    stopSignal: 'SIGINT',
    users: { 999: 'postgres' },
  }),
  caddy: () => ({
    env: { PATH, XDG_CONFIG_HOME: '/config', XDG_DATA_HOME: '/data', HOME: '/tmp' },
    entrypoint: [],
    command: ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
    stopSignal: 'SIGTERM',
    users: {},
  }),
};

/** @param {string} image with its tag */
export function standInOf(image) {
  const make = STAND_INS[image.split(':')[0] ?? ''];
  if (!make) throw new Error(`the rehearsal has nothing in the place of the image ${image}`);
  return make();
}
