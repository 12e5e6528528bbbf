"use client";

import { useRouter } from "next/navigation";
import { useCallback, useState } from "react";
import { BulkList } from "@/components/bulk-list";
import { BulkView } from "@/components/bulk-view";
import { NewBulk } from "@/components/new-bulk";

/** All of the page: what is new on the left, the bulk that the address names on the right. */
export function Desk({ bulkId }: { bulkId: string | null }) {
  const router = useRouter();
  const [news, setNews] = useState(0);
  const tell = useCallback(() => setNews((count) => count + 1), []);
  return (
    <div className="desk">
      <aside>
        <NewBulk onSubmitted={(id) => router.push(`/?bulk=${id}`)} />
        <BulkList chosen={bulkId} news={news} />
      </aside>
      <main>
        {bulkId ? (
          <BulkView key={bulkId} bulkId={bulkId} onStatus={tell} />
        ) : (
          <p className="empty">
            Choose a file, look at what would be written, and submit it. Its progress is shown here.
          </p>
        )}
      </main>
    </div>
  );
}
