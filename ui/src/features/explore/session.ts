/**
 * What this tab remembers of Explore: the last search (for the rail) and when each relative range was last resolved, so that
 * coming back shows the same list instead of a reshuffled one.
 */
import { createStore } from '@/kit/store';
import type { ExploreSearch } from './search-params';

const STALE_MS = 5 * 60_000;
const KEY = 'causeline.explore';

/** The last search of this tab. */
export const lastExploreSearch = createStore<ExploreSearch>(readStored());
lastExploreSearch.subscribe(() => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(lastExploreSearch.get()));
  } catch {
    // Storage is blocked: remembered until the page is reloaded.
  }
});

/** The moment that `now` means for the searches of this tab; moved on by a refresh or when it is stale. */
export const anchor = createStore(Date.now());

/** Renews the anchor when it is more than five minutes old. */
export function renewAnchor(now: number): void {
  if (now - anchor.get() > STALE_MS) anchor.set(now);
}

function readStored(): ExploreSearch {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return typeof stored === 'object' && stored !== null ? { ...stored, v: 1 } : { v: 1 };
  } catch {
    return { v: 1 };
  }
}
