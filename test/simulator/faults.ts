import { CRASH_POINTS, type CrashPoint } from './process/reaper.ts';

const killed = <Point extends CrashPoint>(point: Point): `killed_${Point}` => `killed_${point}`;

/** What a simulation does to the program, by the name under which its summary counts it. */
export const FAULT_KINDS = [
  // Frames.
  'frame_lost',
  'frame_twice',
  'frame_out_of_order',
  'frame_cut_short',
  'frame_unknown',
  'frame_bad_row',
  'frame_empty',
  'frame_oversized',
  'frame_late',
  // Connections.
  'connect_refused',
  'connect_throttled',
  'connect_unanswered',
  'connection_dropped',
  'connection_closed',
  'connection_aged_out',
  'connection_mute',
  'channel_mute',
  'connection_dead',
  'subscription_refused',
  'subscription_unanswered',
  'trades_replayed',
  // Clocks.
  'venue_clock_ahead',
  'venue_clock_behind',
  'process_stalled',
  // Database.
  'database_slow',
  'database_away',
  'database_row_refused',
  'database_answer_lost',
  'database_half_committed',
  'database_full',
  'database_read_only',
  // Disk.
  'disk_slow',
  'disk_full',
  'disk_short',
  'disk_write_failed',
  'disk_sync_failed',
  'disk_name_failed',
  'disk_read_failed',
  // The process and its machine.
  ...CRASH_POINTS.map(killed),
  'power_lost',
  'stopped',
  'stopped_with_data_left',
  'start_failed',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** How often each fault has fired. */
export class FaultCount {
  readonly #fired = new Map<FaultKind, number>();

  fired(kind: FaultKind): void {
    this.#fired.set(kind, this.of(kind) + 1);
  }

  of(kind: FaultKind): number {
    return this.#fired.get(kind) ?? 0;
  }

  merge(other: FaultCount): void {
    for (const kind of FAULT_KINDS) this.#fired.set(kind, this.of(kind) + other.of(kind));
  }

  /** Kinds that never fired. */
  missing(): readonly FaultKind[] {
    return FAULT_KINDS.filter((kind) => this.of(kind) === 0);
  }
}
