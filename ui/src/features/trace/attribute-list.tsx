/** Attributes with their types: searchable, long values folded, redactions as chips. */
import { useState } from 'react';
import type { Attribute } from '@/data/types';
import { CopyButton } from '@/kit/button';
import { PlainText } from '@/kit/plain-text';
import { formatCount, plural } from '@/kit/units';
import styles from './details-panel.module.css';

const FOLD_AT = 512;
const SEARCH_FROM = 6;
const SHOWN_FIRST = 200;

/** The list. `dropped` is how many the sender left out. */
export function AttributeList({ attributes, label, dropped = 0, searchable = false }: { attributes: readonly Attribute[]; label: string; dropped?: number; searchable?: boolean }) {
  const [filter, setFilter] = useState('');
  const [all, setAll] = useState(false);
  const word = filter.toLowerCase();
  const found = attributes
    .filter((a) => word === '' || a.key.toLowerCase().includes(word) || a.value.toLowerCase().includes(word))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const shown = all ? found : found.slice(0, SHOWN_FIRST);
  return (
    <>
      {searchable && attributes.length >= SEARCH_FROM && (
        <input type="search" className={styles.filter} aria-label={`Search in ${label.toLowerCase()}`} placeholder="Search keys and values" value={filter} onChange={(event) => setFilter(event.target.value)} />
      )}
      {found.length === 0 && <p className={styles.muted}>{attributes.length === 0 ? 'None.' : 'No key or value contains this.'}</p>}
      {shown.length > 0 && (
        <dl className={styles.attributes} aria-label={label}>
          {shown.map((attribute, i) => <AttributeRow key={`${attribute.key}-${i}`} attribute={attribute} />)}
        </dl>
      )}
      {found.length > shown.length && (
        <button type="button" className={styles.textButton} onClick={() => setAll(true)}>Show all {formatCount(found.length)}</button>
      )}
      {dropped > 0 && <p className={styles.warn}>▲ {plural(dropped, 'attribute')} dropped by the sender</p>}
    </>
  );
}

function AttributeRow({ attribute }: { attribute: Attribute }) {
  const [open, setOpen] = useState(false);
  const text = attribute.value;
  const folded = text.length > FOLD_AT && !open;
  return (
    <div className={styles.attribute}>
      <dt>
        <PlainText text={attribute.key} />
        <span className={styles.type}>{attribute.type}</span>
      </dt>
      <dd>
        <span className={styles.value}>
          <PlainText text={folded ? text.slice(0, FOLD_AT) : text} />
          {folded && '… '}
          {folded && <button type="button" className={styles.textButton} onClick={() => setOpen(true)}>Show all {formatCount(text.length)} characters</button>}
        </span>
        <CopyButton text={text} label={`Copy the value of ${attribute.key}`} />
      </dd>
    </div>
  );
}
