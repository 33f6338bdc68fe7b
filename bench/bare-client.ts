/**
 * The least that a client can do: `parse` reads each frame with `JSON.parse` behind Bun's client
 * and does nothing with it, `count` counts what the program's own client hands out.
 *
 *     bun bench/bare-client.ts VENUE URL SYMBOLS count|parse
 */
import { subscribe, subscribeDirectly } from './parts/client.ts';
import { answerExpectations } from './parts/expectations.ts';

const args = process.argv.slice(2);
const arrived = answerExpectations();

if (args[3] === 'parse') {
  subscribe(args, (text) => {
    JSON.parse(text);
    arrived(1);
  });
} else {
  subscribeDirectly(args, () => arrived(1));
}
