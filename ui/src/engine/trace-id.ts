/**
 * Finds a trace id in whatever a person pastes: 32 or 16 hex digits, with dashes, base64, a W3C `traceparent`, or a
 * whole log line that contains one of these.
 */

/** What was found: the id in lower-case hex (32 or 16 digits), and the span when a `traceparent` named one. */
export interface FoundTraceId {
  traceId: string;
  spanId?: string;
}

const ZERO = /^0+$/;
const TRACEPARENT = /(?<![0-9a-f])[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?![0-9a-f])/i;
const KEYED = /trace[\s_.-]*(?:id)?["']?\s*[:=]\s*["']?(?:0x)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16})(?![0-9a-f])/i;
const DASHED = /(?<![0-9a-f-])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f-])/i;
const HEX_32 = /(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])/i;
const HEX_16 = /(?<![0-9a-f])([0-9a-f]{16})(?![0-9a-f])/i;
const BASE64_32 = /(?<![\w+/=-])([A-Za-z0-9+/_-]{22}==)(?![\w=])/;
const BASE64_16 = /^([A-Za-z0-9+/_-]{11}=)$/;
const LONGEST_INPUT = 65_536;

/** Looks for a trace id; `null` when there is none. A key that says "trace" wins over other ids in the same line. */
export function findTraceId(input: string): FoundTraceId | null {
  const text = input.slice(0, LONGEST_INPUT).trim();
  const parent = TRACEPARENT.exec(text);
  if (parent?.[1] && !ZERO.test(parent[1])) {
    const span = (parent[2] ?? '').toLowerCase();
    return { traceId: parent[1].toLowerCase(), ...(ZERO.test(span) ? {} : { spanId: span }) };
  }
  for (const pattern of [KEYED, HEX_32, DASHED]) {
    const id = normalise(pattern.exec(text)?.[1]);
    if (id) return { traceId: id };
  }
  const base64 = BASE64_32.exec(text)?.[1] ?? BASE64_16.exec(text)?.[1];
  const id = base64 ? decodeBase64(base64) : normalise(HEX_16.exec(text)?.[1]);
  return id ? { traceId: id } : null;
}

function normalise(id: string | undefined): string | null {
  if (id === undefined) return null;
  const hex = id.replaceAll('-', '').toLowerCase();
  return ZERO.test(hex) ? null : hex;
}

function decodeBase64(text: string): string | null {
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return normalise(Array.from(bytes, (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join(''));
}
