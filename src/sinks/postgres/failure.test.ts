import { expect, test } from 'bun:test';
import postgres from 'postgres';
import { MdpError } from '../../runtime/errors.ts';
import { endsSession, failureOf, faultOf } from './failure.ts';

/** As the driver makes them from the server's fields. */
function sqlError(code: string, fields: Readonly<Record<string, string>> = {}): Error {
  const error = new postgres.PostgresError('row (secret) is bad');
  return Object.assign(error, { code, severity: 'ERROR', detail: 'secret', ...fields });
}

test.each([
  ['22P02', 'row'],
  ['23502', 'row'],
  ['23505', 'duplicate'],
  ['23514', 'no_partition'],
  ['40001', 'conflict'],
  ['40P01', 'conflict'],
  ['53400', 'too_much'],
  ...['08006', '25006', '28P01', '3D000', '42501', '42P01'].map((code) => [code, 'held'] as const),
  ...['53100', '53300', '54000', '55P03', '57014', '58030', 'XX000'].map(
    (code) => [code, 'held'] as const,
  ),
] as const)('takes SQLSTATE %s as %s', (code, fault) => {
  expect(faultOf(failureOf(sqlError(code)))).toBe(fault);
});

test('tells a check constraint, which has a name, from a missing partition', () => {
  const constraint = { constraint_name: 'sane' };
  expect(faultOf(failureOf(sqlError('23514', constraint)))).toBe('row');
});

test('ends the session with everything but a plain SQL error', () => {
  expect(endsSession(sqlError('23505'))).toBe(false);
  expect(endsSession(sqlError('57014'))).toBe(false);
  expect(endsSession(sqlError('57P01', { severity: 'FATAL' }))).toBe(true);
  expect(endsSession(sqlError('53300', { severity: 'FATAL' }))).toBe(true);
  expect(endsSession(sqlError('25006'))).toBe(true);
  expect(endsSession(new MdpError('deadline', 'too late'))).toBe(true);
  expect(endsSession(new Error('read ECONNRESET'))).toBe(true);
});

test('repeats nothing of what the server said about the row', () => {
  const failure = failureOf(sqlError('22P02', { table_name: 'trade' }));
  expect(failure).toMatchObject({ retry: true, context: { sqlstate: '22P02', table: 'trade' } });
  expect(Bun.inspect(failure)).not.toContain('secret');
});

test('names the errno of a broken connection', () => {
  const broken = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  expect(failureOf(broken)).toMatchObject({
    code: 'database_away',
    retry: true,
    context: { errno: 'ECONNREFUSED' },
  });
});
