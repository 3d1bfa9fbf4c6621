import { Injectable } from '@nestjs/common';
import { chmod, copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { modelName as modelNameOf } from '../../scoring/model-calibration.js';
import { keptBundleFile, keptBundleFolder, keptModel, keptNameFile } from '../../support/kept-model.js';
import { placeWhole } from '../../support/files.js';
import { Config } from '../config/config.js';

/** A bundle of the data folder. */
export interface Kept {
  /** `<id>@<digits of its identity>`. */
  name: string;
  path: string;
}

/**
 * The bundle that the people of a data folder were made with, in the folder itself: a newer package changes nothing of
 * what stored profiles are compared with. `models/current` has its name; those of before stay beside it.
 */
@Injectable()
export class KeptBundle {
  private people: boolean | undefined;

  constructor(private readonly config: Config) {}

  /** To be told before the model is loaded. */
  knowPeople(are: boolean): void {
    this.people = are;
  }

  /**
   * What the service goes on with instead of a bundle: another version of the same model, of which there are people. Null
   * where there is none, where it was told to move, and for a bundle that this folder keeps, which nobody names by chance.
   */
  async insteadOf({ name, path }: Kept): Promise<Kept | null> {
    const { keepModel, dataDir } = this.config;
    if (!keepModel || this.people === false || path === resolve(keptBundleFile(dataDir, name))) return null;
    const kept = await this.current();
    return kept && kept.name !== name && idOf(kept.name) === idOf(name) ? kept : null;
  }

  /**
   * Copies the bundle that was loaded, unless it is there, and notes its name.
   * Errors: those of the file system; of a bundle that is no longer the one that was loaded.
   */
  async keep({ name, path }: Kept): Promise<void> {
    const { dataDir } = this.config;
    if ((await this.current())?.name === name) return;
    const folder = keptBundleFolder(dataDir);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const to = keptBundleFile(dataDir, name);
    if (resolve(to) !== path) {
      await placeWhole(
        to,
        async (part) => {
          await copyFile(path, part);
          await chmod(part, 0o600);
          const { readManifest } = await import('../../addon/bundles.js');
          const copied = modelNameOf(await readManifest(part));
          if (copied !== name) throw new Error(`the bundle was replaced by ${copied} while it was copied`);
        },
        { aside: `${to}.part` },
      );
    }
    const file = keptNameFile(dataDir);
    await placeWhole(file, (part) => writeFile(part, `${name}\n`, { mode: 0o600 }), { aside: `${file}.part` });
  }

  private async current(): Promise<Kept | null> {
    const { dataDir } = this.config;
    const name = await keptModel(dataDir);
    if (name === null) return null;
    const path = keptBundleFile(dataDir, name);
    return (await stat(path).catch(() => null))?.isFile() ? { name, path } : null;
  }
}

function idOf(name: string): string {
  return name.slice(0, name.lastIndexOf('@'));
}
