/** A server under requests of every kind: it answers what is due, and tells nothing of itself. */
import { Chance } from '../simulator/random.ts';
import { exchanged, type Exchange } from './exchange.ts';
import { payloadOf, type Payload } from './payloads.ts';

export type Fuzz = {
  readonly port: number;
  readonly requests: number;
  readonly seed: number;
  /** What must never be seen in an answer: keys, paths, what only protected routes tell. */
  readonly secrets: readonly string[];
  /** By then a whole request has its answer, however busy the machine. */
  readonly deadlineMs?: number;
};

export type FuzzReport = {
  readonly complaints: readonly string[];
  /** Answers by status. */
  readonly statuses: ReadonlyMap<string, number>;
};

const CONNECTIONS = 32;
/** More say nothing new. */
const MAX_COMPLAINTS = 20;

/** A stack, a module, a statement, the words of an exception. */
const INTERNALS = /\n\s*at \S+|\.[tj]s:\d+|node_modules|\$bunfs|\bselect .+ from\b|\w+Error\b/i;

export const fuzzed = async (fuzz: Fuzz): Promise<FuzzReport> => {
  const { port, requests, seed, secrets, deadlineMs = 10_000 } = fuzz;
  const chance = new Chance(seed);
  const complaints: string[] = [];
  const statuses = new Map<string, number>();
  let left = requests;
  const client = async (): Promise<void> => {
    while (left > 0 && complaints.length < MAX_COMPLAINTS) {
      left -= 1;
      const number = requests - left;
      const payload = payloadOf(chance);
      const exchange = await exchanged(port, payload, deadlineMs);
      for (const status of statusesOf(exchange)) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      for (const what of faultsOf(payload, exchange, secrets)) {
        complaints.push(`seed ${seed}, request ${number}: ${what}: ${shown(payload)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return { complaints, statuses };
};

const statusesOf = ({ answer }: Exchange): readonly string[] =>
  Array.from(answer.matchAll(/(?:^|(?<=[\n}]))HTTP\/1\.1 (\d{3})/g), ([, status = '']) => status);

const faultsOf = (
  payload: Payload,
  { answer, isClosed }: Exchange,
  secrets: readonly string[],
): readonly string[] => {
  const faults: string[] = [];
  const statuses = statusesOf({ answer, isClosed });
  if (payload.isWhole && !isClosed) faults.push('the connection stays open');
  if (payload.isWhole && statuses.length === 0) faults.push('no answer');
  if (answer !== '' && statuses.length === 0) faults.push('an answer that is no HTTP');
  if (statuses.includes('500')) faults.push('status 500');
  const internals = INTERNALS.exec(answer)?.[0];
  if (internals !== undefined) faults.push(`tells of itself (${JSON.stringify(internals)})`);
  for (const secret of secrets) if (answer.includes(secret)) faults.push(`tells ${secret}`);
  return faults;
};

const shown = ({ bytes }: Payload): string =>
  JSON.stringify(bytes.toString('latin1').slice(0, 300));
