// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PlainText, showControls } from './plain-text';
import { ErrorState } from './states';

afterEach(cleanup);

describe('PlainText', () => {
  it('shows markup as text', () => {
    const { container } = render(<PlainText text={'<img src=x onerror=alert(1)>'} />);
    expect(container.textContent).toBe('<img src=x onerror=alert(1)>');
    expect(container.querySelector('img')).toBeNull();
  });

  it('draws redactions as chips', () => {
    render(<p><PlainText text="mail to [redacted:email] sent" /></p>);
    expect(screen.getByText(/redacted: email/).textContent).toContain('▒▒▒');
    expect(screen.queryByText(/\[redacted/)).toBeNull();
  });

  it('makes control and direction characters visible', () => {
    expect(showControls('a\u0000b\u001b[31m\u202egpj\tx\n')).toBe('a␀b␛[31m⟨U+202E⟩gpj\tx\n');
  });
});

describe('ErrorState', () => {
  it('says what happened and offers to try again', () => {
    const retry = vi.fn();
    render(<ErrorState title="The search failed" error={new Error('the server answered 500')} onRetry={retry} />);
    expect(screen.getByRole('alert').textContent).toContain('the server answered 500');
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(retry).toHaveBeenCalledOnce();
    expect(screen.getByRole('button', { name: 'Copy details' })).toBeTruthy();
  });
});
