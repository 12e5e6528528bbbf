/** Files with article requests: looked at, or submitted. What is wrong with one is judged by Pressrun alone. */
import { answer, type Api, type CallOptions } from "./calls.js";
import type { BulkCreated, BulkDraft, Mode, UploadRead } from "./schema.js";
import { type KeyHeader, submitOnce, type SubmitOptions } from "./submission.js";

/** How a CSV, TSV, XLSX, JSON or JSONL file is read, and with what settings its bulk is submitted. */
export interface FileForm {
  readonly mode: Mode;
  /** The column of a field, `{ topic: "Title" }`; the others are guessed. */
  readonly columns?: Readonly<Record<string, string>>;
  readonly settings?: Omit<BulkDraft, "mode" | "items">;
  /** Of a workbook; without it, the first that is not hidden. */
  readonly sheet?: string;
}

export function validateFile(api: Api, file: File, form: FileForm, options: CallOptions): Promise<UploadRead> {
  return sent<UploadRead>(api, file, form, options, false);
}

export function submitFile(api: Api, file: File, form: FileForm, options: SubmitOptions): Promise<BulkCreated> {
  return submitOnce((params) => sent<BulkCreated>(api, file, form, options, true, params), options);
}

function sent<T extends UploadRead | BulkCreated>(
  api: Api,
  file: File,
  form: FileForm,
  { signal }: CallOptions,
  submit: boolean,
  params?: KeyHeader,
): Promise<T> {
  const call = api.POST("/api/bulk-generate/upload", {
    ...(params && { params }),
    body: { file: file.name, mode: form.mode },
    bodySerializer: () => formData(file, form, submit),
    signal: signal ?? null,
  });
  return answer(call as Promise<{ data?: T; response: Response }>, signal);
}

function formData(file: File, { mode, columns, settings, sheet }: FileForm, submit: boolean): FormData {
  const data = new FormData();
  data.set("file", file, file.name);
  data.set("mode", mode);
  if (columns) data.set("columns", JSON.stringify(columns));
  if (settings) data.set("settings", JSON.stringify(settings));
  if (sheet !== undefined) data.set("sheet", sheet);
  if (submit) data.set("submit", "true");
  return data;
}
