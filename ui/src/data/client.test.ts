// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from 'vitest';
import { apiUrl, getJson, type ApiError } from './client';
import { shouldRetry } from './queries';

afterEach(() => {
  vi.unstubAllGlobals();
});

const answer = (status: number, body: string) => vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })));
const failure = async () => getJson('/search', { q: '{' }).catch((error: unknown) => error as ApiError) as Promise<ApiError>;

it('writes parameters, leaves out absent ones, repeats lists', () => {
  expect(apiUrl('/search', { q: '{ a = "b&c" }', error: true, cursor: null, service: undefined, x: '', list: ['1', '2'] })).toBe(
    '/api/v1/search?q=%7B+a+%3D+%22b%26c%22+%7D&error=true&list=1&list=2',
  );
});

it('reads the error envelope', async () => {
  answer(400, JSON.stringify({ code: 'invalid_query', message: 'expected }', hint: 'close it', requestId: 'r7', position: 1 }));
  const error = await failure();
  expect(error).toMatchObject({ status: 400, code: 'invalid_query', message: 'expected }', hint: 'close it', requestId: 'r7', position: 1 });
  expect(error.details()).toContain('request id: r7');
  expect(shouldRetry(0, error)).toBe(false);
});

it('says something sensible about an answer that is no envelope, and about none at all', async () => {
  answer(502, '<html>bad gateway');
  expect(await failure()).toMatchObject({ status: 502, code: 'http_502', message: 'The server answered 502.' });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')));
  const error = await failure();
  expect(error).toMatchObject({ status: 0, code: 'unreachable' });
  expect([shouldRetry(0, error), shouldRetry(2, error)]).toEqual([true, false]);
});
