/**
 * Traces for the mock server: a small shop with an error and its exception, a trace with orphans, one with hostile strings and a
 * redaction, and a generated one of 10 000 spans. Everything follows from a seed.
 */

const MS = 1e6;
const MINUTE = 60_000;

/** A small generator of numbers in [0, 1) (mulberry32), so that fixtures are the same on every start. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const attribute = (key, value, type = typeof value === 'number' ? 'int' : 'string') => ({ key, type, value: String(value) });

/** Collects spans; times in milliseconds from the start of the trace. */
class TraceBuilder {
  constructor(traceId, startMs) {
    Object.assign(this, { traceId, startMs, spans: [], random: randomFrom(parseInt(traceId.slice(0, 8), 16)) });
  }

  span(parent, service, name, kind, from, length, extra = {}) {
    const spanId = Math.floor(this.random() * 0xffffffff).toString(16).padStart(8, '0') + (this.spans.length + 1).toString(16).padStart(8, '0');
    this.spans.push({ spanId, parentSpanId: parent, service, name, kind, status: 'unset', statusMessage: null, from, length, attributes: [], events: [], links: [], flags: [], ...extra });
    return spanId;
  }
}

function checkout(id, startMs, failed, slow) {
  const t = new TraceBuilder(id, startMs);
  const base = slow ? 400 : 60;
  const total = base * 3.1;
  const root = t.span(null, 'web-gateway', 'POST /checkout', 'server', 0, total, {
    status: failed ? 'error' : 'unset',
    attributes: [attribute('http.request.method', 'POST'), attribute('http.route', '/checkout'), attribute('http.response.status_code', failed ? 502 : 200), attribute('url.path', '/checkout'), attribute('user.email', '[redacted:email]'), attribute('client.address', '10.0.4.17'), attribute('server.port', 8080)],
  });
  t.span(root, 'identity', 'verify token', 'server', 1, base * 0.2);
  const order = t.span(root, 'checkout', 'PlaceOrder', 'server', base * 0.25, total * 0.9, { status: failed ? 'error' : 'unset', statusMessage: failed ? 'payment failed' : null });
  for (let i = 0; i < 6; i += 1) t.span(order, 'catalogue', 'reserve stock', 'client', base * (0.3 + i * 0.1), base * 0.09);
  const charge = t.span(order, 'payments', 'Charge', 'client', base * 1, base * 1.8, {
    status: failed ? 'error' : 'ok',
    statusMessage: failed ? 'card declined by issuer' : null,
    flags: failed ? ['exception'] : [],
    attributes: [attribute('payment.card', '[redacted:card_number]'), attribute('payment.amount', 49.9, 'double'), attribute('service.version', '4.7.1'), attribute('rpc.system', 'grpc'), attribute('retry', true, 'bool'), attribute('payment.notes', 'authorised for [redacted:email] after review'), attribute('items', '[{"stringValue":"mug"},{"stringValue":"tea"}]', 'array'), attribute('debug.payload', 'x'.repeat(1500))],
    events: failed ? [{ at: base * 2.7, name: 'exception', attributes: [attribute('exception.type', 'CardDeclined'), attribute('exception.message', 'issuer answered 51: insufficient funds'), attribute('exception.stacktrace', 'CardDeclined: issuer answered 51: insufficient funds\n    at Issuer.authorise (issuer.rs:214)\n    at Charge.run (charge.rs:88)\n    at dispatch (service.rs:41)')] }] : [],
    links: [{ traceId: 'c0ffee00000000000000000000000001', spanId: '00000000000000aa', traceState: '', attributes: [attribute('messaging.operation', 'receive')], droppedAttributesCount: 0 }],
  });
  t.span(charge, 'ledger', 'SELECT ledger FOR UPDATE', 'client', base * 1.1, base * 1.4, { attributes: [attribute('db.system.name', 'sqlite'), attribute('db.query.text', 'SELECT balance FROM ledger WHERE account = ? FOR UPDATE')] });
  t.span(order, 'shipping', 'publish parcel', 'producer', base * 2.85, base * 0.05);
  t.span(root, 'queue-worker', 'send receipt', 'consumer', total * 0.95, base * 0.6);
  return t;
}

function orphans(startMs) {
  const t = new TraceBuilder('0bad0bad0bad0bad0bad0bad0bad0bad', startMs);
  const root = t.span(null, 'web-gateway', 'GET /cart', 'server', 0, 84);
  t.span(root, 'cart', 'load cart', 'server', 4, 60);
  t.span('9f3c000000000001', 'catalogue', 'price items', 'server', 20, 22, { status: 'error' });
  t.span('9f3c000000000001', 'catalogue', 'cache get', 'client', 44, 3);
  t.span(root, 'cart', 'instant', 'internal', 70, 0);
  return t;
}

function hostile(startMs) {
  const t = new TraceBuilder('bad0bad0bad0bad0bad0bad0bad0bad0', startMs);
  const payload = '<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>';
  const root = t.span(null, '"><svg onload=window.__xss=1>', payload, 'server', 0, 12, { status: 'error', statusMessage: payload, attributes: [attribute(payload, payload), attribute('url.full', 'javascript:window.__xss=1'), attribute('rtl', 'abc\u202egpj.exe\u0000\u001b[31m')] });
  t.span(root, 'a-service-with-a-name-that-is-far-longer-than-any-sensible-column-could-ever-show', 'operation '.repeat(30), 'internal', 2, 4);
  return t;
}

function large(startMs) {
  const t = new TraceBuilder('10000000000000000000000000010000', startMs);
  const services = ['web-gateway', 'checkout', 'payments', 'ledger', 'catalogue', 'cart', 'shipping', 'queue-worker', 'identity', 'search'];
  const open = [{ id: t.span(null, 'web-gateway', 'GET /report', 'server', 0, 60_000), from: 0, length: 60_000 }];
  while (t.spans.length < 10_000) {
    const up = open[Math.floor(t.random() ** 2 * open.length)];
    const from = up.from + t.random() * up.length * 0.8;
    const length = (up.from + up.length - from) * t.random() ** 2;
    const failed = t.random() < 0.004;
    const id = t.span(up.id, services[Math.floor(t.random() * services.length)], `step ${t.spans.length}`, 'internal', from, length, { status: failed ? 'error' : 'unset' });
    open.push({ id, from, length });
  }
  t.spans.sort((a, b) => a.from - b.from);
  return t;
}

/** All traces, newest first, relative to `nowMs`. */
export function makeTraces(nowMs) {
  const traces = [orphans(nowMs - 2 * MINUTE), hostile(nowMs - 3 * MINUTE), large(nowMs - 5 * MINUTE)];
  const random = randomFrom(7);
  for (let i = 0; i < 130; i += 1) {
    const id = Math.floor(random() * 0xffffffff).toString(16).padStart(8, '0') + i.toString(16).padStart(24, '0');
    traces.push(checkout(id, nowMs - MINUTE - i * 23_417, i % 9 === 0, i % 7 === 3));
  }
  return traces.sort((a, b) => b.startMs - a.startMs);
}

const nano = (ms) => (BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * MS))).toString();
const durationMs = (t) => t.spans.reduce((last, s) => Math.max(last, s.from + s.length), 0);

/** A trace as a result of a search, with the spans that match. */
export function summaryOf(t, matched, shown) {
  const services = new Map();
  for (const s of t.spans) {
    const found = services.get(s.service) ?? { name: s.service, spanCount: 0, errorCount: 0 };
    found.spanCount += 1;
    found.errorCount += s.status === 'error' ? 1 : 0;
    services.set(s.service, found);
  }
  const root = t.spans.find((s) => s.parentSpanId === null) ?? t.spans[0];
  return {
    traceId: t.traceId, rootService: root.service, rootName: root.name, hasRoot: true, startUnixNano: nano(t.startMs), durationNano: Math.round(durationMs(t) * MS),
    spanCount: t.spans.length, errorCount: t.spans.filter((s) => s.status === 'error').length,
    services: [...services.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), matched: matched.length,
    spans: matched.slice(0, shown).map((s) => ({ spanId: s.spanId, name: s.name, service: s.service, startUnixNano: nano(t.startMs + s.from), durationNano: Math.round(s.length * MS), status: s.status, attributes: s.attributes.slice(0, 1) })),
  };
}

/** A trace for the waterfall. */
export function traceOf(t) {
  const services = [...new Set(t.spans.map((s) => s.service))].sort();
  const ids = new Set(t.spans.map((s) => s.spanId));
  const missing = new Set(t.spans.map((s) => s.parentSpanId).filter((id) => id !== null && !ids.has(id)));
  const roots = t.spans.filter((s) => s.parentSpanId === null).length;
  return {
    traceId: t.traceId, startUnixNano: nano(t.startMs), durationNano: Math.round(durationMs(t) * MS), services, spanCount: t.spans.length,
    errorCount: t.spans.filter((s) => s.status === 'error').length,
    facts: { complete: missing.size === 0 && roots === 1, missingParents: missing.size, roots, conflictingSpans: 0 },
    spans: t.spans.map((s) => ({
      spanId: s.spanId, parentSpanId: s.parentSpanId, name: s.name, service: services.indexOf(s.service), kind: s.kind, status: s.status, statusMessage: s.statusMessage,
      startOffsetNano: Math.round(s.from * MS), durationNano: Math.round(s.length * MS), eventCount: s.events.length, linkCount: s.links.length, flags: s.flags,
    })),
  };
}

/** Everything about a span. */
export function detailsOf(t, s) {
  return {
    traceId: t.traceId, spanId: s.spanId, parentSpanId: s.parentSpanId, name: s.name, service: s.service, kind: s.kind, status: s.status, statusMessage: s.statusMessage,
    traceState: '', flags: 1, startUnixNano: nano(t.startMs + s.from), endUnixNano: nano(t.startMs + s.from + s.length), durationNano: Math.round(s.length * MS),
    attributes: s.attributes, droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0, links: s.links,
    events: s.events.map((e) => ({ timeUnixNano: nano(t.startMs + e.at), name: e.name, attributes: e.attributes, droppedAttributesCount: 0 })),
    resource: { attributes: [attribute('service.name', s.service), attribute('host.name', 'shop-1'), attribute('telemetry.sdk.language', 'rust')], droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: 'shop', version: '0.1.0', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  };
}
