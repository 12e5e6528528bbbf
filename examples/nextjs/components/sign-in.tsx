"use client";

import { useActionState } from "react";
import { enter } from "@/app/actions";

export function SignIn({ names, password }: { names: readonly string[]; password: string }) {
  const [wrong, action, pending] = useActionState(enter, null);
  return (
    <main className="alone">
      <form action={action} className="sheet">
        <h1>Sign in</h1>
        <p className="muted">
          For trying it out: {names.join(" or ")}, with the password <code>{password}</code>.
        </p>
        <label>
          Name
          <input name="name" autoComplete="username" autoFocus required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {wrong && (
          <p role="alert" className="wrong">
            {wrong}
          </p>
        )}
        <button type="submit" className="primary" disabled={pending}>
          Sign in
        </button>
      </form>
    </main>
  );
}
