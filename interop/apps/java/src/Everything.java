import static io.opentelemetry.api.common.AttributeKey.booleanArrayKey;
import static io.opentelemetry.api.common.AttributeKey.booleanKey;
import static io.opentelemetry.api.common.AttributeKey.doubleArrayKey;
import static io.opentelemetry.api.common.AttributeKey.doubleKey;
import static io.opentelemetry.api.common.AttributeKey.longArrayKey;
import static io.opentelemetry.api.common.AttributeKey.longKey;
import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;
import static io.opentelemetry.api.common.AttributeKey.stringKey;
import static io.opentelemetry.api.common.AttributeKey.valueKey;

import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** Ends spans that together fill every field of an OTLP span. */
final class Everything {
  private static final String SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0";
  private static final SpanContext FAR =
      SpanContext.createFromRemoteParent(
          "0af7651916cd43dd8448eb211c80319c",
          "b7ad6b7169203331",
          TraceFlags.getSampled(),
          TraceState.builder().put("congo", "t61rcWkgMzE").put("rojo", "00f067aa0ba902b7").build());

  private final Tracer tracer;

  Everything(Tracer tracer) {
    this.tracer = tracer;
  }

  void record() {
    tracer.spanBuilder("every attribute").setAllAttributes(attributes()).startSpan().end();
    for (SpanKind kind : SpanKind.values()) {
      tracer.spanBuilder("kind " + kind.name().toLowerCase(Locale.ROOT)).setSpanKind(kind).startSpan().end();
    }
    statuses();
    events();
    links();
    overLimits();
    tracer.spanBuilder("name ".repeat(200)).startSpan().end();
    tracer.spanBuilder("имя 名前 📦").startSpan().end();
    Instant old = Instant.ofEpochSecond(1_000_000_000, 1);
    tracer.spanBuilder("in the year 2001").setStartTimestamp(old).startSpan().end(old);
    Instant late = Instant.ofEpochSecond(4_070_908_800L, 999_999_999);
    tracer.spanBuilder("in the year 2099").setStartTimestamp(late).startSpan().end(late.plusNanos(1));
    tracer.spanBuilder("ended before its start").setStartTimestamp(late).startSpan().end(old);
    Tracer scoped =
        GlobalOpenTelemetry.tracerBuilder("interop.scope")
            .setInstrumentationVersion("1.2.3-β")
            .setSchemaUrl(SCHEMA_URL)
            .build();
    scoped.spanBuilder("of a scope with a schema").startSpan().end();
  }

  /** One attribute of every type and awkward value that the SDK accepts. */
  private static Attributes attributes() {
    return Attributes.builder()
        .put("string", "plain")
        .put("string.empty", "")
        .put("string.unicode", "naïve café, 東京, \uD83E\uDDED, שלום, e\u0301")
        .put("string.controls", "tab\tnewline\nquote\"backslash\\nul\0end")
        .put("string.long", "long text ".repeat(2_000))
        .put("ключ.鍵", "a key beyond ASCII")
        .put(booleanKey("bool.true"), true)
        .put(booleanKey("bool.false"), false)
        .put(longKey("int.zero"), 0L)
        .put(longKey("int.negative"), -1L)
        .put(longKey("int.max"), Long.MAX_VALUE)
        .put(longKey("int.min"), Long.MIN_VALUE)
        .put(longKey("int.beyond_double"), (1L << 53) + 1)
        .put(doubleKey("double"), 0.1)
        .put(doubleKey("double.whole"), 3.0)
        .put(doubleKey("double.negative_zero"), -0.0)
        .put(doubleKey("double.largest"), Double.MAX_VALUE)
        .put(doubleKey("double.smallest"), Double.MIN_VALUE)
        .put(doubleKey("double.infinity"), Double.POSITIVE_INFINITY)
        .put(doubleKey("double.nan"), Double.NaN)
        .put(doubleArrayKey("doubles.special"), List.of(Double.NEGATIVE_INFINITY, 1.0))
        .put(stringArrayKey("strings"), List.of("one", "", "drei", "四"))
        .put(booleanArrayKey("bools"), List.of(true, false, true))
        .put(longArrayKey("ints"), List.of(0L, -1L, Long.MAX_VALUE, Long.MIN_VALUE))
        .put(doubleArrayKey("doubles"), List.of(0.5, -2.0, 1e-9))
        .put(stringArrayKey("strings.empty"), List.of())
        .put(valueKey("bytes"), Value.of(new byte[] {0, 1, 0x7f, (byte) 0x80, (byte) 0xff}))
        .put(
            valueKey("map"),
            Value.of(
                KeyValue.of("inner", Value.of("value")),
                KeyValue.of("list", Value.of(Value.of(1), Value.of("two"), Value.of(true))),
                KeyValue.of("deeper", Value.of(KeyValue.of("end", Value.of(true))))))
        .put(valueKey("mixed"), Value.of(Value.of(true), Value.of(""), Value.of(-0.5)))
        .build();
  }

  private void statuses() {
    tracer.spanBuilder("status ok").startSpan().setStatus(StatusCode.OK).end();
    tracer.spanBuilder("status error, silent").startSpan().setStatus(StatusCode.ERROR).end();
    tracer
        .spanBuilder("status error, told")
        .startSpan()
        .setStatus(StatusCode.ERROR, "the pantry is empty: ничего нет")
        .end();
  }

  private void events() {
    tracer
        .spanBuilder("events")
        .startSpan()
        .addEvent("bare")
        .addEvent("rich", attributes())
        .addEvent("early", Attributes.of(longKey("order"), 1L), Instant.ofEpochSecond(1))
        .addEvent("")
        .recordException(
            new IllegalArgumentException("no such flavour: 'crème brûlée'"),
            Attributes.of(booleanKey("exception.retried"), false))
        .end();
  }

  private void links() {
    SpanContext unsampled =
        SpanContext.create("f".repeat(32), "0000000000000001", TraceFlags.getDefault(), TraceState.getDefault());
    tracer
        .spanBuilder("links")
        .addLink(FAR, Attributes.of(stringKey("why"), "batch", longArrayKey("positions"), List.of(1L, 2L)))
        .addLink(unsampled)
        .addLink(Span.current().getSpanContext(), Attributes.of(stringKey("why"), "self"))
        .startSpan()
        .end();
  }

  /** Goes over the SDK's default limits of 128, so that every dropped count is above zero. */
  private void overLimits() {
    AttributesBuilder wide = Attributes.builder();
    for (int n = 0; n < 135; n++) {
      wide.put("attribute." + n, n);
    }
    SpanBuilder builder = tracer.spanBuilder("over every limit");
    for (int n = 0; n < 131; n++) {
      builder.addLink(FAR, Attributes.of(longKey("n"), (long) n));
    }
    Span span = builder.startSpan();
    span.setAllAttributes(wide.build());
    for (int n = 0; n < 133; n++) {
      span.addEvent("event " + n, Attributes.of(longKey("n"), (long) n));
    }
    span.end();

    tracer
        .spanBuilder("parts over their limits")
        .addLink(FAR, wide.build())
        .startSpan()
        .addEvent("wide", wide.build())
        .end();
  }
}
