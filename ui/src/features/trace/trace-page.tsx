/** The trace page: fetches one trace and shows it, or says why it cannot. */
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { ApiError } from '@/data/client';
import { traceQuery } from '@/data/queries';
import type { Trace } from '@/data/types';
import { Button } from '@/kit/button';
import { EmptyState, ErrorState, Skeleton } from '@/kit/states';
import { useDelayed } from '@/kit/use-delayed';
import { hintOf } from './search-params';
import { buildTraceModel, titleOf } from './trace-model';
import styles from './trace-page.module.css';
import { TraceScreen } from './trace-screen';

const route = getRouteApi('/trace/$traceId');

/** The page. */
export function TracePage() {
  const { traceId } = route.useParams();
  const hint = hintOf(route.useSearch());
  const { data, error, refetch } = useQuery(traceQuery(traceId, hint));
  const model = useMemo(() => (data ? buildTraceModel(data) : null), [data]);
  const waiting = useDelayed(data === undefined && error === null);
  useEffect(() => {
    const title = model && titleOf(model);
    document.title = `${title ? `${title.name} – ` : ''}trace ${traceId.slice(0, 8)} – Causeline`;
  }, [model, traceId]);

  if (model) return <TraceScreen key={revisionOf(model.trace)} model={model} onRefresh={() => void refetch()} />;
  return (
    <div className={styles.page}>
      <h1 className="sr-only">Trace {traceId}</h1>
      {error ? <Failed traceId={traceId} error={error} bounded={hint !== null} onRetry={() => void refetch()} /> : waiting && <Skeleton rows={14} label="Loading the trace" />}
    </div>
  );
}

/** Rows are numbered anew when spans arrived, so the screen begins again; what matters of it is in the URL. */
function revisionOf({ traceId, spanCount, errorCount }: Trace): string {
  return `${traceId} ${spanCount} ${errorCount}`;
}

function Failed({ traceId, error, bounded, onRetry }: { traceId: string; error: Error; bounded: boolean; onRetry: () => void }) {
  if (!(error instanceof ApiError) || error.status !== 404) return <ErrorState title="The trace cannot be shown" error={error} onRetry={onRetry} />;
  return (
    <EmptyState
      title="No spans of this trace are stored"
      actions={
        <>
          <Button look="primary" onClick={onRetry}>Look again</Button>
          {bounded && <Link to="/trace/$traceId" params={{ traceId }} search={{ v: 1 }}>Search all stored time</Link>}
          <Link to="/explore" search={{ v: 1 }}>Explore</Link>
        </>
      }
    >
      <p><code className={styles.id}>{traceId}</code></p>
      <p>
        {bounded ? 'The link says when the trace happened, and only that time was searched. ' : 'All stored time was searched. '}
        The trace may still be arriving, may have passed its retention, or the id may be mistyped.
      </p>
    </EmptyState>
  );
}
