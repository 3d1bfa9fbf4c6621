import { Injectable } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../support/package.js';
import { Config } from '../config/config.js';

/** Made from the controllers by scripts/generate-docs.mjs: a start of the service need not describe the API anew. */
const FILE = join(PACKAGE_FOLDER, 'docs', 'openapi.json');

/** The API as an OpenAPI document, below the prefix of the service. */
@Injectable()
export class OpenApiFile {
  private prepared: string | undefined;

  constructor(private readonly config: Config) {}

  /** As JSON, read on first use. */
  async text(): Promise<string> {
    return (this.prepared ??= await readBelow(this.config.basePath));
  }
}

async function readBelow(basePath: string): Promise<string> {
  const text = await readFile(FILE, 'utf8');
  if (basePath === '') return text;
  const document = JSON.parse(text) as { paths: Record<string, unknown> };
  const paths = Object.entries(document.paths).map(([path, methods]) => [basePath + path, methods] as const);
  return JSON.stringify({ ...document, paths: Object.fromEntries(paths) });
}
