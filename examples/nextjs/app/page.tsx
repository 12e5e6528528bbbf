import { auth } from "@/auth";
import { leave } from "@/app/actions";
import { Desk } from "@/components/desk";
import { SignIn } from "@/components/sign-in";
import { PASSWORD, USERS } from "@/lib/demo-users";

type Query = Promise<{ bulk?: string | string[] }>;

export default async function Page({ searchParams }: { searchParams: Query }) {
  const session = await auth();
  if (!session?.user) return <SignIn names={USERS.map((user) => user.name ?? "")} password={PASSWORD} />;
  const { bulk } = await searchParams;
  return (
    <>
      <header className="top">
        <p className="brand">Articles in bulk</p>
        <form action={leave}>
          <span>
            Signed in as <strong>{session.user.name}</strong>
          </span>
          <button type="submit">Sign out</button>
        </form>
      </header>
      <Desk bulkId={typeof bulk === "string" ? bulk : null} />
    </>
  );
}
