/** Routes with their typed search parameters. Each page is its own chunk. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { readExploreSearch } from '@/features/explore/search-params';
import { readTraceSearch } from '@/features/trace/search-params';
import { basePath } from '@/kit/base-path';
import { NotFound, PageError } from './fallback';
import { formatSearchText, parseSearchText } from './search-text';
import { Shell } from './shell';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageError });

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    // The router's redirects are thrown responses, not errors.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw redirect({ to: '/explore', search: { v: 1 }, replace: true });
  },
});

const exploreRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/explore',
  validateSearch: readExploreSearch,
  component: lazyRouteComponent(() => import('@/features/explore/explore-page'), 'ExplorePage'),
});

const traceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/trace/$traceId',
  validateSearch: readTraceSearch,
  component: lazyRouteComponent(() => import('@/features/trace/trace-page'), 'TracePage'),
});

/** Makes the router under the document's base path. */
export function createAppRouter() {
  return createRouter({
    routeTree: rootRoute.addChildren([homeRoute, exploreRoute, traceRoute]),
    basepath: basePath() || '/',
    parseSearch: parseSearchText,
    stringifySearch: formatSearchText,
    defaultPreload: 'intent',
    defaultErrorComponent: PageError,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
