/** The keys of the page, and the switch that turns single letters off. */
import { IconButton } from '@/kit/button';
import { Dialog } from '@/kit/dialog';
import { COMMAND_KEY, hotkeyGroups } from '@/kit/hotkeys';
import { shortcutPreference } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import styles from './key-help.module.css';

const NAMES: Record<string, string> = { ArrowDown: '↓', ArrowUp: '↑', Escape: 'Esc', 'mod+k': COMMAND_KEY };

const WATERFALL_KEYS = [
  ['→ ←', 'Open or go to the first child; close or go to the parent'],
  ['Space', 'Open or close the row'],
  ['Home End PgUp PgDn', 'Ends and pages'],
  ['Enter', 'Open the details; again: move into them'],
] as const;

/** The dialog. */
export function KeyHelp({ onClose }: { onClose: () => void }) {
  const groups = useStore(hotkeyGroups);
  const shortcuts = useStore(shortcutPreference);
  return (
    <Dialog label="Keys" onClose={onClose}>
      <header className={styles.header}>
        <h2>Keys of this page</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div className={styles.groups}>
        {groups.toReversed().map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.hotkeys.map((hotkey) => <Key key={hotkey.keys} keys={hotkey.keys.split(' or ').map((k) => NAMES[k] ?? k).join(' ')} help={hotkey.help} />)}
              {group.title === 'Trace' && WATERFALL_KEYS.map(([keys, help]) => <Key key={keys} keys={keys} help={help} />)}
            </dl>
          </section>
        ))}
      </div>
      <label className={styles.option}>
        <input type="checkbox" checked={shortcuts === 'on'} onChange={(event) => shortcutPreference.set(event.target.checked ? 'on' : 'off')} />
        Single letters act as shortcuts
      </label>
    </Dialog>
  );
}

function Key({ keys, help }: { keys: string; help: string }) {
  return (
    <div className={styles.key}>
      <dt>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt>
      <dd>{help}</dd>
    </div>
  );
}
