/** What is known where the addon could not be loaded. */
export interface LoadFailure {
  /** The addon's file. */
  file: string;
  exists: boolean;
  /** What Node.js's permission model keeps from it. */
  denied?: 'addons' | 'reading' | undefined;
  /** The dynamic loader's. */
  message: string;
  platform: string;
  architecture: string;
  /** Undefined under another C library. */
  glibc: string | undefined;
}

const SET_UP = 'run `npx timbre setup`, or `npm run setup` in a clone of Timbre';

/** Why the addon cannot be loaded here, and what to do about it. */
export function whyUnavailable(failure: LoadFailure): string {
  const { file, exists, denied, message, platform, architecture, glibc } = failure;
  if (platform !== 'linux') {
    return `Timbre's addon runs on Linux, and this is ${platform}: use a Linux container or machine`;
  }
  if (architecture !== 'x64' && architecture !== 'arm64') {
    return `there is no LibTorch for the processor architecture ${architecture}: use a 64-bit Node.js on x64 or arm64`;
  }
  if (glibc === undefined) {
    return (
      'this system has another C library than glibc (Alpine has musl), for which there is no LibTorch: ' +
      'use an image based on Debian or Ubuntu, such as node:22-slim'
    );
  }
  if (denied === 'addons') {
    return "Node.js's permission model keeps addons from being loaded: start it with --allow-addons too";
  }
  if (denied === 'reading') {
    return (
      `Node.js's permission model keeps ${file} from being read: allow the package's folder, the model and the recordings ` +
      'with --allow-fs-read, and start it with --allow-addons'
    );
  }
  if (!exists) return `the native addon is not built (${file} is missing): ${SET_UP}`;
  if (/invalid ELF header|wrong ELF class|file too short|Exec format/i.test(message)) {
    return `${file} is damaged or was built for another machine than this ${architecture} one: delete it and ${SET_UP}`;
  }
  const symbolVersion = /version [`'](GLIBC\w*_[\d.]+)' not found/.exec(message)?.[1];
  if (symbolVersion !== undefined) {
    return (
      `${file} was built on a newer system: it needs ${symbolVersion}, and this one has glibc ${glibc}. ` +
      `Build it here (delete it and ${SET_UP}), or run it on a system like the one it was built on`
    );
  }
  const library = /(\S+\.so[.\d]*): cannot open shared object file/.exec(message)?.[1];
  if (library !== undefined && /^lib(torch|c10|gomp)/.test(library)) {
    return (
      `${library} of LibTorch is no longer where it was when the addon was built (${message}): ` +
      `put it back, or ${SET_UP}, which builds the addon for the LibTorch that is there`
    );
  }
  if (library !== undefined) {
    return `the system library ${library} is missing: install it, or ${SET_UP}, which does`;
  }
  return `${file} cannot be loaded (${message}): delete it and ${SET_UP}`;
}
