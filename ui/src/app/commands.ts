/** What the command bar offers for a text: the trace it contains, then pages, services, settings, a query. */
import { findTraceId, type FoundTraceId } from '@/engine/trace-id';

/** One line of the command bar. */
export type Command =
  | { kind: 'trace'; id: string; label: string; hint: string; found: FoundTraceId }
  | { kind: 'page'; id: string; label: string; hint: string; page: 'explore' }
  | { kind: 'service'; id: string; label: string; hint: string; service: string }
  | { kind: 'query'; id: string; label: string; hint: string; query: string }
  | { kind: 'theme'; id: string; label: string; hint: string; theme: 'light' | 'dark' | 'system' }
  | { kind: 'zone'; id: string; label: string; hint: string; zone: 'local' | 'utc' };

const MOST = 12;

const FIXED: readonly Command[] = [
  { kind: 'page', id: 'page-explore', label: 'Explore', hint: 'page', page: 'explore' },
  { kind: 'theme', id: 'theme-light', label: 'Theme: light', hint: 'setting', theme: 'light' },
  { kind: 'theme', id: 'theme-dark', label: 'Theme: dark', hint: 'setting', theme: 'dark' },
  { kind: 'theme', id: 'theme-system', label: 'Theme: as the device', hint: 'setting', theme: 'system' },
  { kind: 'zone', id: 'zone-local', label: 'Times: local', hint: 'setting', zone: 'local' },
  { kind: 'zone', id: 'zone-utc', label: 'Times: UTC', hint: 'setting', zone: 'utc' },
];

/** The lines for `input`, best first. */
export function findCommands(input: string, services: readonly string[]): Command[] {
  const text = input.trim();
  const found = text === '' ? null : findTraceId(text);
  if (found) return [{ kind: 'trace', id: 'trace', label: `Open trace ${found.traceId}`, hint: found.spanId ? `span ${found.spanId}` : 'trace', found }];
  if (text.startsWith('{')) return [{ kind: 'query', id: 'query', label: `Search ${text}`, hint: 'TraceQL', query: text }];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (label: string) => words.every((word) => label.toLowerCase().includes(word));
  const offered: Command[] = services.map((service) => ({ kind: 'service', id: `service-${service}`, label: service, hint: 'traces of this service', service }));
  return [...FIXED.slice(0, 1), ...offered, ...FIXED.slice(1)].filter((command) => matches(command.label)).slice(0, MOST);
}
