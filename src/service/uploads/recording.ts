/** One uploaded recording, which goes when the request's handler has settled. */
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
