import NextAuth from "next-auth";
import Credentials from "next-auth/providers/credentials";
import { userOf } from "@/lib/demo-users";

/** AUTH_SECRET encrypts the session cookie; Pressrun reads the cookie with the same secret (PRESSRUN_AUTH__SECRETS). */
export const { handlers, auth, signIn, signOut } = NextAuth({
  trustHost: true,
  pages: { signIn: "/" },
  providers: [
    Credentials({
      credentials: { name: {}, password: {} },
      authorize: ({ name, password }) => userOf(name, password),
    }),
  ],
  callbacks: {
    // Pressrun knows a user by `id` of the token. Without this there is only `sub`.
    jwt({ token, user }) {
      if (user) token.id = user.id;
      return token;
    },
  },
});
