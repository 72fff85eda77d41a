/** Quick filters as chips: service, operation, errors only, shortest duration. Each is a part of the URL and applies at once. */
import { useQuery } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { operationsQuery, servicesQuery } from '@/data/queries';
import { cx } from '@/kit/cx';
import { Icon } from '@/kit/icon';
import type { Window } from '@/kit/time-range';
import styles from './filter-bar.module.css';
import { DURATION_PATTERN, type ExploreSearch } from './search-params';

type Change = Partial<Pick<ExploreSearch, 'svc' | 'op' | 'err' | 'min'>>;

/** The row of filters. */
export function FilterBar({ search, window, onChange }: { search: ExploreSearch; window: Window; onChange: (change: Change) => void }) {
  const services = useQuery(servicesQuery(window)).data?.services.map((s) => s.name).filter(Boolean) ?? [];
  const operations = useQuery(operationsQuery(search.svc, window)).data?.operations.map((o) => o.name) ?? [];
  return (
    <div className={styles.bar} role="group" aria-label="Quick filters">
      <SelectChip label="Service" value={search.svc} options={services} onChange={(svc) => onChange({ svc, op: undefined })} />
      {search.svc !== undefined && <SelectChip label="Operation" value={search.op} options={operations} onChange={(op) => onChange({ op })} />}
      <button type="button" className={cx(styles.chip, styles.toggle, search.err && styles.active)} aria-pressed={search.err === true} onClick={() => onChange({ err: search.err ? undefined : true })}>
        <span className={styles.errorGlyph} aria-hidden="true">✖</span> Errors only
      </button>
      <DurationChip key={search.min ?? ''} value={search.min} onChange={(min) => onChange({ min })} />
    </div>
  );
}

function SelectChip({ label, value, options, onChange }: { label: string; value: string | undefined; options: string[]; onChange: (value: string | undefined) => void }) {
  const id = useId();
  const all = value !== undefined && !options.includes(value) ? [value, ...options] : options;
  return (
    <Chip active={value !== undefined} label={label} htmlFor={id} onClear={() => onChange(undefined)}>
      <select id={id} className={styles.select} value={value ?? ''} onChange={(event) => onChange(event.target.value || undefined)}>
        <option value="">any</option>
        {[...new Set(all)].sort().map((name) => (
          <option key={name} value={name}>{name}</option>
        ))}
      </select>
    </Chip>
  );
}

function DurationChip({ value, onChange }: { value: string | undefined; onChange: (value: string | undefined) => void }) {
  const id = useId();
  const [draft, setDraft] = useState(value ?? '');
  const text = draft.trim().replaceAll(' ', '');
  const wrong = text !== '' && !DURATION_PATTERN.test(text);
  const commit = () => {
    if (!wrong && text !== (value ?? '')) onChange(text || undefined);
  };
  return (
    <Chip active={value !== undefined} label="Duration ≥" htmlFor={id} onClear={() => onChange(undefined)}>
      <input
        id={id}
        className={styles.input}
        placeholder="100ms"
        aria-invalid={wrong}
        title="A number and a unit: 250us, 100ms, 1.5s, 2m"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === 'Enter') commit();
        }}
      />
    </Chip>
  );
}

function Chip({ active, label, htmlFor, onClear, children }: { active: boolean; label: string; htmlFor: string; onClear: () => void; children: ReactNode }) {
  return (
    <span className={cx(styles.chip, active && styles.active)}>
      <label htmlFor={htmlFor}>{label}</label>
      {children}
      {active && (
        <button type="button" className={styles.clear} aria-label={`Remove filter: ${label}`} onClick={onClear}>
          <Icon name="close" />
        </button>
      )}
    </span>
  );
}
