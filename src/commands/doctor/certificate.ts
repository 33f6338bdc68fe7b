import type { Config } from '../../config/config.ts';
import { assertValid, readTls } from '../../http/tls.ts';
import { formatTime } from '../../market/time.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MdpError } from '../../runtime/errors.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';

const ABOUT = 'http';
/** A certificate that ends sooner than this should have been renewed by now. */
const SOON_DAYS = 14;
const DAY_US = 86_400_000_000;

/** Whether the certificate of `http.tls` can be used, and for how long; nothing without TLS. */
export const certificateFindings = ({ tls }: Config['http'], clock: Clock): readonly Finding[] => {
  try {
    const material = readTls(tls);
    if (material === undefined) return [];
    assertValid(material, clock.now());
    const days = (material.validTo - clock.now()) / DAY_US;
    const text = `the certificate is valid until ${formatTime(material.validTo)}`;
    if (days >= SOON_DAYS) return [ok(ABOUT, text)];
    const cure = 'renew it: the files of http.tls are read again when they change';
    return [warn(ABOUT, `${text}, ${days.toFixed(1)} days from now`, cure)];
  } catch (error) {
    if (!(error instanceof MdpError) || error.code !== 'config') throw error;
    return [fail(ABOUT, error.message, error.hint)];
  }
};
