// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { ApiError } from '@/data/client';
import { QueryForm } from './query-form';

afterEach(cleanup);

const wrong = (position: number | null) => new ApiError('expected a value', 400, 'invalid_query', 'Write a duration.', 'r1', position, '/api/v1/search');

it('runs the trimmed text on Ctrl Enter, not on Enter', () => {
  const run = vi.fn();
  render(<QueryForm query="" error={null} inputRef={null} onRun={run} />);
  const input = screen.getByRole('textbox', { name: 'TraceQL query' });
  fireEvent.change(input, { target: { value: ' { true } ' } });
  fireEvent.keyDown(input, { key: 'Enter' });
  expect(run).not.toHaveBeenCalled();
  fireEvent.keyDown(input, { key: 'Enter', ctrlKey: true });
  expect(run).toHaveBeenCalledExactlyOnceWith('{ true }');
});

it('points at the column of a mistake and gives the hint', () => {
  render(<QueryForm query="{ span:duration > }" error={wrong(18)} inputRef={null} onRun={vi.fn()} />);
  const alert = screen.getByRole('alert');
  expect(alert.textContent).toContain('Column 19: expected a value');
  expect(alert.textContent).toContain('Write a duration.');
  expect(alert.querySelector('pre')?.textContent).toBe(`{ span:duration > }\n${' '.repeat(18)}▲`);
  expect(screen.getByRole('textbox').getAttribute('aria-invalid')).toBe('true');
});

it('points into the right line of several, and past the end', () => {
  const { rerender } = render(<QueryForm query={'{ a = 1\n  && b > }'} error={wrong(17)} inputRef={null} onRun={vi.fn()} />);
  expect(screen.getByRole('alert').textContent).toContain('Line 2, column 10');
  rerender(<QueryForm query="{ a" error={wrong(99)} inputRef={null} onRun={vi.fn()} />);
  expect(screen.getByRole('alert').textContent).toContain('Column 4');
  rerender(<QueryForm query={'{ "😀" > }'} error={wrong(8)} inputRef={null} onRun={vi.fn()} />);
  expect(screen.getByRole('alert').querySelector('pre')?.textContent).toBe(`{ "😀" > }\n${' '.repeat(9)}▲`);
});

it('shows a mistake without a place as it is', () => {
  render(<QueryForm query="{" error={wrong(null)} inputRef={null} onRun={vi.fn()} />);
  expect(screen.getByRole('alert').querySelector('pre')).toBeNull();
});
