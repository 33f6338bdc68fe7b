/** Guards, one line each, with what stands there when they are gone and the test that notices. */
export type Mutant = {
  readonly guard: string;
  readonly file: string;
  readonly line: string;
  readonly instead: string;
  readonly test: string;
  /** Part of the name of the test. */
  readonly name: string;
};

/** Checkpoints come often there. */
const SMALL = { test: 'test/e2e/kill.test.ts', name: 'outlives its frames' };
const KILL = { test: 'test/e2e/kill.test.ts', name: 'SQLite' };
const SCANS = { test: 'test/contract/scans.test.ts', name: 'scans hard numbers in every place' };
const CHECKPOINTS = 'src/pipeline/checkpointer.test.ts';

const CERTIFICATES = {
  test: 'test/http/server.test.ts',
  name: 'every new connection gets the new certificate',
};

export const MUTANTS: readonly Mutant[] = [
  {
    guard: 'a record is read only with its CRC',
    file: 'src/journal/decode.ts',
    line: "if (crc !== view.getUint32(at, true)) return 'damaged';",
    instead: '',
    test: 'src/journal/damage.test.ts',
    name: 'a bit of a frame',
  },
  {
    guard: 'synced means that the file was synced',
    file: 'src/journal/segment-writer.ts',
    line: 'await open.file.sync();',
    instead: '',
    test: 'src/journal/crash.test.ts',
    name: '',
  },
  {
    guard: 'a new segment is named in its directory before it counts as synced',
    file: 'src/journal/segment-writer.ts',
    line: 'await this.#options.disk.syncDirectory(this.#options.directory);',
    instead: '',
    test: 'src/journal/crash.test.ts',
    name: '',
  },
  {
    guard: 'what a failed sync left is written again',
    file: 'src/journal/segment-writer.ts',
    line: 'this.written = this.synced;\n    this.#sent = this.synced;',
    instead: '',
    test: 'src/journal/journal.test.ts',
    name: 'a failed sync loses nothing',
  },
  {
    guard: 'the reader never passes what the kernel has',
    file: 'src/journal/journal.ts',
    line: 'return away === undefined ? written.position : this.#chunks.position;',
    instead: 'return this.#chunks.position;',
    test: 'src/journal/journal.test.ts',
    name: 'hands nothing on before the kernel has it',
  },
  {
    guard: 'what a killed process had not synced is synced at the start',
    file: 'src/journal/recover.ts',
    line: 'if (await secure(disk, directory, segments, log)) {',
    instead: 'if (segments.length >= 0) {',
    test: 'src/journal/crash.test.ts',
    name: 'what a killed process had not synced',
  },
  {
    guard: 'what is synced stays so when the sync of the next segment fails',
    file: 'src/journal/segment-writer.ts',
    line: 'next === undefined ? mark :',
    instead: 'i >= 0 ? this.synced :',
    test: 'src/journal/crash.test.ts',
    name: 'a segment that was synced stays',
  },
  {
    guard: 'what the second copy lacks is taken from the first',
    file: 'src/journal/recover.ts',
    line: 'return { end: await completed(disk, directory, segments, end), tornBytes };',
    instead: 'return { end, tornBytes };',
    test: 'src/journal/crash.test.ts',
    name: 'what a failed sync has left',
  },
  {
    guard: 'only settled segments make room',
    file: 'src/journal/keeper.ts',
    line: 'segment.busy === undefined && segment.end <= this.settled',
    instead: 'segment.busy === undefined',
    test: 'src/journal/',
    name: '',
  },
  {
    guard: 'a damaged checkpoint is not used',
    file: 'src/journal/checkpoint.ts',
    line: 'if (bytes.readUInt32LE(CRC_AT) !== crcOf(head, body)) return undefined;',
    instead: '',
    test: 'src/journal/checkpoint.test.ts',
    name: 'damaged at any byte',
  },
  {
    guard: 'settling stops at the older checkpoint of two',
    file: 'src/journal/checkpoint.ts',
    line: 'return this.#kept[0]?.position ?? mark.position;',
    instead: 'return mark.position;',
    test: 'src/journal/checkpoint.test.ts',
    name: 'settling may pass the older one',
  },
  {
    guard: 'a checkpoint waits for the commit of what lies before it',
    file: 'src/pipeline/checkpointer.ts',
    line: 'if (!(await settlement.whenSettled(epoch, signal))) return;',
    instead: '',
    test: CHECKPOINTS,
    name: 'waits for the commit',
  },
  {
    guard: 'a checkpoint names only what is on disk',
    file: 'src/pipeline/checkpointer.ts',
    line: 'if (!(await store.persist(mark.position, signal))) return;',
    instead: '',
    test: CHECKPOINTS,
    name: 'waits for the disk',
  },
  {
    guard: 'no batch has rows from both sides of a checkpoint',
    file: 'src/pipeline/checkpointer.ts',
    line: 'batcher.flush();',
    instead: '',
    test: CHECKPOINTS,
    name: 'waits for the commit',
  },
  {
    guard: 'what is committed after a checkpoint is not counted in it',
    file: 'src/pipeline/settlement.ts',
    line: 'for (const [name, value] of counts) counters[name] = (counters[name] ?? 0) - value;',
    instead: 'continue;',
    test: CHECKPOINTS,
    name: 'counts what was committed before it',
  },
  {
    guard: 'the operators go on from the checkpoint',
    file: 'src/pipeline/pipeline.ts',
    line: 'this.operators.load(found.operators);',
    instead: '',
    ...SMALL,
  },
  {
    guard: 'the counters go on from the checkpoint',
    file: 'src/pipeline/pipeline.ts',
    line: 'this.ledger.restore(found.counters);',
    instead: '',
    ...SMALL,
  },
  {
    guard: 'records of an earlier run count as received when they are read again',
    file: 'src/pipeline/reader.ts',
    line: 'if (this.#former) ledger.frames.received += 1;',
    instead: '',
    ...KILL,
  },
  {
    guard: 'a scan looks at nothing behind the frame',
    file: 'src/venues/scanner.ts',
    line: 'if (end > this.#end) return false;',
    instead: '',
    test: 'src/venues/scanner.test.ts',
    name: 'never from behind the frame',
  },
  {
    guard: 'a scan takes no number that JSON would not',
    file: 'src/venues/scanner.ts',
    line: '(count === 1 || this.#bytes[from] !== zero) &&',
    instead: '',
    ...SCANS,
  },
  {
    guard: 'a scan takes no number beyond 2^53',
    file: 'src/venues/scanner.ts',
    line: 'return this.value <= Number.MAX_SAFE_INTEGER && this.#addFraction(places);',
    instead: 'return this.#addFraction(places);',
    test: 'src/venues/scanner.test.ts',
    name: 'takes what JSON calls a number',
  },
  {
    guard: 'a scan emits nothing of a frame that it does not take',
    file: 'src/venues/kraken/scan.ts',
    line: 'if (isRead) for',
    instead: 'for',
    test: SCANS.test,
    name: 'kraken scans what decode would read',
  },
  {
    guard: 'a scan leaves a side of zero to decode',
    file: 'src/venues/scanner.ts',
    line: 'if (!this.takes(price) || !this.decimalText() || this.isZero()) return undefined;',
    instead: 'if (!this.takes(price) || !this.decimalText()) return undefined;',
    ...SCANS,
  },
  {
    guard: 'new connections are steered to the new certificate',
    file: 'src/http/server.ts',
    line: 'const isSteered = steerTo(this.port, this.#listeners.length - 1);',
    instead: 'const isSteered = true;',
    ...CERTIFICATES,
  },
  {
    guard: 'they are steered on when an old listener has gone',
    file: 'src/http/server.ts',
    line: 'steerTo(this.port, this.#listeners.indexOf(this.#newest));',
    instead: 'this.port;',
    ...CERTIFICATES,
  },
  {
    guard: 'a drained connection is told that an answer is its last',
    file: 'src/http/server.ts',
    line: "if (listener.isDraining) response.headers.set('connection', 'close');",
    instead: '',
    test: CERTIFICATES.test,
    name: 'is answered once more with its old certificate',
  },
  {
    guard: 'a port is not shared with another program',
    file: 'src/http/server.ts',
    line: 'if (options.tls !== undefined && options.port !== 0) assertFree(options);',
    instead: '',
    test: CERTIFICATES.test,
    name: 'does not share a port with another program',
  },
  {
    guard: 'a page of another name is not local',
    file: 'src/http/caller.ts',
    line: 'isLoopback(address) && namesThisMachine(headers) && !isForwarded(headers)',
    instead: 'isLoopback(address) && !isForwarded(headers)',
    test: 'src/http/caller.test.ts',
    name: 'DNS rebinding',
  },
  {
    guard: 'a wrong key costs more than a request',
    file: 'src/http/gate.ts',
    line: 'if (caller.wrongKey) limiter.charge(client, WRONG_KEY_COST);',
    instead: '',
    test: 'src/http/gate.test.ts',
    name: 'wrong keys use up the address',
  },
];
