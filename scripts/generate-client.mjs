// Writes what src/client has from the service's OpenAPI document: schema.ts (types of requests and answers), operations.ts
// (a row and a method for every call). `--check` writes nothing and fails when one is out of date.
// docs/openapi.json comes first: `npm run build && node scripts/generate-docs.mjs`.
import { readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import openapiTS, { astToString } from 'openapi-typescript';
import prettier from 'prettier';
import ts from 'typescript';

const root = new URL('../', import.meta.url);
const check = process.argv.includes('--check');

/**
 * @typedef {{ operationId: string, summary: string, parameters?: { name: string, in: 'path' | 'query' | 'header' }[],
 *   requestBody?: { content: Record<string, unknown> }, responses: Record<string, { content?: Record<string, unknown> }> }} Operation
 * @typedef {{ paths: Record<string, Record<string, Operation>> }} Document
 */

const text = await readFile(new URL('docs/openapi.json', root), 'utf8');
/** @type {Document} */
const document = JSON.parse(text);
for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
  // Errors of all calls are of one form, which the client throws.
  for (const status of Object.keys(operation.responses)) {
    if (!status.startsWith('2')) delete operation.responses[status];
  }
  // The client sends recordings as forms, whose fields say what a query says beside a recording that is the body.
  const { content = {} } = operation.requestBody ?? {};
  if ('audio/*' in content) {
    delete content['audio/*'];
    operation.parameters = (operation.parameters ?? []).filter((parameter) => parameter.in !== 'query');
  }
}

const HEAD = '// Generated from docs/openapi.json by scripts/generate-client.mjs.\n';

/** How the client reads an answer of this media type. */
const ANSWERS = /** @type {const} */ ({
  'application/json': 'json',
  'text/plain': 'text',
  'application/x-ndjson': 'stream',
  'text/event-stream': 'stream',
  'audio/wav': 'stream',
  'application/octet-stream': 'stream',
});

const schema = await openapiTS(/** @type {never} */ (document), {
  inject: "import type { Upload } from './upload.js';\n",
  transform: ({ format }) => (format === 'binary' ? ts.factory.createTypeReferenceNode('Upload') : undefined),
});

const pages = {
  'src/client/schema.ts': HEAD + astToString(schema.filter((node) => !isUnused(node))),
  'src/client/operations.ts': HEAD + operationsOf(document),
};

/**
 * Types that no call of the client needs: `operations` alone is used.
 * @param {ts.Node} node
 */
function isUnused(node) {
  const named = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
  return named && node.name.text !== 'operations';
}

/** @param {Document} document */
function operationsOf({ paths }) {
  const rows = [];
  const methods = [];
  for (const [path, byMethod] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(byMethod)) {
      const { operationId, summary, parameters = [], responses } = operation;
      const named = (/** @type {string} */ place) =>
        JSON.stringify(parameters.filter((parameter) => parameter.in === place).map(({ name }) => name));
      const types = Object.values(responses).flatMap(({ content = {} }) => Object.keys(content));
      const answer = types.length === 0 ? 'none' : ANSWERS[/** @type {keyof typeof ANSWERS} */ (types[0])];
      if (answer === undefined) throw new Error(`${operationId} answers ${types[0]}, which the client cannot read`);
      rows.push(
        `${operationId}: { method: '${method.toUpperCase()}', path: '${path}', query: ${named('query')}, ` +
          `headers: ${named('header')}, answer: '${answer}' },`,
      );
      methods.push(
        `/** ${summary} \`${method.toUpperCase()} ${path}\` */
         ${operationId}(...given: Arguments<'${operationId}'>): Promise<Answer<'${operationId}'>> {
           return this.call('${operationId}', ...given);
         }`,
      );
    }
  }
  return `import type { Answer, Arguments, OperationId, OperationRow } from './types.js';

/** Every call of the service: where it is, and how its answer is read. */
export const OPERATIONS: Readonly<Record<OperationId, OperationRow>> = {
${rows.join('\n')}
};

/** A method for every call of the service, by the name that the call has in its OpenAPI document. */
export abstract class Operations {
  abstract call<Id extends OperationId>(operation: Id, ...given: Arguments<Id>): Promise<Answer<Id>>;

${methods.join('\n\n')}
}
`;
}

const stale = [];
for (const [name, page] of Object.entries(pages)) {
  const url = new URL(name, root);
  const options = await prettier.resolveConfig(url);
  const formatted = await prettier.format(page, { ...options, parser: 'typescript' });
  if (formatted === (await readFile(url, 'utf8').catch(() => ''))) continue;
  stale.push(name);
  if (!check) await writeFile(url, formatted);
}
if (stale.length > 0 && check) {
  console.error(`out of date: ${stale.join(', ')}\nrun: node scripts/generate-client.mjs`);
  process.exitCode = 1;
} else {
  console.error(stale.length > 0 ? `wrote ${stale.join(', ')}` : 'the client is up to date');
}
