/** URL search text ↔ parameters: plain strings, no JSON, so that links stay readable and an id of digits stays text. */

/** Reads `?a=1&b=x`; of a repeated parameter the last one counts. */
export function parseSearchText(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** Writes parameters; absent ones are left out, a switch that is on is `1`. */
export function formatSearchText(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === 'string' || typeof value === 'number') params.set(key, String(value));
    else if (value === true) params.set(key, '1');
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}
