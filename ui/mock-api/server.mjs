/**
 * A mock of the native API and the files of `dist/`, for working on the UI without a server.
 *
 * `node mock-api/server.mjs [port]`. Failures are raised by inputs: a query with `boom` answers 500, with `late` after four seconds,
 * with `partial` says that the answer is partial; a query that does not look like TraceQL answers 400 at its column. A second argument `empty`
 * makes the server look as if nothing ever arrived.
 */
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { detailsOf, makeTraces, summaryOf, traceOf } from './fixtures.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const CSP = "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'";

class Failure extends Error {
  constructor(status, code, message, hint = null, position = null) {
    super(message);
    Object.assign(this, { status, body: { code, message, hint, requestId: 'mock-1', position } });
  }
}

/** Starts the mock; resolves to its address and a way to stop it. `empty` begins without any span. */
export async function startMock({ port = 0, empty = false, now = Date.now() } = {}) {
  const traces = empty ? [] : makeTraces(now);
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://mock');
    Promise.resolve(url.pathname.startsWith('/api/') ? answer(traces, url, now) : null).then(
      (body) => (body === null ? sendFile(url.pathname, res) : send(res, 200, body)),
      (error) => send(res, error.status ?? 500, error.body ?? { code: 'internal', message: String(error), hint: null, requestId: 'mock-1', position: null }),
    );
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

function send(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendFile(path, res) {
  const wanted = join(DIST, normalize(path));
  const file = extname(path) && existsSync(wanted) ? wanted : join(DIST, 'index.html');
  res.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP });
  createReadStream(file).pipe(res);
}

async function answer(traces, url, now) {
  const path = url.pathname.replace('/api/v1', '');
  const param = (name) => url.searchParams.get(name) ?? undefined;
  const inRange = traces.filter((t) => t.startMs >= Number(param('start') ?? 0) && t.startMs <= Number(param('end') ?? Infinity));
  if (path === '/status') return statusOf(traces, now);
  if (path === '/services') return { services: countServices(inRange) };
  const operations = /^\/services\/([^/]+)\/operations$/.exec(path);
  if (operations) {
    const names = new Set(inRange.flatMap((t) => t.spans.filter((s) => s.service === decodeURIComponent(operations[1])).map((s) => s.name)));
    return { operations: [...names].sort().map((name) => ({ name, kind: 'server', spanCount: 1 })) };
  }
  if (path === '/search') return search(inRange, param);
  const [, id, , spanId] = /^\/traces\/([0-9a-f]+)(\/(?:spans\/([0-9a-f]+)|otlp))?$/.exec(path) ?? [];
  const trace = traces.find((t) => t.traceId === id);
  if (!trace) throw new Failure(404, 'not_found', 'no such trace');
  if (path.endsWith('/otlp')) return { resourceSpans: [] };
  if (!spanId) return traceOf(trace);
  const spans = trace.spans.filter((s) => s.spanId === spanId);
  if (spans.length === 0) throw new Failure(404, 'not_found', 'no such span');
  return { spans: spans.map((s) => detailsOf(trace, s)) };
}

function statusOf(traces, now) {
  const times = traces.map((t) => `${t.startMs}000000`).sort();
  return {
    version: '0.1.0-mock', startedAtUnixNano: `${now - 3_600_000}000000`, nowUnixNano: `${now}000000`, spans: traces.reduce((n, t) => n + t.spans.length, 0),
    oldestUnixNano: times[0] ?? null, newestUnixNano: times.at(-1) ?? null,
  };
}

function countServices(traces) {
  const counts = new Map();
  for (const t of traces) {
    for (const s of t.spans) {
      const found = counts.get(s.service) ?? { name: s.service, spanCount: 0, errorCount: 0 };
      found.spanCount += 1;
      found.errorCount += s.status === 'error' ? 1 : 0;
      counts.set(s.service, found);
    }
  }
  return [...counts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Quick filters as the server has them; of TraceQL only the braces are checked and one `name = "…"` is understood. */
async function search(traces, param) {
  const q = param('q') ?? '{ }';
  if (q.includes('boom')) throw new Failure(500, 'internal', 'the query engine failed', 'Try a shorter range.');
  if (q.includes('late')) await new Promise((resolve) => setTimeout(resolve, 4000));
  const wrong = q.search(/(?<=[=<>]\s*)[}&|]/);
  if (!q.startsWith('{') || wrong >= 0) {
    const position = q.startsWith('{') ? wrong : 0;
    throw new Failure(400, 'invalid_query', 'expected a value after the comparison', 'Write a string in double quotes, a number or a duration.', position);
  }
  const name = /name\s*=\s*"([^"]*)"/.exec(q)?.[1];
  const wanted = (s) =>
    (name === undefined || s.name === name || s.service === name) && (!param('service') || s.service === param('service')) && (!param('operation') || s.name === param('operation')) &&
    (!param('error') || s.status === 'error') && s.length >= (parseFloat(param('minDuration') ?? '0') || 0);
  const found = traces.map((t) => ({ t, matched: t.spans.filter(wanted) })).filter(({ matched }) => matched.length > 0);
  const [from, limit] = [Number(param('cursor') ?? 0), Number(param('limit') ?? 20)];
  return {
    traces: found.slice(from, from + limit).map(({ t, matched }) => summaryOf(t, matched, Number(param('spansPerTrace') ?? 3))),
    nextCursor: from + limit < found.length ? String(from + limit) : null, query: q, partial: q.includes('partial') ? 'the deadline of 10 s was reached' : null,
    report: { blocksRead: 2, blocksPruned: 5, rowsRead: 18_400, bytesRead: 2_100_000, elapsedMicros: 12_400 },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startMock({ port: Number(process.argv[2] ?? 7070), empty: process.argv[3] === 'empty' });
  console.log(`mock API and UI on ${url}`);
}
