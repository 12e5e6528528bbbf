/** Bulks, rows and what streams tell of them, as small as they may be. No tests here. */
import type { AnyRow, BulkDetail, BulkJob, BulkSnapshot, BulkUpdate, Progress, RowUpdate } from "pressrun-client";

import { BULK_ID } from "./stand_ins.js";

export function bulkJob(changes: Partial<BulkJob> = {}): BulkJob {
  return {
    _id: BULK_ID,
    userId: "u",
    mode: "topic",
    name: null,
    kind: "bulk",
    tenant: "u",
    status: "processing",
    total_items: 2,
    completed_items: 0,
    failed_items: 0,
    cancelled_items: 0,
    created_at: "2026-11-23T00:00:00.000Z",
    started_at: null,
    completed_at: null,
    estimated_completion: null,
    error_summary: [],
    metadata: null,
    max_retries: 2,
    delay_seconds: 5,
    parallelism: 1,
    stagger_ms: 150,
    priority: "normal",
    deadline: null,
    budget: null,
    failure_policy: null,
    notify: null,
    generation: 1,
    pause: null,
    pipeline: "article",
    options: {},
    run_between: null,
    results_dropped_at: null,
    ...changes,
  };
}

export function row(position: number, changes: Partial<AnyRow> = {}): AnyRow {
  return {
    id: `job-${position}`,
    status: "queued",
    queue_position: position,
    error: null,
    retry_count: 0,
    current_stage: null,
    percentage: 0,
    steps: { done: 0, total: 7 },
    running_since: null,
    elapsed_seconds: null,
    remaining: null,
    about: null,
    waiting: null,
    ...changes,
  };
}

export function progress(changes: Partial<Progress> = {}): Progress {
  return {
    total: 2,
    completed: 0,
    failed: 0,
    cancelled: 0,
    running: 0,
    awaiting: 0,
    remaining: 2,
    percentage: 0,
    cost: 0,
    usage: { input_tokens: 0, output_tokens: 0 },
    per_hour: null,
    estimate: null,
    waiting: null,
    ...changes,
  };
}

export function detail(jobs: AnyRow[] = [row(1), row(2)], jobs_next_cursor: string | null = null): BulkDetail {
  return { bulk_job: bulkJob(), progress: progress(), jobs, jobs_next_cursor };
}

export function snapshot(changes: Partial<BulkSnapshot> = {}): BulkSnapshot {
  return { ...detail(), rev: 10, ...changes };
}

export function bulkUpdate(rev: number, changes: Partial<BulkJob> = {}, counts: Partial<Progress> = {}): BulkUpdate {
  return { rev, bulk_job: bulkJob(changes), progress: progress(counts) };
}

export function rowUpdate(rev: number, position: number, changes: Partial<AnyRow> = {}): RowUpdate {
  return { rev, job: row(position, changes) };
}
