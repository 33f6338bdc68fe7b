/** Told apart in the count of answers; any other is `other`. */
const STATUSES = [200, 401, 403, 404, 405, 413, 414, 429, 500, 503] as const;

/** Answers by status, and no more: the label set is closed. */
export class HttpCounts {
  readonly byStatus = new Map<string, number>(
    [...STATUSES.map(String), 'other'].map((status) => [status, 0]),
  );

  answered(status: number): void {
    const known = this.byStatus.has(String(status)) ? String(status) : 'other';
    this.byStatus.set(known, (this.byStatus.get(known) ?? 0) + 1);
  }
}
