import { MdpError } from '../runtime/errors.ts';
import { type Place, placeText } from './place.ts';

/**
 * One thing that is wrong: where it was said, about which key, and what was found and is allowed,
 * in one clause.
 */
export type Problem = {
  readonly place: Place;
  /** Empty where it is about the whole file. */
  readonly key: string;
  readonly text: string;
};

/** A file of nonsense would otherwise fill the screen. */
const MAX_SHOWN = 50;

/** `config.yaml:3:15: pipeline.batch_size: found "many"; allowed: an integer from 1 to 1000000`. */
export function problemText({ place, key, text }: Problem): string {
  const where = place.kind === 'default' ? [] : [placeText(place)];
  return [...where, ...(key === '' ? [] : [key]), text].join(': ');
}

/** All that is wrong with a configuration as the one error that refuses it, a line each. */
export function configError(problems: readonly Problem[]): MdpError {
  const shown = problems.slice(0, MAX_SHOWN).map(problemText);
  if (problems.length > MAX_SHOWN) shown.push(`… and ${problems.length - MAX_SHOWN} more`);
  return new MdpError('config', shown.join('\n'), {
    hint: '`mdp check` lists what is wrong; docs/configuration.md lists every key',
    context: { problems: problems.length },
  });
}
