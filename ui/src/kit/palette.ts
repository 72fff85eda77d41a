/**
 * Colours for canvases: the tokens as the browser resolved them for the theme on screen.
 */
import { SLOT_COUNT } from './service-slots';

/** Resolved colours, ready for a canvas context. */
export interface Palette {
  bg: string;
  bg2: string;
  line: string;
  lineStrong: string;
  text: string;
  text2: string;
  text3: string;
  accent: string;
  error: string;
  warn: string;
  /** Fill of each service slot. */
  slots: readonly string[];
  /** Text colour that contrasts most with each slot. */
  onSlots: readonly string[];
}

/** Reads the tokens through a probe element under `host`, which must be in the document. */
export function readPalette(host: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  host.append(probe);
  const read = (token: string) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const slotColours = (prefix: string) => Array.from({ length: SLOT_COUNT }, (_, i) => read(`${prefix}${i + 1}`));
  const palette: Palette = {
    bg: read('--bg'), bg2: read('--bg-2'), line: read('--line'), lineStrong: read('--line-strong'),
    text: read('--text'), text2: read('--text-2'), text3: read('--text-3'),
    accent: read('--accent'), error: read('--error'), warn: read('--warn'),
    slots: slotColours('--svc-'),
    onSlots: slotColours('--on-svc-'),
  };
  probe.remove();
  return palette;
}
