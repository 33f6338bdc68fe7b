/** One WebSocket message where it lies in memory: the UTF-8 bytes `[from, to)`. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Over all of `bytes`. */
  readonly view: DataView;
  readonly from: number;
  /** What lies from here on belongs to others. */
  readonly to: number;
}
