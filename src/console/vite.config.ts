import { defineConfig } from 'vite';

/** Addresses are relative: the page is served at the root, below a prefix, and behind proxies that take one away. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The content security policy allows files of this service, and nothing that stands in another file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // Marks of server components, which mean nothing here, and are in every file of some libraries.
      onLog: (level, log, say) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : say(level, log)),
    },
    license: { fileName: 'LICENSES.md' },
  },
  worker: { format: 'es' },
});
