/**
 * One way to the API: same origin, JSON, every failure an `ApiError` that says what the reader can do and can be copied.
 */
import { basePath } from '@/kit/base-path';

/** A failed call. `position` is the zero-based column in the query at which it is wrong. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly hint: string | null,
    readonly requestId: string | null,
    readonly position: number | null,
    readonly url: string,
  ) {
    super(message);
  }

  /** All there is to know, for a report. */
  details(): string {
    return [
      `time: ${new Date().toISOString()}`,
      `request: ${this.url}`,
      `status: ${this.status}`,
      `code: ${this.code}`,
      `message: ${this.message}`,
      this.hint && `hint: ${this.hint}`,
      this.requestId && `request id: ${this.requestId}`,
    ].filter(Boolean).join('\n');
  }
}

/** Values of a query string; absent ones are left out, lists are repeated. */
export type Params = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** The address of an API path under the UI's base path. */
export function apiUrl(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === undefined || value === null || value === '') continue;
    if (typeof value === 'object') for (const item of value) query.append(key, item);
    else query.set(key, String(value));
  }
  const text = query.toString();
  return `${basePath()}/api/v1${path}${text ? `?${text}` : ''}`;
}

/** Reads JSON from the API. Throws `ApiError`, or the abort of `signal`. */
export async function getJson<T>(path: string, params: Params, signal?: AbortSignal): Promise<T> {
  const url = apiUrl(path, params);
  let response: Response;
  try {
    response = await fetch(url, { headers: { accept: 'application/json' }, credentials: 'same-origin', ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('The server cannot be reached.', 0, 'unreachable', 'Check that Causeline is running, then try again.', null, null, url);
  }
  if (!response.ok) throw await readError(response, url);
  return (await response.json()) as T;
}

async function readError(response: Response, url: string): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const field = (name: string): unknown => (typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined);
  const text = (name: string) => {
    const value = field(name);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const position = field('position');
  return new ApiError(
    text('message') ?? `The server answered ${response.status}.`,
    response.status,
    text('code') ?? `http_${response.status}`,
    text('hint'),
    text('requestId') ?? response.headers.get('x-request-id'),
    typeof position === 'number' ? position : null,
    url,
  );
}
