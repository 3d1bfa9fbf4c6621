import { addon, typed } from './binding.js';

/**
 * Says by a recording's first bytes whether anything here may read it, before more of it is read or copied. Enough are
 * 128 KiB; where a long tag stands before the recording, nothing is said against it. Whether it can be decoded is not
 * looked at.
 * @param head its first bytes, which are copied
 * @param isWhole whether there are no more
 * Errors: AUDIO_UNSUPPORTED, in the words of decoding; AUDIO_CORRUPT (no bytes), ADDON_UNAVAILABLE.
 */
export async function requireRecording(head: Uint8Array, isWhole: boolean): Promise<void> {
  try {
    await addon().lookAtBeginning(head, isWhole);
  } catch (error) {
    throw typed(error);
  }
}
