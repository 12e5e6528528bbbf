/** A bulk as its stream has told it so far. Nothing is asked here, and nobody is told. */
import type { AnyRow, BulkDetail, BulkJob, BulkSnapshot, BulkUpdate, Progress, RowUpdate } from "./schema.js";

/** What a watcher is shown. Each one is a new object; parts that have not changed are the same as before. */
export interface BulkState {
  readonly bulk_job: BulkJob;
  /** In queue order, each once: the first 200, or all that were asked for. */
  readonly jobs: readonly AnyRow[];
  /** As in `get`: there are more jobs than are held. */
  readonly jobs_next_cursor: string | null;
  readonly progress: Progress;
}

/** `told` counts the messages about rows: of two tellings of a row, the later. */
interface HeldRow {
  readonly row: AnyRow;
  readonly rev: number;
  readonly told: number;
}

export class HeldBulk {
  #bulk: { readonly rev: number; readonly bulk_job: BulkJob; readonly progress: Progress } | null = null;
  #rows = new Map<string, HeldRow>();
  #jobs: readonly AnyRow[] | null = null;
  #shownTo = 0;
  #told = 0;

  /** Null before the first snapshot. */
  get state(): BulkState | null {
    if (!this.#bulk) return null;
    this.#jobs ??= this.#inOrder();
    const { bulk_job, progress } = this.#bulk;
    const jobs_next_cursor = this.#shownTo === Infinity ? null : String(this.#shownTo);
    return { bulk_job, jobs: this.#jobs, jobs_next_cursor, progress };
  }

  /** How many messages about rows there were; for `page`. */
  get told(): number {
    return this.#told;
  }

  /** Takes the place of all that was told. With `keep`, rows beyond it stay until `page` brings them anew. */
  snapshot(told: BulkSnapshot, keep: boolean): void {
    const { rev, bulk_job, progress, jobs, jobs_next_cursor } = told;
    const end = endOf(jobs_next_cursor);
    const beyond = [...this.#rows.values()].filter(({ row }) => keep && row.queue_position > end);
    this.#bulk = { rev, bulk_job, progress };
    this.#rows = new Map(beyond.map((held) => [held.row.id, held]));
    for (const row of jobs) this.#rows.set(row.id, { row, rev: 0, told: this.#told });
    this.#shownTo = keep ? Math.max(this.#shownTo, end) : end;
    this.#jobs = null;
  }

  bulk({ rev, bulk_job, progress }: BulkUpdate): void {
    if (this.#bulk && rev >= this.#bulk.rev) this.#bulk = { rev, bulk_job, progress };
  }

  row({ rev, job }: RowUpdate): void {
    const known = this.#rows.get(job.id);
    if (known && rev < known.rev) return;
    this.#rows.set(job.id, { row: job, rev, told: ++this.#told });
    this.#jobs = null;
  }

  /** Further rows, which were asked for when `told` was so much: what the stream has told since may be newer. */
  page({ jobs, jobs_next_cursor }: BulkDetail, told: number): void {
    for (const row of jobs) {
      const known = this.#rows.get(row.id);
      if (!known || known.told <= told) this.#rows.set(row.id, { row, rev: known?.rev ?? 0, told });
    }
    this.#shownTo = Math.max(this.#shownTo, endOf(jobs_next_cursor));
    this.#jobs = null;
  }

  #inOrder(): AnyRow[] {
    const rows = Array.from(this.#rows.values(), ({ row }) => row);
    const shown = rows.filter((row) => row.queue_position <= this.#shownTo);
    return shown.sort((one, other) => one.queue_position - other.queue_position);
  }
}

/** The position of the last row of a page; none comes after the last page. */
function endOf(cursor: string | null): number {
  return cursor === null ? Infinity : Number(cursor);
}

const ENDED = new Set(["completed", "failed", "cancelled"]);

/** Whether nothing of it runs or waits any more, until somebody sends jobs back. */
export function hasEnded({ bulk_job, jobs, progress }: BulkState): boolean {
  const isOver = bulk_job.status === "completed" || bulk_job.status === "cancelled";
  return isOver && progress.remaining === 0 && jobs.every(({ status }) => ENDED.has(status));
}
