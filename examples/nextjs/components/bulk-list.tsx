"use client";

import Link from "next/link";
import { useEffect, useState } from "react";
import { type BulkJob, pressrun } from "@/lib/pressrun";

/** One's own bulks; read anew with each other `news`. */
export function BulkList({ chosen, news }: { chosen: string | null; news: number }) {
  const [bulks, setBulks] = useState<BulkJob[]>([]);
  useEffect(() => {
    let wanted = true;
    pressrun.list().then(
      (told) => wanted && setBulks(told.bulk_jobs),
      () => undefined, // the bulk beside it says what is wrong
    );
    return () => void (wanted = false);
  }, [news, chosen]);
  if (bulks.length === 0) return null;
  return (
    <nav className="sheet" aria-label="Your bulks">
      <h2>Your bulks</h2>
      <ul className="bulks">
        {bulks.map((bulk) => (
          <li key={bulk._id}>
            <Link href={`/?bulk=${bulk._id}`} aria-current={bulk._id === chosen ? "page" : undefined}>
              <span>{bulk.name ?? "Without a name"}</span>
              <span className={`badge ${bulk.status}`}>{bulk.status}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
