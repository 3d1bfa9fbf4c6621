// Reads the Dockerfile beside it: only the instructions and forms that stand there, anything else is an error.

/**
 * @typedef {object} Stage
 * @property {string} base
 * @property {string} name
 * @property {{ kind: 'RUN' | 'COPY', words: string }[]} steps in order; COPY without its keyword
 * @property {Record<string, string>} env
 * @property {string} workdir
 * @property {string} user
 * @property {string[]} volumes
 * @property {string[]} command entry point and command
 * @property {string[]} health
 */

/**
 * @param {string} text
 * @returns {Stage[]}
 */
export function readDockerfile(text) {
  /** @type {Stage[]} */
  const stages = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, keyword = '', words = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (keyword === 'FROM') {
      const [base = '', , name = ''] = words.split(' ');
      const none = { env: {}, workdir: '/', user: 'root' };
      stages.push({ base, name, steps: [], volumes: [], command: [], health: [], ...none });
      continue;
    }
    const stage = stages.at(-1);
    if (!stage) throw new Error(`the Dockerfile begins with: ${line}`);
    /** @type {Record<string, () => void>} */
    const does = {
      RUN: () => stage.steps.push({ kind: 'RUN', words }),
      COPY: () => stage.steps.push({ kind: 'COPY', words }),
      WORKDIR: () => (stage.workdir = words),
      ENV: () => {
        const at = words.indexOf('=');
        stage.env[words.slice(0, at)] = words.slice(at + 1);
      },
      USER: () => (stage.user = words),
      VOLUME: () => stage.volumes.push(words),
      EXPOSE: () => undefined,
      HEALTHCHECK: () => (stage.health = JSON.parse(words.slice(words.indexOf('[')))),
      ENTRYPOINT: () => (stage.command = JSON.parse(words)),
      CMD: () => stage.command.push(...JSON.parse(words)),
    };
    const step = does[keyword];
    if (!step) throw new Error(`the rehearsal does not know: ${line}`);
    step();
  }
  return stages;
}
