/** Buttons: text, icon with a name, and one that copies. */
import { useEffect, useState, type ButtonHTMLAttributes, type ReactNode } from 'react';
import styles from './button.module.css';
import { copyText } from './clipboard';
import { cx } from './cx';
import { Icon, type IconName } from './icon';

type Native = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'type' | 'className'>;

/** A button with a text. `primary` is for the one main action of a form. */
export function Button({ look = 'plain', icon, submit, children, ...rest }: Native & { look?: 'plain' | 'primary' | 'quiet'; icon?: IconName; submit?: boolean; children: ReactNode }) {
  return (
    <button {...rest} type={submit ? 'submit' : 'button'} className={cx(styles.button, styles[look])}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A square button whose name is read aloud and shown on hover. */
export function IconButton({ icon, label, ...rest }: Native & { icon: IconName; label: string }) {
  return (
    <button {...rest} type="button" className={cx(styles.button, styles.icon)} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}

/** Copies a text and says so for two seconds. `text` may be a function, for what is only known on click. */
export function CopyButton({ text, label, children }: { text: string | (() => string); label: string; children?: ReactNode }) {
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return undefined;
    const timer = setTimeout(() => setState('idle'), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () => {
    void copyText(typeof text === 'string' ? text : text()).then((worked) => setState(worked ? 'done' : 'failed'));
  };
  const said = state === 'done' ? 'Copied' : state === 'failed' ? 'Copying failed' : null;
  return (
    <button type="button" className={cx(styles.button, children ? styles.plain : styles.icon)} aria-label={children ? undefined : label} title={label} onClick={copy}>
      {children ? <Icon name="copy" /> : said ? <span aria-hidden="true">{state === 'done' ? '✓' : '✖'}</span> : <Icon name="copy" />}
      {children && (said ?? children)}
      <span className="sr-only" role="status">{said}</span>
    </button>
  );
}
