/** A modal dialog on the native element: focus stays inside, Esc closes, focus returns to the opener. */
import { useEffect, useRef, type ReactNode } from 'react';
import { cx } from './cx';
import styles from './dialog.module.css';

/** Shows `children` while mounted. */
export function Dialog({ label, onClose, place = 'center', children }: { label: string; onClose: () => void; place?: 'center' | 'top'; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const opener = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className={cx(styles.dialog, place === 'top' && styles.top)}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className={styles.body}>{children}</div>
    </dialog>
  );
}
