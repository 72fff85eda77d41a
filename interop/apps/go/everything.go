package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// attributes is one attribute of every type and awkward value that the SDK accepts.
func attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("string", "plain"),
		attribute.String("string.empty", ""),
		attribute.String("string.unicode", "naïve café, 東京, \U0001f9ed, שלום, e\u0301"),
		attribute.String("string.controls", "tab\tnewline\nquote\"backslash\\nul\x00end"),
		attribute.String("string.long", strings.Repeat("long text ", 2_000)),
		attribute.String("ключ.鍵", "a key beyond ASCII"),
		attribute.Bool("bool.true", true),
		attribute.Bool("bool.false", false),
		attribute.Int64("int.zero", 0),
		attribute.Int64("int.negative", -1),
		attribute.Int64("int.max", math.MaxInt64),
		attribute.Int64("int.min", math.MinInt64),
		attribute.Int64("int.beyond_double", 1<<53+1),
		attribute.Float64("double", 0.1),
		attribute.Float64("double.whole", 3),
		attribute.Float64("double.negative_zero", math.Copysign(0, -1)),
		attribute.Float64("double.largest", math.MaxFloat64),
		attribute.Float64("double.smallest", math.SmallestNonzeroFloat64),
		attribute.Float64("double.infinity", math.Inf(1)),
		attribute.Float64("double.nan", math.NaN()),
		attribute.Float64Slice("doubles.special", []float64{math.Inf(-1), 1}),
		attribute.StringSlice("strings", []string{"one", "", "drei", "四"}),
		attribute.BoolSlice("bools", []bool{true, false, true}),
		attribute.Int64Slice("ints", []int64{0, -1, math.MaxInt64, math.MinInt64}),
		attribute.Float64Slice("doubles", []float64{0.5, -2, 1e-9}),
		attribute.StringSlice("strings.empty", []string{}),
		attribute.ByteSlice("bytes", []byte{0, 1, 0x7f, 0x80, 0xff}),
		attribute.ByteSlice("bytes.empty", []byte{}),
		attribute.Map("map",
			attribute.String("inner", "value"),
			attribute.Slice("list", attribute.IntValue(1), attribute.StringValue("two"), attribute.MapValue()),
			attribute.Map("deeper", attribute.Bool("end", true)),
		),
		attribute.Slice("mixed", attribute.BoolValue(true), attribute.StringValue(""), attribute.Float64Value(-0.5)),
	}
}

// everything ends spans that together fill every field of an OTLP span.
func everything(ctx context.Context, tracer trace.Tracer) {
	leaf := func(name string, options ...trace.SpanStartOption) trace.Span {
		_, span := tracer.Start(ctx, name, options...)
		return span
	}
	leaf("every attribute", trace.WithAttributes(attributes()...)).End()

	kinds := []trace.SpanKind{
		trace.SpanKindInternal, trace.SpanKindServer, trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindConsumer,
	}
	for _, kind := range kinds {
		leaf("kind "+kind.String(), trace.WithSpanKind(kind)).End()
	}

	statuses(leaf)
	events(leaf)
	links(ctx, leaf)
	overLimits(leaf)

	leaf(strings.Repeat("name ", 200)).End()
	leaf("имя 名前 \U0001f4e6").End()
	leaf("").End()

	old := time.Unix(1_000_000_000, 1)
	leaf("in the year 2001", trace.WithTimestamp(old)).End(trace.WithTimestamp(old))
	late := time.Unix(4_070_908_800, 999_999_999)
	leaf("in the year 2099", trace.WithTimestamp(late)).End(trace.WithTimestamp(late.Add(time.Nanosecond)))
	leaf("ended before its start", trace.WithTimestamp(late)).End(trace.WithTimestamp(old))

	scoped := otel.Tracer("interop.scope",
		trace.WithInstrumentationVersion("1.2.3-β"),
		trace.WithSchemaURL(schemaURL),
		trace.WithInstrumentationAttributes(attribute.String("scope.kind", "library"), attribute.Int("n", 7)),
	)
	_, span := scoped.Start(ctx, "of a scope with attributes")
	span.End()
}

// spanStarter starts a span that its caller ends.
type spanStarter func(name string, options ...trace.SpanStartOption) trace.Span

func statuses(leaf spanStarter) {
	ok := leaf("status ok")
	ok.SetStatus(codes.Ok, "")
	ok.End()
	silent := leaf("status error, silent")
	silent.SetStatus(codes.Error, "")
	silent.End()
	told := leaf("status error, told")
	told.SetStatus(codes.Error, "the pantry is empty: ничего нет")
	told.End()
}

func events(leaf spanStarter) {
	span := leaf("events")
	span.AddEvent("bare")
	span.AddEvent("rich", trace.WithAttributes(attributes()...))
	span.AddEvent("early", trace.WithAttributes(attribute.Int("order", 1)), trace.WithTimestamp(time.Unix(1, 0)))
	span.AddEvent("")
	span.RecordError(errors.New("no such flavour: 'crème brûlée'"),
		trace.WithStackTrace(true), trace.WithAttributes(attribute.Bool("exception.retried", false)))
	span.End()
}

// farContext is a sampled remote context with a trace state.
func farContext() trace.SpanContext {
	state, err := trace.ParseTraceState("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
	if err != nil {
		panic(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c},
		SpanID:     trace.SpanID{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31},
		TraceFlags: trace.FlagsSampled,
		TraceState: state,
		Remote:     true,
	})
}

func links(ctx context.Context, leaf spanStarter) {
	unsampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 0xff}, SpanID: trace.SpanID{7: 1}})
	leaf("links", trace.WithLinks(
		trace.Link{SpanContext: farContext(), Attributes: []attribute.KeyValue{
			attribute.String("why", "batch"), attribute.IntSlice("positions", []int{1, 2}),
		}},
		trace.Link{SpanContext: unsampled},
		trace.Link{SpanContext: trace.SpanContextFromContext(ctx), Attributes: []attribute.KeyValue{attribute.String("why", "self")}},
	)).End()
}

// overLimits goes over the SDK's default limits of 128, so that every dropped count is above zero.
func overLimits(leaf spanStarter) {
	wide := make([]attribute.KeyValue, 135)
	for n := range wide {
		wide[n] = attribute.Int(fmt.Sprintf("attribute.%03d", n), n)
	}
	many := make([]trace.Link, 131)
	for n := range many {
		many[n] = trace.Link{SpanContext: farContext(), Attributes: []attribute.KeyValue{attribute.Int("n", n)}}
	}
	span := leaf("over every limit", trace.WithLinks(many...), trace.WithAttributes(wide...))
	for n := range 133 {
		span.AddEvent(fmt.Sprintf("event %d", n), trace.WithAttributes(attribute.Int("n", n)))
	}
	span.End()

	span = leaf("parts over their limits", trace.WithLinks(trace.Link{SpanContext: farContext(), Attributes: wide}))
	span.AddEvent("wide", trace.WithAttributes(wide...))
	span.End()
}
