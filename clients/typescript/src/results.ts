/** What is finished of a bulk, as an object or as a file. */
import { answer, type Api, type CallOptions, found } from "./calls.js";
import type { BulkResults, ResultFormat } from "./schema.js";

export type FileFormat = Exclude<ResultFormat, "json">;

export function resultsOf(api: Api, bulkId: string, { signal }: CallOptions): Promise<BulkResults> {
  const params = { path: { bulk_id: bulkId } };
  const call = api.GET("/api/bulk-generate/{bulk_id}/results", { params, signal: signal ?? null });
  return answer(call as Promise<{ data?: BulkResults; response: Response }>, signal);
}

/** With the name that Pressrun gives it, and its type. */
export async function resultsFile(
  api: Api,
  bulkId: string,
  format: FileFormat,
  { signal }: CallOptions,
): Promise<File> {
  const params = { path: { bulk_id: bulkId }, query: { format } };
  const call = api.GET("/api/bulk-generate/{bulk_id}/results", { params, parseAs: "blob", signal: signal ?? null });
  const { data, response } = await found(call as Promise<{ data?: Blob; response: Response }>, signal);
  const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  return new File([data], named?.[1] ?? `${bulkId}.${format}`, { type: data.type });
}
