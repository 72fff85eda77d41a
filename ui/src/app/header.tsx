/** The header: name, command bar, time range and zone, theme, help. */
import { Link } from '@tanstack/react-router';
import { IconButton } from '@/kit/button';
import { COMMAND_KEY } from '@/kit/hotkeys';
import { Icon, type IconName } from '@/kit/icon';
import { themePreference, type ThemeChoice } from '@/kit/preferences';
import { useStore } from '@/kit/store';
import { RangeControl } from './range-control';
import styles from './shell.module.css';

const THEMES: Record<ThemeChoice, { icon: IconName; next: ThemeChoice }> = {
  light: { icon: 'sun', next: 'dark' },
  dark: { icon: 'moon', next: 'system' },
  system: { icon: 'monitor', next: 'light' },
};

interface Props {
  rangeOpen: boolean;
  onRange: (open: boolean) => void;
  onCommand: () => void;
  onHelp: () => void;
}

/** Draws the header. */
export function Header({ rangeOpen, onRange, onCommand, onHelp }: Props) {
  const theme = useStore(themePreference);
  const { icon, next } = THEMES[theme];
  return (
    <header className={styles.header}>
      <Link to="/explore" search={{ v: 1 }} className={styles.brand} aria-label="Causeline, home">
        <Icon name="explore" />
        <span>Causeline</span>
      </Link>
      <button type="button" className={styles.command} onClick={onCommand} aria-haspopup="dialog" aria-keyshortcuts="Control+K Meta+K">
        <Icon name="search" />
        <span className={styles.commandText}>Search, paste a trace id, or run a command</span>
        <kbd aria-hidden="true">{COMMAND_KEY}</kbd>
      </button>
      <RangeControl open={rangeOpen} onOpen={onRange} />
      <IconButton icon={icon} label={`Theme: ${theme}. Change to ${next}`} onClick={() => themePreference.set(next)} />
      <IconButton icon="help" label="Keys of this page (?)" onClick={onHelp} />
    </header>
  );
}
