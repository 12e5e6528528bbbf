/** The only place that talks to Pressrun: its client, through this application's own origin, so that the browser sends
 *  the session cookie along. Nothing is shown here. */
import { type BulkJob, createPressrun, type FileForm, PressrunError, type UploadRead } from "pressrun-client";

export type { BulkJob, BulkState, UploadRead } from "pressrun-client";
export { PressrunError };

export const pressrun = createPressrun();

export type Control = "pause" | "resume" | "cancel" | "retry";
export type BulkStatus = BulkJob["status"];

/** What would be made of the file, and what is wrong with it. Nothing is stored. */
export function check(file: File): Promise<UploadRead> {
  return pressrun.validateFile(file, { mode: "topic" });
}

/** With the same key it is one bulk, however often it is sent. */
export async function submit(
  file: File,
  settings: NonNullable<FileForm["settings"]>,
  key: string,
): Promise<string> {
  return (await pressrun.submitFile(file, { mode: "topic", settings }, { idempotencyKey: key })).bulk_job_id;
}

export async function article(jobId: string): Promise<string> {
  const path = { job_id: jobId };
  const { job } = await pressrun.call((api) => api.GET("/api/jobs/{job_id}", { params: { path } }));
  return typeof job.result === "string" ? job.result : JSON.stringify(job.result, null, 2);
}

/** For a link: the browser fetches the file. */
export function resultsUrl(bulkId: string, format: "zip" | "csv" | "json"): string {
  return `/api/bulk-generate/${encodeURIComponent(bulkId)}/results?format=${format}`;
}
