/** A recording as a form carries it: a Blob (a File brings its name), or bytes with a name. */
export type Upload = Blob | { data: Blob | Uint8Array | ArrayBuffer; name: string };

/** Appends it to a form. */
export function appendUpload(form: FormData, field: string, upload: Upload): void {
  if (upload instanceof Blob) form.append(field, upload);
  else form.append(field, blobOf(upload.data), upload.name);
}

function blobOf(data: Blob | Uint8Array | ArrayBuffer): Blob {
  // Browsers' types know no bytes in shared memory here; the platforms copy those too.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- with the types of Node.js it is
  return data instanceof Blob ? data : new Blob([data as ArrayBuffer]);
}
