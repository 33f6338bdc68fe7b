/** Preloaded: writes the path of each module of tracing to LOADED_MODULES when it is loaded. */
import { appendFileSync } from 'node:fs';

const traced = /\/@opentelemetry\/(?!api\/)|\/otlp-tracer\.ts$/;

Bun.plugin({
  name: 'loaded modules',
  setup: (build) => {
    build.onLoad({ filter: traced }, async ({ path }) => {
      appendFileSync(process.env['LOADED_MODULES'] ?? '/dev/null', `${path}\n`);
      const loader = path.endsWith('.ts') ? 'ts' : 'js';
      return { contents: await Bun.file(path).text(), loader };
    });
  },
});
