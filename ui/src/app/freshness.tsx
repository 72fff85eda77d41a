/** How new the data is: the time of the newest span and its age, at the bottom right of every page. */
import { useQuery } from '@tanstack/react-query';
import { statusQuery } from '@/data/queries';
import { formatAge, formatClock, formatMoment, nanoToMilli, zoneName } from '@/kit/clock-format';
import { zonePreference } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import { formatCount } from '@/kit/units';
import styles from './shell.module.css';

/** The stamp. */
export function Freshness() {
  const { data, error } = useQuery(statusQuery);
  const zone = useStore(zonePreference);
  if (error) return <footer className={styles.footer}><span className={styles.lost}>✖ server not reached</span></footer>;
  const newest = data?.newestUnixNano ? nanoToMilli(data.newestUnixNano) : null;
  return (
    <footer className={styles.footer}>
      {data && newest === null && 'no data yet'}
      {data && newest !== null && (
        <>
          <span className={styles.footerMore}>{formatCount(data.spans)} spans stored · </span>
          <span title={formatMoment(newest, zone)}>
            data to {formatClock(newest, zone)} {zoneName(zone, newest)} ({formatAge(nanoToMilli(data.nowUnixNano) - newest)})
          </span>
        </>
      )}
      {data && <span className={styles.footerMore}> · Causeline {data.version}</span>}
    </footer>
  );
}
