/**
 * The least that a client can do: it counts frames, or reads each with `JSON.parse` and does
 * nothing with it.
 *
 *     bun bench/bare-client.ts VENUE URL SYMBOLS count|parse
 */
import { subscribe } from './parts/client.ts';
import { answerExpectations } from './parts/expectations.ts';

const parse = process.argv[5] === 'parse';
const arrived = answerExpectations();

subscribe(process.argv.slice(2), (text) => {
  if (parse) JSON.parse(text);
  arrived(1);
});
