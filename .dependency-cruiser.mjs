// Which room of src/ may import what; docs/architecture.md says what each is for. `npm run lint -- --only dependencies`.

/** @param {string} names of packages, as a regular expression */
const packages = (names) => `(^|node_modules/)(${names})(/|$)`;

const FRAMEWORK = packages('@nestjs/[^/]+|reflect-metadata|rxjs');
const HEAVY = packages('@nestjs/[^/]+|@fastify/[^/]+|fastify|reflect-metadata|rxjs|typeorm|sqlite3|prom-client|pino');

/** Rooms that work without the service, and the others that each may import. */
const LIBRARY = {
  errors: [],
  client: ['errors'],
  support: ['errors'],
  addon: ['errors', 'support'],
  evaluation: ['errors', 'support', 'addon'],
  scoring: ['errors', 'support', 'evaluation'],
  models: ['errors', 'support', 'addon'],
  conversations: ['errors', 'support', 'evaluation', 'scoring'],
  console: ['client', 'scoring', 'evaluation', 'conversations'],
};

/** Parts of the addon that have nothing to do with an engine, and the forms of what it gives. */
const FREE_OF_ENGINES = '^src/addon/(beginning|gallery|cosine|open-beneath|selection|speaker-counts)[.]ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles-between-rooms',
      comment: 'Two rooms that import each other, also over others, are one: move what both need to a room below.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...Object.entries(LIBRARY).map(([room, others]) => ({
      name: `${room}-works-without-the-service`,
      comment: `${room} imports ${others.length > 0 ? others.join(', ') : 'no other room'} only.`,
      severity: /** @type {const} */ ('error'),
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: [room, ...others].map((name) => `^src/${name}/`) },
    })),
    {
      name: 'client-runs-in-browsers',
      comment: 'The client and what it imports need no package and no module of Node.js.',
      severity: 'error',
      from: { path: '^src/(client|errors)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'core'] },
    },
    {
      name: 'nest-in-service-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/service/' },
      to: { path: FRAMEWORK },
    },
    {
      name: 'typeorm-in-persistence-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/service/persistence/' },
      to: { path: packages('typeorm|sqlite3') },
    },
    {
      name: 'commander-in-cli-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: packages('commander|cli-progress') },
    },
    {
      name: 'prom-client-in-metrics-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/service/metrics/' },
      to: { path: packages('prom-client') },
    },
    {
      name: 'persistence-through-ports',
      comment: 'Features declare ports, adapters implement them; app alone puts both together.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/service/(persistence|app)/' },
      to: { path: '^src/service/persistence/' },
    },
    {
      name: 'nothing-imports-app',
      comment: 'The entry for Nest applications and the command line do.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/service/app/', '^src/service/nest[.]ts$', '^src/cli/'] },
      to: { path: '^src/service/app/' },
    },
    {
      name: 'console-imports-what-is-pure',
      comment: 'What the page has of these rooms runs in browsers: formulas and file formats.',
      severity: 'error',
      from: { path: '^src/console/' },
      to: {
        path: '^src/(evaluation|conversations)/',
        pathNot: '^src/(evaluation/(enrolled-trials|metrics|probit|rttm|scores)|conversations/webvtt)[.]ts$',
      },
    },
    {
      name: 'nothing-imports-console',
      comment: 'It is built by itself, and runs in browsers.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/console/' },
      to: { path: '^src/console/' },
    },
    {
      name: 'nothing-imports-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'cli-through-the-entry-of-the-service',
      comment: 'Beside the settings and the types of answers the command line knows service/app/command-line alone.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/service/',
        pathNot: ['^src/service/config/', '^src/service/app/command-line[.]ts$', '[.]dto[.]ts$'],
      },
    },
    {
      name: 'cli-loads-the-service-when-it-needs-it',
      comment: 'A command that asks a running service, or embeds a file, does not wait for a framework.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/service/',
        pathNot: '^src/service/config/(config|settings|values)[.]ts$',
        dynamic: false,
        dependencyTypesNot: ['type-only', 'type-import'],
      },
    },
    {
      name: 'engine-before-features',
      severity: 'error',
      from: { path: '^src/service/engine/' },
      to: { path: '^src/service/', pathNot: '^src/service/(engine|config|http)/' },
    },
    {
      name: 'addon-through-the-engine',
      comment: 'Features ask the port EmbeddingEngine.',
      severity: 'error',
      from: { path: '^src/service/', pathNot: '^src/service/(engine/|nest[.]ts$)' },
      to: { path: '^src/addon/', pathNot: FREE_OF_ENGINES, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'settings-and-library-load-no-framework',
      comment: 'Who embeds in the process pays for no framework and no database.',
      severity: 'error',
      from: { path: ['^src/(addon/)?index[.]ts$', '^src/service/config/(config|settings|values)[.]ts$'] },
      to: { path: HEAVY, reachable: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'What runs is in the package file, and is no development dependency.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/evaluation/testing[.]ts$', '^src/console/'] },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm-peer'],
      },
    },
  ],
  options: {
    // Specs know what they test.
    exclude: { path: '[.]spec[.]ts$' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
