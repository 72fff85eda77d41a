/** Timing of the loading states: nothing for 150 ms, then a skeleton for at least 300 ms. */
import { useEffect, useState } from 'react';

const QUIET_MS = 150;
const SHOWN_AT_LEAST_MS = 300;

/** Whether the skeleton is to be shown for a wait that is going on (`waiting`). */
export function useDelayed(waiting: boolean, quietMs = QUIET_MS): boolean {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (waiting === shown) return undefined;
    const timer = setTimeout(() => setShown(waiting), waiting ? quietMs : SHOWN_AT_LEAST_MS);
    return () => clearTimeout(timer);
  }, [waiting, shown, quietMs]);
  return shown;
}
