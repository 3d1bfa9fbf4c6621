import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { digestFile } from '../../support/files.js';

/** One recording: uploaded, and gone when the request's handler has settled, or of the application around the service. */
export interface Recording {
  /** The form field that it came in. */
  field: string;
  /** For `EmbeddingEngine.embed`: the path of a temporary file, or the bytes of one that is small. */
  audio: string | Buffer;
  /** The client's name for it without folders, for people; never a path of ours. */
  filename: string;
  bytes: number;
  /** Of the bytes as uploaded, hexadecimal. */
  sha256: string;
}

/** How many recordings a form field takes. */
export interface FieldCount {
  min: number;
  /** Default: the setting `maxFiles`. */
  max?: number;
}

/** What a call takes as multipart/form-data: its fields of recordings, by name. */
export type UploadForm = Readonly<Record<string, FieldCount>>;

/** What came. */
export interface Upload {
  /** In the order of their upload. */
  recordings: Recording[];
  /** The form's other fields: text, or the value of one that holds JSON. */
  fields: Record<string, unknown>;
}

/**
 * A recording that an application has itself, for `Enrollments`, `Verification` and `Identification`: a file, which stays
 * where it is, or its bytes, in any format that uploads may have. `filename` is for people.
 * Errors: those of the file system.
 */
export async function recordingOf(audio: string | Buffer, filename?: string): Promise<Recording> {
  const { bytes, sha256 } =
    typeof audio === 'string'
      ? await digestFile(audio)
      : { bytes: audio.length, sha256: createHash('sha256').update(audio).digest('hex') };
  const name = filename ?? (typeof audio === 'string' ? basename(audio) : 'recording');
  return { field: 'audio', audio, filename: name, bytes, sha256 };
}
