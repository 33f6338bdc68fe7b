import type { SimulatedDatabase } from './database.ts';
import type { SimulatedDisk } from './disk.ts';
import type { FaultCount } from './faults.ts';
import type { Scenario } from './scenario.ts';
import type { SimulatedVenue } from './venue.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { Witness } from './witness.ts';

export type World = {
  readonly scenario: Scenario;
  readonly clock: VirtualClock;
  readonly faults: FaultCount;
  readonly venue: SimulatedVenue;
  readonly database: SimulatedDatabase;
  readonly disk: SimulatedDisk;
  readonly witness: Witness;
};
