"use client";

import { type FormEvent, useRef, useState } from "react";
import { Preview } from "@/components/preview";
import { check, submit, type UploadRead } from "@/lib/pressrun";
import { sentenceOf } from "@/lib/sentences";

const SAMPLE = "/articles.csv";

/** A file, checked as soon as it is chosen, then submitted. */
export function NewBulk({ onSubmitted }: { onSubmitted: (bulkId: string) => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [checked, setChecked] = useState<UploadRead | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef("");
  const input = useRef<HTMLInputElement>(null);

  async function attempt(work: () => Promise<void>): Promise<void> {
    setBusy(true);
    setWrong(null);
    try {
      await work();
    } catch (error) {
      setWrong(sentenceOf(error));
    } finally {
      setBusy(false);
    }
  }

  function choose(chosen: File | null): void {
    setFile(chosen);
    setChecked(null);
    key.current = crypto.randomUUID();
    if (chosen) void attempt(async () => setChecked(await check(chosen)));
  }

  function send(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (!file) return;
    void attempt(async () => {
      const name = String(form.get("name")).trim();
      const settings = { name: name || file.name, delay_seconds: Number(form.get("delay")) };
      const bulkId = await submit(file, settings, key.current);
      choose(null);
      if (input.current) input.current.value = "";
      onSubmitted(bulkId);
    });
  }

  return (
    <form className="sheet" onSubmit={send} aria-busy={busy}>
      <h2>New bulk</h2>
      <label>
        File
        <input
          ref={input}
          type="file"
          accept=".csv,.tsv,.xlsx,.json,.jsonl"
          onChange={(event) => choose(event.target.files?.[0] ?? null)}
        />
      </label>
      <p className="muted small">
        CSV, XLSX, JSON or JSONL, a row an article, with a column <code>topic</code>. For a start:{" "}
        <a href={SAMPLE} download>
          articles.csv
        </a>
        .
      </p>
      {wrong && (
        <p role="alert" className="wrong">
          {wrong}
        </p>
      )}
      {checked && <Preview checked={checked} />}
      {checked?.valid && (
        <>
          <div className="fields">
            <label>
              Name
              <input name="name" maxLength={200} placeholder={file?.name} />
            </label>
            <label>
              Seconds between articles
              <input name="delay" type="number" min={0} max={3600} defaultValue={1} required />
            </label>
          </div>
          <button type="submit" className="primary" disabled={busy}>
            Submit {checked.total_items} articles
          </button>
        </>
      )}
    </form>
  );
}
