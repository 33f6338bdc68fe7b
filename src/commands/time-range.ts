import { microsFromIso } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';

/** Integer microseconds, `to` not included; undefined = no bound. */
export type AskedRange = { readonly from: number | undefined; readonly to: number | undefined };

/** What `--from` and `--to` say. Throws `MdpError` `usage`. */
export function rangeOf(fromText: string | undefined, toText: string | undefined): AskedRange {
  const from = fromText === undefined ? undefined : timeOf('--from', fromText);
  const to = toText === undefined ? undefined : timeOf('--to', toText);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new MdpError('usage', '--from must be before --to, which is not included', {
      hint: 'mdp help',
    });
  }
  return { from, to };
}

const timeForm = /^([0-9-]{10})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?(Z|[+-].*)?)?$/;

/** A day, a minute or a full time; UTC where no zone is given. */
function timeOf(option: string, text: string): number {
  const [, day = '', minute = '00:00', second = ':00', zone = 'Z'] = timeForm.exec(text) ?? [];
  const micros = microsFromIso(`${day}T${minute}${second}${zone}`);
  if (micros !== undefined) return micros;
  throw new MdpError('usage', `${option}: expected a time from 1970 on, got \`${text}\``, {
    hint: '2026-11-23 or 2026-11-23T12:00:00.5Z, UTC without a zone',
  });
}
