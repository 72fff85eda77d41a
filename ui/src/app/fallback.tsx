/** Pages for what should not happen: an address that does not exist, a page that failed. */
import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { EmptyState, ErrorState } from '@/kit/states';

/** No page has this address. */
export function NotFound() {
  return (
    <EmptyState title="There is no such page" actions={<Link to="/explore" search={{ v: 1 }}>Explore</Link>}>
      <p>The address may be mistyped, or belong to a newer version of Causeline.</p>
    </EmptyState>
  );
}

/** A page threw: say so and offer the details; the shell stays. */
export function PageError({ error, reset }: ErrorComponentProps) {
  return <ErrorState title="This page failed" error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />;
}
