"use client";

import { useState } from "react";
import { type BulkJob, type BulkStatus, type Control, pressrun } from "@/lib/pressrun";
import { sentenceOf } from "@/lib/sentences";

const OFFERED: Record<BulkStatus, Control[]> = {
  queued: ["pause", "cancel"],
  processing: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  completed: [],
  cancelled: [],
};
const LABELS: Record<Control, string> = {
  pause: "Pause",
  resume: "Resume",
  cancel: "Cancel",
  retry: "Retry failed",
};

/** What may be done with the bulk as it stands, and what came of it. */
export function Controls({ bulk, failed }: { bulk: BulkJob; failed: number }) {
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const offered = [...OFFERED[bulk.status], ...(failed > 0 ? (["retry"] as const) : [])];

  async function press(wanted: Control): Promise<void> {
    if (wanted === "cancel" && !confirm("Cancel this bulk? What is not written yet will not be.")) return;
    setBusy(true);
    await pressrun[wanted](bulk._id).then(
      ({ message }) => setSaid(message),
      (error: unknown) => setSaid(sentenceOf(error)),
    );
    setBusy(false);
  }

  return (
    <div className="controls">
      <p role="status" className="muted small">
        {said}
      </p>
      {offered.map((wanted) => (
        <button key={wanted} type="button" className={wanted} disabled={busy} onClick={() => press(wanted)}>
          {LABELS[wanted]}
        </button>
      ))}
    </div>
  );
}
