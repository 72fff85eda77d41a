/** `key = value` in a line of text, shortened. */
import type { Attribute } from '@/data/types';
import { PlainText } from '@/kit/plain-text';
import { middleEllipsis } from '@/kit/units';
import styles from './attribute-inline.module.css';

/** Draws the pair. */
export function AttributeInline({ attribute }: { attribute: Attribute }) {
  return (
    <span className={styles.pair}>
      <span className={styles.key}>{attribute.key} = </span>
      <PlainText text={middleEllipsis(attribute.value, 80)} />
    </span>
  );
}
