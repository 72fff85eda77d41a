/**
 * Explore: which requests happened, which failed, which were slow. The URL is the state; the first visit runs over the last hour.
 */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo, useRef } from 'react';
import { ApiError } from '@/data/client';
import { searchQuery, servicesQuery, type SearchRequest } from '@/data/queries';
import { CopyButton } from '@/kit/button';
import { useHotkeys } from '@/kit/hotkeys';
import { zonePreference } from '@/kit/preferences';
import { assignLooks } from '@/kit/service-slots';
import { useStore } from '@/kit/store';
import { describeRange, resolveRange } from '@/kit/time-range';
import { rangeOf } from '../url-fields';
import styles from './explore-page.module.css';
import { ExploreResults } from './explore-results';
import { FilterBar } from './filter-bar';
import { QueryForm } from './query-form';
import type { ExploreSearch } from './search-params';
import { anchor, lastExploreSearch, renewAnchor } from './session';

const route = getRouteApi('/explore');

/** The page. */
export function ExplorePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const zone = useStore(zonePreference);
  const now = useStore(anchor);
  const input = useRef<HTMLTextAreaElement>(null);
  const range = rangeOf(search);
  const window = useMemo(() => resolveRange(rangeOf({ last: search.last, from: search.from, to: search.to }), now), [search.last, search.from, search.to, now]);
  const results = useInfiniteQuery(searchQuery(requestOf(search, window)));
  const looks = useLooks(window, results.data?.pages.flatMap((page) => page.traces.flatMap((t) => t.services.map((s) => s.name))));
  const queryError = results.error instanceof ApiError && results.error.status === 400 ? results.error : null;

  useEffect(() => {
    document.title = 'Explore – Causeline';
    renewAnchor(Date.now());
  }, []);
  useEffect(() => lastExploreSearch.set(search), [search]);
  const refresh = () => anchor.set(Date.now());
  useHotkeys('Explore', [
    { keys: '/', help: 'Edit the query', run: () => input.current?.focus() },
    { keys: 'r', help: 'Refresh', run: refresh },
    { keys: 'j', help: 'Next trace', run: () => moveFocus(1) },
    { keys: 'k', help: 'Previous trace', run: () => moveFocus(-1) },
  ]);

  const change = (next: Partial<ExploreSearch>) => void navigate({ search: (old) => ({ ...old, ...next }) });
  const run = (q: string) => {
    refresh();
    change({ q: q || undefined });
  };
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div>
          <h1>Explore</h1>
          <p>Requests of {describeRange(range, zone).replace(/^Last/, 'the last')}, newest first</p>
        </div>
        <CopyButton label="Copy a link with absolute times" text={() => absoluteLink(search, window)}>Copy link</CopyButton>
      </header>
      <section className={styles.query} aria-label="Query">
        <QueryForm key={search.q ?? ''} query={search.q ?? ''} error={queryError} inputRef={input} onRun={run} />
        <FilterBar search={search} window={window} onChange={change} />
      </section>
      <ExploreResults search={search} results={results} looks={looks} queryError={queryError} onChange={change} onRefresh={refresh} />
    </div>
  );
}

function requestOf(search: ExploreSearch, window: { from: number; to: number }): SearchRequest {
  // The server names a column within one line, so it gets one line; the page finds the reader's line again.
  const q = (search.q ?? '').replace(/[\r\n]/g, ' ');
  return { q, service: search.svc, operation: search.op, error: search.err, minDuration: search.min, maxDuration: search.max, window };
}

/** Colours by the names of all services of the range, so that they hold from page to page. */
function useLooks(window: { from: number; to: number }, seen: readonly string[] = []) {
  const services = useQuery(servicesQuery(window)).data?.services;
  return assignLooks([...(services ?? []).map((s) => s.name).sort(), ...[...new Set(seen)].sort()]);
}

/** Moves the focus to the next or previous row's link. */
function moveFocus(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('[data-result]')];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = links[at === -1 ? (step === 1 ? 0 : links.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function absoluteLink(search: ExploreSearch, window: { from: number; to: number }): string {
  const url = new URL(location.href);
  url.search = '';
  const fields = { ...search, last: undefined, from: window.from, to: window.to };
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.set(key, value === true ? '1' : String(value));
  return url.href;
}
