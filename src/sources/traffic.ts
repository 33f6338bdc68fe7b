import type { ReceiveTime } from '../market/time.ts';
import type { SourceReport } from './source.ts';

/** What the connections of a source count together, empty and oversized frames among `frames`. */
export type Traffic = {
  frames: number;
  bytes: number;
  emptyFrames: number;
  oversizedFrames: number;
  pausedMicros: number;
  lastFrameAt: ReceiveTime | undefined;
};

export const noTraffic = (): Traffic => ({
  frames: 0,
  bytes: 0,
  emptyFrames: 0,
  oversizedFrames: 0,
  pausedMicros: 0,
  lastFrameAt: undefined,
});

type TrafficReport = Pick<
  SourceReport,
  'frames' | 'bytes' | 'emptyFrames' | 'oversizedFrames' | 'lastFrameAt' | 'pausedSeconds'
>;

export const trafficOf = ({ pausedMicros, ...counted }: Traffic): TrafficReport => ({
  ...counted,
  pausedSeconds: pausedMicros / 1_000_000,
});
