/** The time range of the header: relative choices, typed text, zone. On a page without a range it leads to Explore. */
import { useMatchRoute, useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useRef, useState } from 'react';
import { anchor, lastExploreSearch } from '@/features/explore/session';
import { rangeOf, searchOfRange } from '@/features/url-fields';
import { zoneName, type Zone } from '@/kit/clock-format';
import { Button } from '@/kit/button';
import { cx } from '@/kit/cx';
import { Icon } from '@/kit/icon';
import { zonePreference } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import { describeRange, parseTimeRange, RELATIVE_CHOICES, type TimeRange } from '@/kit/time-range';
import styles from './range-control.module.css';

/** The button and its panel. */
export function RangeControl({ open, onOpen }: { open: boolean; onOpen: (open: boolean) => void }) {
  const zone = useStore(zonePreference);
  const now = useStore(anchor);
  const range = rangeOf(useStore(lastExploreSearch));
  const onExplore = useMatchRoute()({ to: '/explore' }) !== false;
  const navigate = useNavigate();
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    onOpen(false);
    button.current?.focus();
  };
  const choose = (next: TimeRange) => {
    anchor.set(Date.now());
    void navigate({ to: '/explore', search: { ...lastExploreSearch.get(), ...searchOfRange(next) } });
    close();
  };
  useEffect(() => {
    if (!open) return undefined;
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) onOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open, onOpen]);
  return (
    <div
      ref={root}
      className={styles.root}
      onKeyDown={(event) => {
        if (open && event.key === 'Escape') {
          event.preventDefault();
          close();
        }
      }}
    >
      <button ref={button} type="button" className={styles.button} aria-expanded={open} aria-haspopup="dialog" title={onExplore ? 'Time range (t)' : 'Time range of Explore (t)'} onClick={() => onOpen(!open)}>
        <Icon name="clock" />
        <span className={styles.text}>{describeRange(range, zone)}</span>
        <span className={styles.zone}>{zoneName(zone, now)}</span>
      </button>
      {open && <RangePanel range={range} zone={zone} onChoose={choose} />}
    </div>
  );
}

function RangePanel({ range, zone, onChoose }: { range: TimeRange; zone: Zone; onChoose: (range: TimeRange) => void }) {
  const id = useId();
  const [text, setText] = useState('');
  const [now] = useState(() => Date.now());
  const parsed = text === '' ? null : parseTimeRange(text, now, zone);
  return (
    <div className={styles.panel} role="dialog" aria-label="Time range">
      <div className={styles.choices}>
        {RELATIVE_CHOICES.map((last) => (
          <button key={last} type="button" className={cx(styles.choice, range.kind === 'last' && range.last === last && styles.current)} aria-pressed={range.kind === 'last' && range.last === last} onClick={() => onChoose({ kind: 'last', last })}>
            {last}
          </button>
        ))}
      </div>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (parsed?.ok) onChoose(parsed.range);
        }}
      >
        <label htmlFor={id}>Or type a range</label>
        <input id={id} autoFocus autoComplete="off" spellCheck={false} placeholder="yesterday 14:00–15:00" value={text} aria-describedby={`${id}-meaning`} aria-invalid={parsed?.ok === false} onChange={(event) => setText(event.target.value)} />
        <p id={`${id}-meaning`} className={cx(styles.meaning, parsed?.ok === false && styles.wrong)} role="status">
          {parsed === null ? '15m · today · 2026-03-01T10:00Z +20m' : parsed.ok ? describeRange(parsed.range, zone) : parsed.message}
        </p>
        <Button submit look="primary" disabled={!parsed?.ok}>Apply</Button>
      </form>
      <fieldset className={styles.zones}>
        <legend>Times are shown in</legend>
        {(['local', 'utc'] as const).map((choice) => (
          <label key={choice}>
            <input type="radio" name={`${id}-zone`} checked={zone === choice} onChange={() => zonePreference.set(choice)} />
            {choice === 'local' ? `Local (${zoneName('local', now)})` : 'UTC'}
          </label>
        ))}
      </fieldset>
    </div>
  );
}
