/** The states every page shares: notice, skeleton, empty, error. */
import type { ReactNode } from 'react';
import { Button, CopyButton } from './button';
import { cx } from './cx';
import styles from './states.module.css';

const GLYPHS = { info: 'ⓘ', warn: '▲', error: '✖' } as const;

/** One line above the panels. */
export function Notice({ tone, children }: { tone: keyof typeof GLYPHS; children: ReactNode }) {
  return (
    <p className={cx(styles.notice, styles[tone])} role={tone === 'error' ? 'alert' : 'status'}>
      <span className={styles.glyph} aria-hidden="true">{GLYPHS[tone]}</span>
      <span>{children}</span>
    </p>
  );
}

/** Lines in the shape of what will come. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  return (
    <div className={styles.skeleton} role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} className={cx(styles.bone, styles[`bone${i % 4}`])} />
      ))}
    </div>
  );
}

/** Says why there is nothing and offers the next step. */
export function EmptyState({ title, children, actions }: { title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <section className={styles.state}>
      <h2 className={styles.title}>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </section>
  );
}

/** A plain sentence, what can be done, and the details to hand on. */
export function ErrorState({ title, error, onRetry, children }: { title: string; error: Error; onRetry?: () => void; children?: ReactNode }) {
  const details = () => ('details' in error && typeof error.details === 'function' ? (error.details as () => string).call(error) : (error.stack ?? error.message));
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : null;
  return (
    <section className={styles.state} role="alert">
      <h2 className={cx(styles.title, styles.errorTitle)}><span aria-hidden="true">✖ </span>{title}</h2>
      <div className={styles.text}>
        <p>{error.message}</p>
        {hint && <p>{hint}</p>}
        {children}
      </div>
      <div className={styles.actions}>
        {onRetry && <Button look="primary" onClick={onRetry}>Try again</Button>}
        <CopyButton text={details} label="Copy details of the error">Copy details</CopyButton>
      </div>
    </section>
  );
}
