import type { User } from "next-auth";

export const PASSWORD = "demo";

/** Ids like those of a `users` collection in MongoDB. */
export const USERS: readonly User[] = [
  { id: "6740a1b2c3d4e5f600000001", name: "ada", email: "ada@example.com" },
  { id: "6740a1b2c3d4e5f600000002", name: "grace", email: "grace@example.com" },
];

/** Null where nobody has this name and password. An application of your own asks its database. */
export function userOf(name: unknown, password: unknown): User | null {
  return (password === PASSWORD && USERS.find((user) => user.name === name)) || null;
}
