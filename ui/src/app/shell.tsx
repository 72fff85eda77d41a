/** The frame of every page: header, rail, content, freshness; the keys that act everywhere. */
import { Link, Outlet, useMatchRoute, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { findTraceId } from '@/engine/trace-id';
import { lastExploreSearch } from '@/features/explore/session';
import { copyText } from '@/kit/clipboard';
import { isTyping, useHotkeys } from '@/kit/hotkeys';
import { Icon } from '@/kit/icon';
import { Said, say } from '@/kit/said';
import { useStore } from '@/kit/store';
import { CommandBar } from './command-bar';
import { Freshness } from './freshness';
import { Header } from './header';
import { KeyHelp } from './key-help';
import styles from './shell.module.css';

type Overlay = 'none' | 'command' | 'range' | 'help';

/** The frame. `embed=1` leaves only the page. */
export function Shell() {
  const [overlay, setOverlay] = useState<Overlay>('none');
  const navigate = useNavigate();
  const embedded = 'embed' in useSearch({ strict: false });
  useHotkeys('Everywhere', [
    { keys: 'mod+k', help: 'Command bar', run: () => setOverlay('command') },
    { keys: 't', help: 'Time range', run: () => setOverlay('range') },
    { keys: 'c', help: 'Copy a link to this view', run: () => void copyText(location.href).then((worked) => say(worked ? 'Link copied' : 'Copying failed')) },
    { keys: 'g x', help: 'Go to Explore', run: () => void navigate({ to: '/explore', search: lastExploreSearch.get() }) },
    { keys: '?', help: 'Keys of this page', run: () => setOverlay('help') },
  ]);
  usePastedId();
  if (embedded) return <main id="main" className={styles.main} tabIndex={-1}><Outlet /></main>;
  return (
    <div className={styles.shell}>
      <a
        className={styles.skip}
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to content
      </a>
      <Header
        rangeOpen={overlay === 'range'}
        onRange={(open) => setOverlay(open ? 'range' : 'none')}
        onCommand={() => setOverlay('command')}
        onHelp={() => setOverlay('help')}
      />
      <Rail />
      <main id="main" className={styles.main} tabIndex={-1}><Outlet /></main>
      <Freshness />
      <Said />
      {overlay === 'command' && <CommandBar onClose={() => setOverlay('none')} />}
      {overlay === 'help' && <KeyHelp onClose={() => setOverlay('none')} />}
    </div>
  );
}

function Rail() {
  const search = useStore(lastExploreSearch);
  const current = useMatchRoute()({ to: '/explore' }) !== false;
  return (
    <nav className={styles.rail} aria-label="Pages">
      <Link to="/explore" search={search} className={styles.railItem} aria-current={current ? 'page' : undefined} activeProps={{}}>
        <Icon name="explore" />
        <span>Explore</span>
      </Link>
    </nav>
  );
}

/** Pasting a trace id anywhere outside a text field goes straight to it. */
function usePastedId(): void {
  const navigate = useNavigate();
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      if (isTyping(event.target)) return;
      const found = findTraceId(event.clipboardData?.getData('text') ?? '');
      if (found) void navigate({ to: '/trace/$traceId', params: { traceId: found.traceId }, search: { v: 1, s: found.spanId } });
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, [navigate]);
}
