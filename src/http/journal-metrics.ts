import type { Registry } from 'prom-client';
import type { JournalReport } from '../journal/report.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { counter, gauge } from './exposition.ts';

/** What the journal and its checkpoints tell; nothing where the journal is switched off. */
export const journalMetrics = (registry: Registry, pipeline: Pipeline, now: () => number): void => {
  const { journal, checkpointer, startedAt } = pipeline;
  if (journal === undefined || checkpointer === undefined) return;
  const present = (name: string, help: string, value: (report: JournalReport) => number): void =>
    gauge(registry, { name, help, read: () => [[[], value(journal.report())]] });
  const rising = (name: string, help: string, value: (report: JournalReport) => number): void =>
    counter(registry, { name, help, read: () => [[[], value(journal.report())]] });

  present('mdp_journal_bytes', 'Bytes of the journal, on disk and on the way.', (r) => r.bytes);
  present(
    'mdp_journal_retained_bytes',
    'Of them: of settled segments, which make room when it is needed.',
    (report) => report.retainedBytes,
  );
  present('mdp_journal_lag_bytes', 'Bytes taken in and not read yet.', (r) => r.lagBytes);
  present(
    'mdp_journal_lag_seconds',
    'Age of what the operators read next; 0 while they keep up.',
    (report) => report.lagSeconds,
  );
  gauge(registry, {
    name: 'mdp_journal_state',
    help: '1 for the present one: writing; full, the policy acts; away, the disk takes nothing.',
    labels: ['state'],
    read: () => {
      const { state } = journal.report();
      return STATES.map((name) => [[name], name === state ? 1 : 0]);
    },
  });
  rising(
    'mdp_journal_dropped_frames_total',
    'Frames given up by policy at a bound of the journal.',
    (report) => report.droppedFrames,
  );
  rising(
    'mdp_journal_lost_frames_total',
    'Frames that were taken in and cannot be read any more.',
    (report) => report.lostFrames,
  );
  rising('mdp_journal_damaged_total', 'Damaged places, kept aside.', (r) => r.damaged);
  rising('mdp_journal_sync_failures_total', 'Failed syncs.', (report) => report.syncFailures);
  rising('mdp_checkpoints_total', 'Checkpoints published.', () => checkpointer.published);
  gauge(registry, {
    name: 'mdp_checkpoint_age_seconds',
    help: 'Since the last checkpoint; before the first one, since the start.',
    read: () => [[[], (now() - (checkpointer.publishedAt ?? startedAt)) / 1e6]],
  });
};

const STATES = ['writing', 'full', 'away'] as const;
