/** The Dockerfile as data: what its last stage says to whoever runs the image. */
import { join } from 'node:path';
import * as v from 'valibot';

export const repository = join(import.meta.dir, '../..');

export type Image = {
  readonly base: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workingDirectory: string;
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  readonly healthcheck: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Source in the build stage and place in the image. */
  readonly copies: readonly (readonly [from: string, to: string])[];
};

const words = v.pipe(v.string(), v.parseJson(), v.array(v.string()));

export const dockerfileText = (): Promise<string> =>
  Bun.file(join(repository, 'Dockerfile')).text();

/** One instruction a line: without comments, continued lines joined. */
export const instructionsOf = (text: string): readonly string[] =>
  text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');

export const readImage = async (): Promise<Image> => {
  const all = instructionsOf(await dockerfileText());
  const last = all.slice(all.findLastIndex((line) => line.startsWith('FROM ')));
  const every = (word: string): readonly string[] =>
    last.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const one = (word: string): string => every(word)[0] ?? '';
  const assignments = every('ENV').flatMap((line) => [...line.matchAll(/([A-Z_]+)=(\S+)/g)]);
  return {
    base: one('FROM'),
    environment: Object.fromEntries(assignments.map(([, name = '', value = '']) => [name, value])),
    user: one('USER'),
    workingDirectory: one('WORKDIR'),
    volumes: v.parse(words, one('VOLUME')),
    ports: every('EXPOSE'),
    healthcheck: v.parse(words, one('HEALTHCHECK').replace(/^.*CMD /, '')),
    entrypoint: v.parse(words, one('ENTRYPOINT')),
    command: v.parse(words, one('CMD')),
    copies: every('COPY').map((line) => {
      const [from = '', to = ''] = line.split(' ').filter((word) => !word.startsWith('--'));
      return [from, to] as const;
    }),
  };
};
