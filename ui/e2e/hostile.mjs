/** A trace whose every text tries to become markup, script or a disguise. */

/** Its id; the mock server has a trace with the same id. */
export const HOSTILE_ID = 'bad0bad0bad0bad0bad0bad0bad0bad0';

/** Its service. */
export const HOSTILE_SERVICE = '"><svg onload=window.__xss=1>';

const PAYLOAD = '<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>';
const text = (key, value) => ({ key, value: { stringValue: value } });

/** Sends the trace as OTLP/JSON; fails when it is not accepted. */
export async function sendHostile(otlpUrl) {
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = (id, parent, name) => ({
    traceId: HOSTILE_ID, spanId: id, ...(parent && { parentSpanId: parent }), name, kind: 2,
    startTimeUnixNano: String(now - 12_000_000n), endTimeUnixNano: String(now), status: { code: 2, message: PAYLOAD },
    attributes: [text(PAYLOAD, PAYLOAD), text('url.full', 'javascript:window.__xss=1'), text('rtl', 'abc\u202egpj.exe\u001b[31m'), text('template', '{{constructor.constructor("window.__xss=1")()}}')],
    events: [{ timeUnixNano: String(now), name: PAYLOAD, attributes: [text('exception.stacktrace', PAYLOAD)] }],
  });
  const body = {
    resourceSpans: [{
      resource: { attributes: [text('service.name', HOSTILE_SERVICE)] },
      scopeSpans: [{ scope: { name: PAYLOAD, version: PAYLOAD }, spans: [span('00000000000000e1', null, PAYLOAD), span('00000000000000e2', '00000000000000e1', '${window.__xss=1}')] }],
    }],
  };
  const response = await fetch(new URL('/v1/traces', otlpUrl), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the hostile trace was answered ${response.status}: ${await response.text()}`);
}
