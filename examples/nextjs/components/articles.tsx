"use client";

import { useRef, useState } from "react";
import { article, type BulkState } from "@/lib/pressrun";
import { sentenceOf } from "@/lib/sentences";

type JobRow = BulkState["jobs"][number];

interface Opened {
  title: string;
  text: string;
}

/** The articles of a bulk in their order; one that is completed can be read. */
export function Articles({ jobs }: { jobs: readonly JobRow[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [opened, setOpened] = useState<Opened>({ title: "", text: "" });

  async function read(job: JobRow): Promise<void> {
    const text = await article(job.id).catch(sentenceOf);
    setOpened({ title: titleOf(job), text });
    dialog.current?.showModal();
  }

  return (
    <section className="sheet" aria-label="Articles">
      <ol className="articles">
        {jobs.map((job) => (
          <li key={job.id} className={job.status}>
            <span className="position">{job.queue_position}</span>
            <span className="about">
              {job.status === "completed" ? (
                <button type="button" className="link" onClick={() => read(job)}>
                  {titleOf(job)}
                </button>
              ) : (
                titleOf(job)
              )}
              {job.error && <em>{job.error}</em>}
            </span>
            <span className={`badge ${job.status}`}>{stateOf(job)}</span>
            <progress max={100} value={job.percentage} aria-label={`Progress of ${titleOf(job)}`} />
          </li>
        ))}
      </ol>
      <dialog ref={dialog} aria-labelledby="article-title" closedby="any">
        <form method="dialog">
          <h2 id="article-title">{opened.title}</h2>
          <button type="submit">Close</button>
        </form>
        <div className="text" tabIndex={0} role="region" aria-label="Text">
          {opened.text}
        </div>
      </dialog>
    </section>
  );
}

function stateOf(job: JobRow): string {
  return (job.status === "processing" && job.current_stage) || job.status.replace("_", " ");
}

function titleOf(job: JobRow): string {
  return job.about ?? `Article ${job.queue_position}`;
}
