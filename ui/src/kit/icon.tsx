/** The icons: one 16 px stroke set. An icon is decoration; its button or link carries the name. */

const PATHS = {
  search: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10Zm3.6-1.4L14 14',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-9.5V8l2.4 1.6',
  sun: 'M8 10.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8Z',
  monitor: 'M2 3h12v8H2ZM5.5 14h5M8 11v3',
  help: 'M5.7 6a2.3 2.3 0 1 1 3.3 2.1c-.7.4-1 .8-1 1.6M8 12.3v.2',
  explore: 'M2 3.5h12M2 8h7M2 12.5h9',
  copy: 'M6 6h7.5v7.5H6ZM10 6V2.5H2.5V10H6',
  close: 'M4 4l8 8M12 4l-8 8',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  link: 'M6.5 9.5l3-3M7 4.5l1.3-1.3a2.7 2.7 0 0 1 3.8 3.8L10.8 8.3M9 11.5l-1.3 1.3a2.7 2.7 0 0 1-3.8-3.8L5.2 7.7',
  download: 'M8 2v8M5 7.5l3 3 3-3M2.5 13.5h11',
  chevron: 'M6 4l4 4-4 4',
  play: 'M5 3.5v9l7-4.5Z',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
} as const;

/** Name of an icon. */
export type IconName = keyof typeof PATHS;

/** Draws an icon in the current text colour. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
