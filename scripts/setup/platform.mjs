// Where Timbre can be built. Imports nothing, so that it runs, and complains, on any Node.

/** Oldest glibc that the pinned PyTorch wheel runs on. */
const OLDEST_GLIBC = '2.28';
export const OLDEST_NODE = '20.19.0';

/**
 * @typedef {object} Platform
 * @property {string} system `process.platform`
 * @property {string} architecture `process.arch`
 * @property {string | undefined} glibc its version; undefined where there is another C library
 * @property {string} node version, without "v"
 */

/** @returns {Platform} */
export function thisPlatform() {
  /** @type {any} the report's type is no more than "object" */
  const report = process.report?.getReport?.() ?? {};
  return {
    system: process.platform,
    architecture: process.arch,
    glibc: report.header?.glibcVersionRuntime,
    node: process.versions.node,
  };
}

/**
 * Whether version `a` is older than `b`; both dotted numbers.
 * @param {string} a
 * @param {string} b
 */
export function isOlder(a, b) {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); ++i) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * What keeps Timbre from being built there, with the remedy.
 * @param {Platform} platform
 * @returns {{ message: string, remedy: string } | undefined}
 */
export function obstacle({ system, architecture, glibc, node }) {
  if (isOlder(node, OLDEST_NODE)) {
    return {
      message: `Node.js ${node} is too old: Timbre needs ${OLDEST_NODE} or newer`,
      remedy: 'Install Node.js 20, 22 or newer (with nvm: `nvm install`), then run the same command again.',
    };
  }
  if (system !== 'linux') {
    return {
      message: `Timbre runs on Linux; this is ${system}`,
      remedy:
        system === 'win32'
          ? 'Use the Windows Subsystem for Linux (`wsl --install -d Debian`) and clone the project in there.'
          : 'Use a Linux machine, virtual machine or container (Debian 12 or newer is what it is tested on).',
    };
  }
  if (architecture !== 'x64' && architecture !== 'arm64') {
    return {
      message: `there is no PyTorch for the processor architecture ${architecture}`,
      remedy: 'Use a 64-bit x86 (x64) or ARM (arm64) machine, and a 64-bit Node.js on it.',
    };
  }
  if (!glibc) {
    return {
      message: 'this system has no glibc (Alpine and others use musl), and PyTorch is built for glibc only',
      remedy: 'Use a distribution with glibc, such as Debian or Ubuntu; as a container, a Debian-based Node.js image.',
    };
  }
  if (isOlder(glibc, OLDEST_GLIBC)) {
    return {
      message: `glibc ${glibc} is too old: PyTorch needs ${OLDEST_GLIBC} or newer`,
      remedy: 'Use a newer distribution: Debian 12 and Ubuntu 24.04 are new enough.',
    };
  }
  return undefined;
}
