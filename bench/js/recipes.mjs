// What bench/native/recipes.cpp says of recordings, for programs that compare recipes of conversations.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { readRttm } from '../../dist/evaluation/rttm.js';
import { findBundle, modelFolders } from '../../dist/models/cache.js';
import { buildPrograms } from './build.mjs';

/**
 * @typedef {import('../../dist/evaluation/rttm.js').SpeechSegment} SpeechSegment
 * @typedef {{ path: string, id: string, turns: SpeechSegment[] }} Labelled
 * @typedef {{ name: string, fields: Record<string, number> }} Recipe
 */

/** @param {string} path */
const labelsOf = (path) => path.slice(0, -extname(path).length) + '.rttm';

/**
 * Recordings with labels beside them, by path.
 * @param {string} root
 * @returns {Labelled[]}
 */
export function readLabelled(root) {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => ['.opus', '.wav', '.flac'].includes(extname(name)) && existsSync(labelsOf(join(root, name))))
    .sort()
    .map((name) => {
      const path = join(root, name);
      const id = basename(name, extname(name));
      const lists = readRttm(readFileSync(labelsOf(path), 'utf8'), name);
      return { path, id, turns: [...lists.values()].flat() };
    });
}

/**
 * Where it is kept what the networks said of a recording.
 * @param {string} cache
 * @param {string} model
 * @param {string} id
 */
export const keptFile = (cache, model, id) => join(cache, model, `${id}.heard`);

/**
 * Turns of every recording by every recipe: by the recipe's name, in the order of the recordings.
 * @param {{ model: string, cache: string, recordings: readonly Labelled[], recipes: readonly Recipe[], least?: number, most?: number }} asked
 * @returns {Promise<Map<string, SpeechSegment[][]>>}
 */
export async function turnsBy({ model, cache, recordings, recipes, least, most }) {
  const folders = modelFolders(process.env);
  const [bundle, segmentation] = await Promise.all([findBundle(model, folders), findBundle('segmentation', folders)]);
  const programs = process.env.TIMBRE_BENCH_PROGRAMS ?? (await buildPrograms(['recipes']));
  const scratch = mkdtempSync(join(tmpdir(), 'timbre-recipes-'));
  try {
    const list = join(scratch, 'list');
    writeFileSync(list, recordings.map(({ path }) => `${path}\n`).join(''));
    const words = ['--model', bundle, '--segmentation', segmentation, '--cache', join(cache, model), '--list', list];
    for (const { name, fields } of recipes) {
      const settings = Object.entries(fields).map(([field, value]) => `${field}:${value}`);
      words.push('--recipe', settings.length > 0 ? `${name}=${settings.join(',')}` : name);
    }
    if (least !== undefined) words.push('--least', String(least));
    if (most !== undefined) words.push('--most', String(most));
    /** @type {Map<string, SpeechSegment[][]>} */
    const found = new Map(recipes.map(({ name }) => [name, []]));
    const child = spawn(join(programs, 'recipes'), words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) =>
        status === 0 ? resolve(undefined) : reject(new Error(`recipes ended with ${status}`)),
      );
    });
    for await (const line of createInterface(child.stdout)) {
      const { recording, recipe, turns } =
        /** @type {{ recording: number, recipe: string, turns: [number, number, number][] }} */ (JSON.parse(line));
      const rows = found.get(recipe);
      if (rows) rows[recording] = turns.map(([start, end, who]) => ({ start, end, speaker: String(who) }));
    }
    await ended;
    return found;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
