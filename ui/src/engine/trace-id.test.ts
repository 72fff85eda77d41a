import { expect, it } from 'vitest';
import { findTraceId } from './trace-id';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const BASE64 = 'S/kvNXezTaajzpKdDg5HNg==';

it.each([
  ['32 hex digits', ID, ID],
  ['upper case and spaces around', `  ${ID.toUpperCase()}\n`, ID],
  ['16 hex digits', '00f067aa0ba902b7', '00f067aa0ba902b7'],
  ['dashes', '4bf92f35-77b3-4da6-a3ce-929d0e0e4736', ID],
  ['base64', BASE64, ID],
  ['base64 for URLs', 'S_kvNXezTaajzpKdDg5HNg==', ID],
  ['base64 of 8 bytes', 'APBnqgupArc=', '00f067aa0ba902b7'],
  ['JSON log line', `{"level":"error","span_id":"00f067aa0ba902b7","trace_id":"${ID}","msg":"x"}`, ID],
  ['logfmt with another id first', `ts=1 request_id=ffffffffffffffffffffffffffffffff traceID=${ID} dur=3ms`, ID],
  ['text log line', `12:03:41 ERROR [gateway,${ID},00f067aa0ba902b7] refused`, ID],
  ['keyed 16 digits beside a longer id', 'user=ffffffffffffffffffffffffffffffff trace=00f067aa0ba902b7', '00f067aa0ba902b7'],
  ['a link', `https://example.org/trace/${ID}?v=1`, ID],
])('finds the trace id in %s', (_, input, expected) => {
  expect(findTraceId(input)).toEqual({ traceId: expected });
});

it('takes the span from a traceparent, also inside a line', () => {
  const found = { traceId: ID, spanId: '00f067aa0ba902b7' };
  expect(findTraceId(`00-${ID}-00f067aa0ba902b7-01`)).toEqual(found);
  expect(findTraceId(`GET / traceparent: 00-${ID}-00f067aa0ba902b7-01 200`)).toEqual(found);
});

it.each(['', 'checkout', '0'.repeat(32), `${ID}0`, 'deadbeef', '{ span:duration > 500ms }', 'thisisnotbase64=='])('finds none in %j', (input) => {
  expect(findTraceId(input)).toBeNull();
});

it('answers at once for a very long line', () => {
  expect(findTraceId('a-'.repeat(500_000))).toBeNull();
});
