/** A client of Pressrun: what is wanted most, typed by its OpenAPI document; `api` has the rest. */
import type { ClientOptions } from "openapi-fetch";

import { answer, type Api, type CallOptions, type Found, plainApi, strictApi } from "./calls.js";
import { browsersOwn, type OpenEventSource } from "./event_source.js";
import { type FileForm, submitFile, validateFile } from "./files.js";
import { type FileFormat, resultsFile, resultsOf } from "./results.js";
import type {
  BulkChange,
  BulkChanged,
  BulkCreate,
  BulkCreated,
  BulkDetail,
  BulkPage,
  BulkPause,
  BulkRemoved,
  BulkResults,
  BulkValidated,
  Controlled,
  operations,
  ResultFormat,
  Retried,
  UploadRead,
} from "./schema.js";
import { type KeyHeader, submitOnce, type SubmitOptions } from "./submission.js";
import { type Stop, watchBulk, type WatchOptions } from "./watch.js";

export type { Api, CallOptions, Found } from "./calls.js";
export { PressrunError } from "./errors.js";
export type { EventSourceLike, OpenEventSource } from "./event_source.js";
export type { FileForm } from "./files.js";
export { type BulkState, hasEnded } from "./held_bulk.js";
export type { FileFormat } from "./results.js";
export type * from "./schema.js";
export type { SubmitOptions } from "./submission.js";
export type { Stop, WatchOptions } from "./watch.js";

export interface PressrunOptions {
  /** Where Pressrun is; without it, where the page comes from, behind `rewrites()`. Without a page it must be named. */
  readonly baseUrl?: string;
  /** Such as `Authorization`. A browser's EventSource sends none of them: `watch` needs a cookie, or `eventSource`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: (request: Request) => Promise<Response>;
  /** `include` for a Pressrun of another origin that a browser's cookie is to reach. */
  readonly credentials?: RequestCredentials;
  /** Another than the browser's, where there is none or it is to send headers. */
  readonly eventSource?: OpenEventSource;
}

export type BulkQuery = NonNullable<operations["listBulks"]["parameters"]["query"]>;
export type JobsQuery = NonNullable<operations["getBulk"]["parameters"]["query"]>;

/** Every method but `watch` throws a `PressrunError` where it does not give what was asked for. */
export interface Pressrun {
  /** With an `Idempotency-Key`, and again under the same one where no answer came: one bulk, whatever happens. */
  submit(body: BulkCreate, options?: SubmitOptions): Promise<BulkCreated>;
  /** The same body; nothing is stored. */
  validate(body: BulkCreate, options?: CallOptions): Promise<BulkValidated>;
  /** As `submit`, what a file holds. */
  submitFile(file: File, form: FileForm, options?: SubmitOptions): Promise<BulkCreated>;
  /** What would be made of the file, and what is wrong with which row. Nothing is stored. */
  validateFile(file: File, form: FileForm, options?: CallOptions): Promise<UploadRead>;
  list(query?: BulkQuery, options?: CallOptions): Promise<BulkPage>;
  get(bulkId: string, query?: JobsQuery, options?: CallOptions): Promise<BulkDetail>;
  pause(bulkId: string, how?: BulkPause, options?: CallOptions): Promise<Controlled>;
  resume(bulkId: string, options?: CallOptions): Promise<Controlled>;
  cancel(bulkId: string, options?: CallOptions): Promise<Controlled>;
  /** With its jobs and articles, for good: of a bulk that has ended. */
  remove(bulkId: string, options?: CallOptions): Promise<BulkRemoved>;
  /** All failed jobs go back to the queue. */
  retry(bulkId: string, options?: CallOptions): Promise<Retried>;
  change(bulkId: string, changes: BulkChange, options?: CallOptions): Promise<BulkChanged>;
  /** What is finished so far: `json` as an object, everything else as a file with its name. */
  results(bulkId: string, format?: "json", options?: CallOptions): Promise<BulkResults>;
  results(bulkId: string, format: FileFormat, options?: CallOptions): Promise<File>;
  /** Tells the state at once and whenever it changes, over restarts and lost connections, until it is stopped. */
  watch(bulkId: string, options: WatchOptions): Stop;
  /** Any other route, as the methods here: `call((api) => api.GET("/api/queue"))` gives the answer, or throws. */
  call<T>(made: (api: Api) => Promise<Found<T>>, options?: CallOptions): Promise<T>;
  /** Every route, as openapi-fetch has it: `{data, error, response}`, and nothing is thrown for an answer. */
  readonly api: Api;
}

export function createPressrun(options: PressrunOptions = {}): Pressrun {
  const { baseUrl = "", headers, fetch, credentials, eventSource } = options;
  const shared: ClientOptions = {
    baseUrl,
    ...(headers && { headers }),
    ...(fetch && { fetch }),
    ...(credentials && { credentials }),
  };
  const calls = strictApi(shared);
  const streams = {
    api: calls,
    baseUrl: baseUrl.replace(/\/$/, ""),
    open: eventSource ?? browsersOwn(credentials === "include"),
  };
  const of = (bulk_id: string, { signal }: CallOptions) => ({ params: { path: { bulk_id } }, signal: signal ?? null });

  function results(bulkId: string, format?: "json", options?: CallOptions): Promise<BulkResults>;
  function results(bulkId: string, format: FileFormat, options?: CallOptions): Promise<File>;
  function results(bulkId: string, format: ResultFormat = "json", options: CallOptions = {}) {
    return format === "json" ? resultsOf(calls, bulkId, options) : resultsFile(calls, bulkId, format, options);
  }

  return {
    api: plainApi(shared),
    results,
    submit: (body, options = {}) => {
      const signal = options.signal;
      const send = (params: KeyHeader) =>
        answer(calls.POST("/api/bulk-generate", { body, params, signal: signal ?? null }), signal);
      return submitOnce(send, options);
    },
    submitFile: (file, form, options = {}) => submitFile(calls, file, form, options),
    validateFile: (file, form, options = {}) => validateFile(calls, file, form, options),
    call: (made, { signal } = {}) => answer(made(calls), signal),
    watch: (bulkId, options) => watchBulk(streams, bulkId, options),
    validate: (body, { signal } = {}) =>
      answer(calls.POST("/api/bulk-generate/validate", { body, signal: signal ?? null }), signal),
    list: (query = {}, { signal } = {}) =>
      answer(calls.GET("/api/bulk-generate", { params: { query }, signal: signal ?? null }), signal),
    get: (bulkId, query = {}, { signal } = {}) => {
      const params = { path: { bulk_id: bulkId }, query };
      return answer(calls.GET("/api/bulk-generate/{bulk_id}", { params, signal: signal ?? null }), signal);
    },
    pause: (bulkId, how = {}, options = {}) =>
      answer(
        calls.POST("/api/bulk-generate/{bulk_id}/pause", { ...of(bulkId, options), body: how }),
        options.signal,
      ),
    resume: (bulkId, options = {}) =>
      answer(calls.POST("/api/bulk-generate/{bulk_id}/resume", of(bulkId, options)), options.signal),
    cancel: (bulkId, options = {}) =>
      answer(calls.POST("/api/bulk-generate/{bulk_id}/cancel", of(bulkId, options)), options.signal),
    remove: (bulkId, options = {}) =>
      answer(calls.DELETE("/api/bulk-generate/{bulk_id}", of(bulkId, options)), options.signal),
    retry: (bulkId, options = {}) =>
      answer(calls.POST("/api/bulk-generate/{bulk_id}/retry", of(bulkId, options)), options.signal),
    change: (bulkId, changes, options = {}) =>
      answer(
        calls.PATCH("/api/bulk-generate/{bulk_id}", { ...of(bulkId, options), body: changes }),
        options.signal,
      ),
  };
}
