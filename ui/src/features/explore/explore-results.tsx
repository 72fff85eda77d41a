/** What stands below the query: the list in all its states. */
import { useQuery, useQueryClient, type InfiniteData, type UseInfiniteQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import type { ApiError } from '@/data/client';
import { statusQuery } from '@/data/queries';
import type { SearchAnswer } from '@/data/types';
import { nanoToMilli } from '@/kit/clock-format';
import { Button } from '@/kit/button';
import type { ServiceLook } from '@/kit/service-slots';
import { EmptyState, ErrorState, Notice, Skeleton } from '@/kit/states';
import { formatCount, formatDuration, plural } from '@/kit/units';
import { useDelayed } from '@/kit/use-delayed';
import styles from './explore-page.module.css';
import { FirstSteps } from './first-steps';
import { ResultList } from './result-list';
import { activeClauses, type ExploreSearch } from './search-params';

interface Props {
  search: ExploreSearch;
  results: UseInfiniteQueryResult<InfiniteData<SearchAnswer>>;
  looks: ReadonlyMap<string, ServiceLook>;
  queryError: ApiError | null;
  onChange: (change: Partial<ExploreSearch>) => void;
  onRefresh: () => void;
}

/** The list, or why there is none. */
export function ExploreResults({ search, results, looks, queryError, onChange, onRefresh }: Props) {
  const { error, isFetching, isPlaceholderData } = results;
  const data = useLastGood(results.data, queryError !== null);
  const showSkeleton = useDelayed(data === undefined && error === null);
  const slow = useDelayed(isFetching && !results.isFetchingNextPage, 3000);
  const client = useQueryClient();
  const traces = data?.pages.flatMap((page) => page.traces) ?? [];
  const last = data?.pages.at(-1);
  return (
    <section className={styles.results} aria-label="Results" aria-busy={isFetching}>
      <div className={styles.progress} data-active={isFetching || undefined} />
      {slow && (
        <p className={styles.report}>
          Still searching <Button onClick={() => void client.cancelQueries({ queryKey: ['search'] })}>Cancel</Button>
        </p>
      )}
      {error && !queryError && <ErrorState title="The search failed" error={error} onRetry={onRefresh} />}
      {data?.pages.map((page, i) => page.partial !== null && <Notice key={i} tone="warn">Partial: {page.partial}</Notice>)}
      {last && (
        <p className={styles.report} role="status">
          <span>{plural(traces.length, 'trace')}{last.nextCursor !== null && ', more exist'}</span>
          <span>{formatDuration(last.report.elapsedMicros * 1000)}</span>
          <span>{formatCount(last.report.rowsRead)} rows read</span>
          {last.query !== '' && <code className={styles.ran}>{last.query}</code>}
        </p>
      )}
      {showSkeleton && data === undefined && !error && <Skeleton rows={12} label="Searching" />}
      {data && traces.length === 0 && !error && <NothingFound search={search} onChange={onChange} />}
      {traces.length > 0 && (
        <ResultList
          traces={traces}
          looks={looks}
          dimmed={isPlaceholderData || queryError !== null}
          more={{ available: last?.nextCursor != null, loading: results.isFetchingNextPage, load: () => void results.fetchNextPage() }}
        />
      )}
    </section>
  );
}

/** The data, or what was there before a query that is wrong. */
function useLastGood<T>(data: T | undefined, wrong: boolean): T | undefined {
  const [good, setGood] = useState(data);
  if (data !== undefined && data !== good) setGood(data);
  return data ?? (wrong ? good : undefined);
}

/** Nothing ever, or nothing that matches: with the clauses to take away and the range that has data. */
function NothingFound({ search, onChange }: { search: ExploreSearch; onChange: Props['onChange'] }) {
  const status = useQuery(statusQuery).data;
  if (status?.spans === 0) return <FirstSteps />;
  const clauses = activeClauses(search);
  const { oldestUnixNano: oldest, newestUnixNano: newest } = status ?? {};
  const stored = oldest && newest ? { from: nanoToMilli(oldest) - 1000, to: nanoToMilli(newest) + 1000, last: undefined } : null;
  return (
    <EmptyState
      title="No trace matches"
      actions={
        <>
          {clauses.map(({ field, text }) => (
            <Button key={field} icon="close" onClick={() => onChange(field === 'svc' ? { svc: undefined, op: undefined } : { [field]: undefined })}>
              Without <span className={styles.clause}>{text}</span>
            </Button>
          ))}
          {stored && <Button icon="clock" onClick={() => onChange(stored)}>Search everything stored</Button>}
        </>
      }
    >
      <p>
        {clauses.length > 0
          ? 'The spans of this range fail at least one of these conditions. Take one away, or search a longer range.'
          : 'Nothing was recorded in this range.'}
      </p>
    </EmptyState>
  );
}
