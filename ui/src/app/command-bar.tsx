/** The command bar: a combobox in a dialog. A pasted trace id in any form goes straight to the trace. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type KeyboardEvent } from 'react';
import { servicesQuery } from '@/data/queries';
import { findTraceId } from '@/engine/trace-id';
import { anchor, lastExploreSearch } from '@/features/explore/session';
import { rangeOf } from '@/features/url-fields';
import { cx } from '@/kit/cx';
import { Dialog } from '@/kit/dialog';
import { themePreference, zonePreference } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import { resolveRange } from '@/kit/time-range';
import styles from './command-bar.module.css';
import { findCommands, type Command } from './commands';

/** The dialog. */
export function CommandBar({ onClose }: { onClose: () => void }) {
  const id = useId();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const run = useCommand(onClose);
  const window = resolveRange(rangeOf(useStore(lastExploreSearch)), useStore(anchor));
  const services = useQuery(servicesQuery(window)).data?.services.map((s) => s.name) ?? [];
  const commands = findCommands(text, services);
  const active = Math.min(at, commands.length - 1);
  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = commands[active];
    if (event.key === 'ArrowDown') setAt((active + 1) % Math.max(commands.length, 1));
    else if (event.key === 'ArrowUp') setAt((active - 1 + commands.length) % Math.max(commands.length, 1));
    else if (event.key === 'Enter' && chosen) run(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Command bar" onClose={onClose} place="top">
      <input
        className={styles.input}
        role="combobox"
        aria-label="Search, paste a trace id, or run a command"
        aria-expanded={commands.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={commands[active] ? `${id}-${active}` : undefined}
        autoFocus
        autoComplete="off"
        spellCheck={false}
        placeholder="Trace id, log line, service, page, { TraceQL }"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onPaste={(event) => {
          const found = findTraceId(event.clipboardData.getData('text'));
          if (!found) return;
          event.preventDefault();
          run({ kind: 'trace', id: 'trace', label: '', hint: '', found });
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Commands" className={styles.list}>
        {commands.map((command, i) => (
          <li key={command.id} id={`${id}-${i}`} role="option" aria-selected={i === active} className={cx(styles.option, i === active && styles.active)} onClick={() => run(command)} onPointerMove={() => setAt(i)}>
            <span className={styles.label}>{command.label}</span>
            <span className={styles.hint}>{command.hint}</span>
          </li>
        ))}
      </ul>
      {commands.length === 0 && <p className={styles.none} role="status">No page, service or trace id in this text.</p>}
    </Dialog>
  );
}

function useCommand(onClose: () => void): (command: Command) => void {
  const navigate = useNavigate();
  return (command) => {
    onClose();
    switch (command.kind) {
      case 'trace':
        void navigate({ to: '/trace/$traceId', params: { traceId: command.found.traceId }, search: { v: 1, s: command.found.spanId } });
        break;
      case 'page':
        void navigate({ to: '/explore', search: lastExploreSearch.get() });
        break;
      case 'service':
        void navigate({ to: '/explore', search: { ...lastExploreSearch.get(), svc: command.service, op: undefined, q: undefined } });
        break;
      case 'query':
        void navigate({ to: '/explore', search: { ...lastExploreSearch.get(), q: command.query } });
        break;
      case 'theme':
        themePreference.set(command.theme);
        break;
      case 'zone':
        zonePreference.set(command.zone);
        break;
    }
  };
}
