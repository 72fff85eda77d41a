/** Finds the marks that redaction leaves in a text, so that they can be drawn as chips. */

/** A piece of a value: plain text, or a mark with the rule that made it. */
export type TextPiece = { kind: 'text'; text: string } | { kind: 'redacted'; rule: string };

/** Splits at marks such as `[redacted:email]`. A text without marks is one piece. */
export function splitRedactions(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let last = 0;
  for (const match of text.matchAll(/\[redacted:([\w .:/-]{1,64})\]/g)) {
    if (match.index > last) pieces.push({ kind: 'text', text: text.slice(last, match.index) });
    pieces.push({ kind: 'redacted', rule: (match[1] ?? '').replaceAll(/[_-]/g, ' ') });
    last = match.index + match[0].length;
  }
  if (last < text.length || pieces.length === 0) pieces.push({ kind: 'text', text: text.slice(last) });
  return pieces;
}
