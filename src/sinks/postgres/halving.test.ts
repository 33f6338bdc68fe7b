import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { MdpError } from '../../runtime/errors.ts';
import { writeHalving } from './halving.ts';

function refusal(sqlstate: string): MdpError {
  return new MdpError('database_refused', 'refused', { retry: true, context: { sqlstate } });
}

test('writes every sound row once and returns every poisoned one, wherever they are', async () => {
  const batches = fc.array(fc.boolean(), { minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(batches, async (poisoned) => {
      const written: number[] = [];
      const rows = poisoned.map((poison, index) => ({ poison, index }));
      const outcome = await writeHalving(rows, (run) => {
        if (run.some(({ poison }) => poison)) return Promise.reject(refusal('22003'));
        written.push(...run.map(({ index }) => index));
        return Promise.resolve(run.length);
      });
      const sound = rows.filter(({ poison }) => !poison).map(({ index }) => index);
      const dead = rows.filter(({ poison }) => poison).map(({ index }) => index);
      expect(written).toEqual(sound);
      expect(outcome.dead.map(({ index }) => index)).toEqual(dead);
      expect(outcome).toMatchObject({ committed: sound.length, alreadyThere: 0 });
    }),
  );
});

test('halves a batch that is too much for one statement, and gives up no row for it', async () => {
  const rows = Array.from({ length: 100 }, (_, index) => index);
  const sizes: number[] = [];
  const outcome = await writeHalving(rows, (run) => {
    sizes.push(run.length);
    return run.length > 30 ? Promise.reject(refusal('53400')) : Promise.resolve(run.length);
  });
  expect(outcome).toEqual({ committed: 100, alreadyThere: 0, dead: [] });
  expect(Math.max(...sizes.filter((size) => size <= 30))).toBe(25);
  await expect(writeHalving([1], () => Promise.reject(refusal('53400')))).rejects.toThrow(MdpError);
});

test.each(['53100', '42P01', '40P01', '57014', '23505'])(
  'throws %s, which is no fault of a row',
  async (sqlstate) => {
    const outcome = writeHalving([1, 2], () => Promise.reject(refusal(sqlstate)));
    await expect(outcome).rejects.toMatchObject({ context: { sqlstate } });
  },
);
