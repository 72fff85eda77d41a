/** The query cache and its defaults. */
import { QueryClient } from '@tanstack/react-query';
import { shouldRetry } from '@/data/queries';

/** Makes the cache; data counts as fresh for half a minute, and a wrong request is not repeated. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: { queries: { staleTime: 30_000, refetchOnWindowFocus: false, retry: shouldRetry, retryDelay: (n) => 500 * 2 ** n } },
  });
}
