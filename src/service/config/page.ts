import { SETTING_NAMES } from './config.js';
import { SETTINGS, type Setting } from './settings.js';

/** docs/configuration.md: the table of settings for people. */
export function configurationPage(): string {
  return `<!-- Generated from src/service/config/settings.ts by scripts/generate-docs.mjs. -->

# Configuration

Every setting of the service is an environment variable, an option of \`timbre serve\`, and a key of
\`TimbreModule.forRoot({ ... })\`. An option wins over its variable, the variable over the default; an empty variable
counts as unset. Settings are checked at the start, and everything that is wrong with them is said at once.

Sizes take \`1048576\`, \`128MiB\` or \`1GB\`. Limits are those that \`GET /v1/info\` shows.

| variable | option | key | default | meaning |
| --- | --- | --- | --- | --- |
${SETTING_NAMES.map(row).join('\n')}

## Who may call

Every call of the API needs a key ([api.md](api.md)), on this machine too: behind a proxy, a tunnel or a container on the
host's network everybody looks like this machine. The first start makes a local key, \`local.key\` in the data folder, which
only the service's user can read; commands on this machine read it by themselves, and \`curl -H @data/local.key\` sends it.

\`\`\`sh
timbre keys create --name backend --scope read --scope enrol --data-dir /var/lib/timbre > backend.key
HOST=0.0.0.0 TIMBRE_DATA_DIR=/var/lib/timbre timbre serve
\`\`\`

\`TIMBRE_REQUIRE_KEYS=never\` is a choice for a machine of one's own: programs of this machine need no key. It refuses
whatever came from elsewhere: forwarding headers, HTTP/1.0, pages of other origins, hosts that are not loopback, other
addresses than loopback. The sidecar's port follows these rules by default, since its old clients send no key;
\`TIMBRE_OPEN_SIDECAR=on\` opens it to whoever reaches it, \`TIMBRE_REQUIRE_KEYS=always\` closes it to whoever has no key.
Behind a proxy: [proxies.md](proxies.md).

## Variables of the Python sidecar

\`EMBEDDING_SERVICE_PORT\` and \`MODEL_CACHE_DIR\` mean what they meant for the sidecar. \`EMBEDDING_SERVICE_HOST\` is where
clients find the service; it is no address to bind, and the service does not read it: \`HOST\` is.

## Variables of other parts

| variable | meaning |
| --- | --- |
| \`TIMBRE_MODEL_MIRROR\` | address that published models are fetched from instead of their hub ([models.md](models.md)) |
| \`TIMBRE_URL\`, \`TIMBRE_API_KEY\`, \`TIMBRE_API_KEY_FILE\` | the service that commands such as \`timbre enroll\` ask, and the key they send, itself or its file |
| \`HTTP_PROXY\`, \`HTTPS_PROXY\`, \`NO_PROXY\` | proxies of that download |
`;
}

function row(name: (typeof SETTING_NAMES)[number]): string {
  const { env, flag, default: value, defaultMeans, means, limit, secret }: Setting = SETTINGS[name];
  const otherwise = defaultMeans ?? `\`${value}\``;
  const cells = [
    `\`${env}\``,
    secret ? 'none' : `\`--${flag}\``,
    `\`${name}\``,
    otherwise,
    `${means}${limit ? ' A limit.' : ''}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
