"use server";

import { AuthError } from "next-auth";
import { signIn, signOut } from "@/auth";

/** What is wrong, in a sentence; whoever is signed in is led to the page. */
export async function enter(_before: string | null, form: FormData): Promise<string | null> {
  try {
    await signIn("credentials", { name: form.get("name"), password: form.get("password"), redirectTo: "/" });
  } catch (error) {
    if (error instanceof AuthError) return "Nobody has this name and password.";
    throw error; // the redirect of a sign-in that worked is thrown, too
  }
  return null;
}

export async function leave(): Promise<void> {
  await signOut({ redirectTo: "/" });
}
