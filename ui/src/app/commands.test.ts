import { expect, it } from 'vitest';
import { findCommands } from './commands';

const SERVICES = ['checkout', 'cart', 'payments'];
const labels = (text: string) => findCommands(text, SERVICES).map((command) => command.label);

it('offers pages, services and settings that contain every word', () => {
  expect(labels('')).toContain('Explore');
  expect(labels('c')).toEqual(expect.arrayContaining(['checkout', 'cart']));
  expect(labels('theme dark')).toEqual(['Theme: dark']);
  expect(labels('nothing at all')).toEqual([]);
});

it('offers only the trace when the text contains one', () => {
  const [command, ...rest] = findCommands('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', SERVICES);
  expect(rest).toEqual([]);
  expect(command).toMatchObject({ kind: 'trace', found: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' } });
});

it('runs TraceQL', () => {
  expect(findCommands('{ status = error }', SERVICES)).toMatchObject([{ kind: 'query', query: '{ status = error }' }]);
});
