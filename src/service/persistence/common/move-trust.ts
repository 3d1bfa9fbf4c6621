import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Epoch, FileEpochProvider, stateOf } from './epoch.js';
import { proveKey, readKeyCheck } from './key-check.js';
import { readMoveMark, requireWhole } from './move-marks.js';
import type { OpenSource } from './move.js';
import { epochFileOf, keyProviderOf, type Places } from './places.js';
import { Register } from './register.js';
import { VectorCipher } from './vector-cipher.js';

export interface TrustOptions {
  /** For people. */
  place: string;
  places: Places;
  /** Whether it is as this version makes it, and vouched for. */
  isCurrent: () => Promise<boolean>;
  /** Whether a folder without a mark of the epoch may go on with it, as one that joins. */
  mayJoin: boolean;
}

/**
 * What vouches for the data that is to be moved. Errors: STORAGE_UNFINISHED; STORAGE_INVALID where the key is another one, or it is
 * not of this version; STORAGE_ROLLED_BACK.
 */
export async function trustIn(
  manager: EntityManager,
  { place, places, isCurrent, mayJoin }: TrustOptions,
): Promise<Omit<OpenSource, 'source'>> {
  await requireWhole(manager, place);
  const cipher = new VectorCipher(...(await keyProviderOf(places).read()));
  const check = await readKeyCheck(manager);
  if (check) proveKey(cipher, check, place);
  if (!check || !(await isCurrent())) {
    throw new TimbreError(
      'STORAGE_INVALID',
      `${place} is of an older version: start the service once, which brings it up to date, and stop it`,
    );
  }
  const register = new Register(cipher);
  const epoch = new Epoch(new FileEpochProvider(epochFileOf(places)), cipher);
  if (!(await readMoveMark(manager, 'left'))) {
    const [head, mark] = [await register.head(manager), await epoch.read()];
    if (!mayJoin || stateOf(head, mark) !== 'no mark') epoch.require(head, mark);
  }
  return { cipher, register, epoch };
}
