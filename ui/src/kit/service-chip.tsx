/** A service, the same everywhere: its two letters on its colour, and its name. */
import { cx } from './cx';
import { showControls } from './plain-text';
import type { ServiceLook } from './service-slots';
import styles from './service-chip.module.css';

/** Draws the chip; `short` leaves out the name on screen but not for a screen reader. */
export function ServiceChip({ name, look, short = false, error = false }: { name: string; look: ServiceLook | undefined; short?: boolean; error?: boolean }) {
  const shown = name === '' ? '(no service)' : showControls(name);
  return (
    <span className={cx(styles.chip, short && styles.short)} title={shown}>
      <span className={cx(styles.mono, styles[`slot${(look?.slot ?? 0) + 1}`], look?.textured && styles.textured)} aria-hidden="true">
        {look?.monogram ?? '??'}
      </span>
      <span className={short ? 'sr-only' : styles.name}><bdi>{shown}</bdi></span>
      {error && <span className={styles.error} role="img" aria-label="with errors">✖</span>}
    </span>
  );
}
