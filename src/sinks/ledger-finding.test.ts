import { expect, test } from 'bun:test';
import { ledgerFinding, type LedgerTotals } from './ledger-finding.ts';

const totals: LedgerTotals = { writers: 1, drained: true, committed: 10n, alreadyThere: 3n };

const held = async (stored: bigint, of: Partial<LedgerTotals> = {}, keepsAll = true) => {
  const trades = (): Promise<bigint> => Promise.resolve(stored);
  const { status, text } = await ledgerFinding({ ...totals, ...of }, keepsAll, trades);
  return `${status}: ${text}`;
};

test.each([10n, 12n, 13n])('balances with %d trades stored', async (stored) => {
  expect(await held(stored)).toMatch(/^ok: .*it balances$/);
});

test('fails where fewer trades are stored than were committed', async () => {
  expect(await held(9n)).toMatch(/^fail: .*1 are missing$/);
});

test('warns of trades that no run has counted', async () => {
  expect(await held(15n)).toMatch(/^warn: .*2 came by another way$/);
});

test('says why it cannot tell', async () => {
  expect(await held(15n, { drained: false })).toMatch(/^ok: .*runs or was killed/);
  expect(await held(9n, { writers: 2 })).toMatch(/^ok: .*2 writers/);
  expect(await held(9n, {}, false)).toMatch(/^ok: .*database.retention/);
  expect(await held(9n, { writers: 0 })).toMatch(/^ok: no run/);
});
