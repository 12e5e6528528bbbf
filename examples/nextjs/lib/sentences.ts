import { PressrunError } from "@/lib/pressrun";

export const AWAY = "Pressrun cannot be reached just now.";

/** What is wrong, for whoever uses the page. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof PressrunError)) return "That has not worked.";
  const { status, message, details, fromPressrun } = error;
  if (status === 401) return "You are signed out, or Pressrun has another secret than this application. Sign in again.";
  if (!fromPressrun) return AWAY; // Next.js has answered in its place, or nobody
  return [message, ...details.map((detail) => `${detail.path} ${detail.message}`)].join(" ");
}
