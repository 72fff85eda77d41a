// An Express shop under OpenTelemetry's Node.js SDK, for the interop suite.
//
// Express and the HTTP client and server are instrumented by OpenTelemetry's own packages; `/everything` adds, by hand,
// whatever else the data model can hold. Every finished span goes to two exporters: the one under test (environment
// INTEROP_TRANSPORT, INTEROP_COMPRESSION, INTEROP_ENDPOINT) and the recording sink (INTEROP_SINK).
//
// The app prints `listening on PORT`, serves until its standard input closes, flushes, and ends.
'use strict';

const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const { OTLPTraceExporter: ProtoExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { NodeSDK, resources, tracing } = require('@opentelemetry/sdk-node');
const { SpanKind, SpanStatusCode, TraceFlags, createTraceState, trace } = require('@opentelemetry/api');

const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.37.0';
const { INTEROP_TRANSPORT, INTEROP_COMPRESSION, INTEROP_ENDPOINT, INTEROP_SINK } = process.env;

/** The exporter of this run: gRPC, HTTP with protobuf, or HTTP with JSON; plain or compressed. */
function exporterUnderTest() {
  const options = { url: INTEROP_ENDPOINT, compression: INTEROP_COMPRESSION };
  switch (INTEROP_TRANSPORT) {
    case 'grpc': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
      return new OTLPTraceExporter(options);
    }
    case 'json': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter(options);
    }
    default:
      return new ProtoExporter(options);
  }
}

const exporters = [exporterUnderTest(), new ProtoExporter({ url: INTEROP_SINK, compression: 'none' })];
const sdk = new NodeSDK({
  resource: resources.resourceFromAttributes(
    {
      'service.name': 'interop-node',
      'service.version': '4.7.1',
      'interop.empty': '',
      'interop.replicas': 3,
      'interop.ratio': 0.25,
      'interop.canary': false,
      'interop.zones': ['north', 'south', ''],
    },
    { schemaUrl: SCHEMA_URL },
  ),
  spanProcessors: exporters.map((it) => new tracing.BatchSpanProcessor(it, { scheduledDelayMillis: 200 })),
  // Left out, these two would send to the default ports of a collector that is not part of the suite.
  metricReaders: [],
  logRecordProcessors: [],
  instrumentations: [getNodeAutoInstrumentations()],
});
sdk.start();

// Instrumented modules are loaded only now.
const express = require('express');
const http = require('node:http');

const tracer = trace.getTracer('interop.shop', '0.1.0');

/** One attribute of every type and awkward value that the SDK accepts; whole numbers go out as int64. */
function attributes() {
  return {
    string: 'plain',
    'string.empty': '',
    'string.unicode': 'naïve café, 東京, \u{1f9ed}, שלום, e\u0301',
    'string.controls': 'tab\tnewline\nquote"backslash\\nul\u0000end',
    'string.long': 'long text '.repeat(2000),
    'ключ.鍵': 'a key beyond ASCII',
    'bool.true': true,
    'bool.false': false,
    'int.zero': 0,
    'int.negative': -1,
    'int.safe_max': Number.MAX_SAFE_INTEGER,
    'int.safe_min': Number.MIN_SAFE_INTEGER,
    double: 0.1,
    'double.wide': 4503599627370495.5,
    'double.smallest': Number.MIN_VALUE,
    strings: ['one', '', 'drei', '四'],
    bools: [true, false, true],
    ints: [0, -1, Number.MAX_SAFE_INTEGER],
    doubles: [0.5, -2.25, 1e-9],
    'strings.empty': [],
  };
}

/** Runs `body` in a new active span and ends the span. */
function inSpan(name, options, body = () => {}) {
  tracer.startActiveSpan(name, options, (span) => {
    body(span);
    span.end();
  });
}

/** Spans that together fill every field of an OTLP span. */
function everything() {
  inSpan('every attribute', {}, (span) => {
    span.setAttributes(attributes());
    // JSON has no literal for these; OTLP/JSON carries them as strings, which this SDK's JSON exporter does not do.
    if (INTEROP_TRANSPORT !== 'json') {
      span.setAttribute('double.infinity', Infinity);
      span.setAttribute('double.nan', NaN);
      span.setAttribute('doubles.special', [-Infinity, 0.5]);
    }
  });

  for (const kind of ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']) {
    inSpan(`kind ${kind.toLowerCase()}`, { kind: SpanKind[kind] });
  }

  inSpan('status ok', {}, (span) => span.setStatus({ code: SpanStatusCode.OK }));
  inSpan('status error, silent', {}, (span) => span.setStatus({ code: SpanStatusCode.ERROR }));
  inSpan('status error, told', {}, (span) =>
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'the pantry is empty: ничего нет' }),
  );

  inSpan('events', {}, (span) => {
    span.addEvent('bare');
    span.addEvent('rich', attributes());
    span.addEvent('early', { order: 1 }, [1, 0]);
    span.addEvent('');
    span.recordException(new TypeError("no such flavour: 'crème brûlée'"));
  });

  const far = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    isRemote: true,
    traceFlags: TraceFlags.SAMPLED,
    traceState: createTraceState('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'),
  };
  const unsampled = { traceId: 'f'.repeat(32), spanId: '0000000000000001', traceFlags: TraceFlags.NONE };
  const here = trace.getActiveSpan().spanContext();
  const links = [
    { context: far, attributes: { why: 'batch', positions: [1, 2] } },
    { context: unsampled },
    { context: here, attributes: { why: 'self' } },
  ];
  inSpan('links', { links });

  const many = Array.from({ length: 131 }, (_, n) => ({ context: far, attributes: { n } }));
  inSpan('over every limit', { links: many }, (span) => {
    span.addLinks(many.slice(0, 3));
    for (let n = 0; n < 140; n += 1) span.setAttribute(`attribute.${String(n).padStart(3, '0')}`, n);
    for (let n = 0; n < 133; n += 1) span.addEvent(`event ${n}`, { n });
  });
  const wide = Object.fromEntries(Array.from({ length: 135 }, (_, n) => [`attribute.${n}`, n]));
  inSpan('parts over their limits', { links: [{ context: far, attributes: wide }] }, (span) => {
    span.addEvent('wide', wide);
  });

  inSpan('name '.repeat(200), {});
  inSpan('имя 名前 \u{1f4e6}', {});

  tracer.startSpan('in the year 2001', { startTime: [1_000_000_000, 1] }).end([1_000_000_000, 1]);
  tracer.startSpan('in the year 2099', { startTime: [4_070_908_800, 999_999_999] }).end([4_070_908_801, 0]);

  // `trace.getTracer` takes no options; the provider's does.
  const scoped = trace.getTracerProvider().getTracer('interop.scope', '1.2.3-β', { schemaUrl: SCHEMA_URL });
  scoped.startSpan('of a scope with a schema').end();
}

/** GETs a path of this same server through the instrumented client; resolves to the parsed body. */
function getJson(url) {
  return new Promise((resolve, reject) => {
    http.get(url, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve(JSON.parse(body)));
    }).on('error', reject);
  });
}

const app = express();

app.get('/orders/:id', async (request, response) => {
  const span = tracer.startSpan('look up order', { attributes: { 'order.id': Number(request.params.id) } });
  const { port } = request.socket.address();
  const answer = await getJson(`http://127.0.0.1:${port}/stock/${request.params.id}`);
  span.end();
  response.json({ order: Number(request.params.id), stock: answer.stock });
});

app.get('/stock/:item', (request, response) => response.json({ stock: Number(request.params.item) % 7 }));

app.get('/broken', () => {
  throw new Error('the till is jammed');
});

app.get('/everything', (_request, response) => {
  everything();
  response.json({ done: true });
});

// Express prints the error of `/broken` unless a handler takes it.
app.use((_error, _request, response, _next) => response.status(500).json({ error: 'broken' }));

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));

process.stdin.resume();
process.stdin.on('end', () => {
  server.close();
  server.closeAllConnections();
  sdk.shutdown().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
