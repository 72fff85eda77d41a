/** A value from somebody else's program: always text, with redaction marks drawn as chips and control characters made visible. */
import styles from './plain-text.module.css';
import { splitRedactions } from './redaction';

/** Draws the text. */
export function PlainText({ text }: { text: string }) {
  return splitRedactions(text).map((piece, i) =>
    piece.kind === 'text' ? <bdi key={i}>{showControls(piece.text)}</bdi> : (
      <span key={i} className={styles.redacted}>
        <span aria-hidden="true">▒▒▒ </span>redacted: {piece.rule}
      </span>
    ),
  );
}

/** Replaces control and direction characters by visible stand-ins, so that a value cannot disguise itself. Line breaks and tabs stay. */
export function showControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- finding control characters is the purpose
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}
