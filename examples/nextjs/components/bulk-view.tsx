"use client";

import { useEffect, useRef } from "react";
import { Articles } from "@/components/articles";
import { Controls } from "@/components/controls";
import { type BulkState, resultsUrl } from "@/lib/pressrun";
import { AWAY, sentenceOf } from "@/lib/sentences";
import { useBulk } from "@/lib/use-bulk";

const LAST_KNOWN = `${AWAY} What you see is the last that is known; it goes on by itself.`;
const FORMATS = ["zip", "csv", "json"] as const;
const PARTS = ["completed", "failed", "running", "remaining", "cancelled"] as const;
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** One bulk while it runs: how far it is, why it waits, its controls, its articles, its results. */
export function BulkView({ bulkId, onStatus }: { bulkId: string; onStatus: () => void }) {
  const { state, isLive, error } = useBulk(bulkId);
  const heading = useRef<HTMLHeadingElement>(null);
  const status = state?.bulk_job.status;
  useEffect(onStatus, [status, onStatus]);
  useEffect(() => heading.current?.focus(), [state === null]);

  const trouble = error ? sentenceOf(error) : isLive ? null : LAST_KNOWN;
  if (!state) return <p className="empty">{trouble ?? "One moment."}</p>;
  const { bulk_job: bulk, progress, jobs } = state;
  return (
    <article className="bulk">
      {trouble && (
        <p role="alert" className="away">
          {trouble}
        </p>
      )}
      <header>
        <h1 ref={heading} tabIndex={-1}>
          {bulk.name ?? "Without a name"}
        </h1>
        <span className={`badge ${bulk.status}`}>{bulk.status}</span>
        <Controls bulk={bulk} failed={progress.failed} />
      </header>
      <section className="sheet" aria-label="Progress">
        <p className="percentage">
          {progress.percentage}
          <span>%</span>
        </p>
        <progress max={progress.total} value={progress.completed} aria-label="Completed" />
        <dl className="figures">
          {PARTS.map((part) => (
            <div key={part}>
              <dt>{part}</dt>
              <dd>{progress[part]}</dd>
            </div>
          ))}
        </dl>
        <p className="muted" role="status">
          {progress.waiting && <span className="waiting">{whyItWaits(state)} </span>}
          {progress.estimate && (
            <span title={progress.estimate.basis}>
              Probably done between {clock(progress.estimate.low)} and {clock(progress.estimate.high)}.
            </span>
          )}
        </p>
        {progress.completed > 0 && (
          <p className="results">
            Results:{" "}
            {FORMATS.map((format) => (
              <a key={format} href={resultsUrl(bulkId, format)} download>
                {format.toUpperCase()}
              </a>
            ))}
          </p>
        )}
      </section>
      <Articles jobs={jobs} />
    </article>
  );
}

function whyItWaits({ bulk_job: { pause }, progress: { waiting } }: BulkState): string {
  if (waiting?.code === "paused") return pause?.reason ? `Paused: ${pause.reason}` : "Paused.";
  return `It waits: ${waiting?.text}.`;
}

function clock(moment: string): string {
  return TIME.format(new Date(moment));
}
