/**
 * Frames a second with only bars stored, against a bare client that only does `JSON.parse` (b); and
 * the ceiling of the feed itself, by a client that only counts.
 */
import { underBun } from '../parts/child.ts';
import { perSecond, startScript, type Run } from '../parts/contender.ts';
import { startFeed } from '../parts/feed.ts';
import { ratioOf, type Figure } from '../parts/figures.ts';
import { startExecutable } from '../parts/mdp.ts';
import { repeat, symbolCount, type Bench } from '../parts/plan.ts';

const client = underBun('bare-client.ts');

type Round = { readonly mdp: Run; readonly parse: Run; readonly count: Run };

export const measureBars = async (bench: Bench): Promise<readonly Figure[]> => {
  const feeds = [await startFeed(), await startFeed(), await startFeed()] as const;
  const mdp = await startExecutable({
    feed: feeds[0],
    databaseUrl: bench.database.url,
    symbols: symbolCount,
    environment: { PIPELINE_DATABASE_STORE: 'bars' },
  });
  const parse = await startScript(client, feeds[1], symbolCount, ['parse']);
  const count = await startScript(client, feeds[2], symbolCount, ['count']);
  const contenders = [mdp, parse, count];
  const frames = bench.plan.read;
  try {
    const rounds = await repeat(bench, 'bars only', async () => ({
      mdp: await mdp.play(frames),
      parse: await parse.play(frames),
      count: await count.play(frames),
    }));
    return figures(rounds);
  } finally {
    for (const contender of contenders) await contender.close();
    await Promise.all(feeds.map((feed) => feed.close()));
  }
};

const framesPerSecond = (run: Run): number => perSecond(run.frames, run);

const cpuMicros = (run: Run): number => (run.cpuSeconds * 1e6) / run.frames;

const figures = (rounds: readonly Round[]): readonly Figure[] => {
  const of = (read: (round: Round) => number): readonly number[] => rounds.map(read);
  const ours = of(({ mdp }) => framesPerSecond(mdp));
  const parsed = of(({ parse }) => framesPerSecond(parse));
  const counted = of(({ count }) => framesPerSecond(count));
  const ourCpu = of(({ mdp }) => cpuMicros(mdp));
  const socket = of(({ count }) => cpuMicros(count));
  return [
    { id: 'feed-ceiling', title: 'frames, client that counts', unit: '/s', samples: counted },
    { id: 'bare-parse', title: 'frames, client with JSON.parse', unit: '/s', samples: parsed },
    { id: 'bars-only', title: 'frames, bars only', unit: '/s', samples: ours },
    { id: 'bars-cpu', title: 'CPU per frame, bars only', unit: 'µs', samples: ourCpu },
    { id: 'stage-socket', title: 'stage socket, alone', unit: 'µs', samples: socket },
    ratioOf({ id: 'b', title: 'b. bars-only ÷ JSON.parse client', better: 'more' }, ours, parsed),
    ratioOf(
      { id: 'b-cpu', title: 'b. CPU per frame ÷ JSON.parse client', better: 'less' },
      ourCpu,
      of(({ parse }) => cpuMicros(parse)),
    ),
  ];
};
