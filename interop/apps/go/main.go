// A net/http shop under OpenTelemetry's Go SDK, for the interop suite.
//
// The server and the client are instrumented by otelhttp; `/everything` adds, by hand, whatever else the data model can
// hold. Every finished span goes to two exporters: the one under test (environment INTEROP_TRANSPORT,
// INTEROP_COMPRESSION, INTEROP_ENDPOINT) and the recording sink (INTEROP_SINK).
//
// The app prints `listening on PORT`, serves until its standard input closes, flushes, and ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

// exporterUnderTest builds the exporter of this run: gRPC or HTTP with protobuf, plain or compressed.
func exporterUnderTest(ctx context.Context) (sdktrace.SpanExporter, error) {
	endpoint := os.Getenv("INTEROP_ENDPOINT")
	gzip := os.Getenv("INTEROP_COMPRESSION") == "gzip"
	if os.Getenv("INTEROP_TRANSPORT") == "grpc" {
		options := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(endpoint)}
		if gzip {
			options = append(options, otlptracegrpc.WithCompressor("gzip"))
		}
		return otlptracegrpc.New(ctx, options...)
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(endpoint)}
	if gzip {
		options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	return otlptracehttp.New(ctx, options...)
}

// buildProvider makes a provider whose spans reach both the exporter under test and the recording sink.
func buildProvider(ctx context.Context) (*sdktrace.TracerProvider, error) {
	tested, err := exporterUnderTest(ctx)
	if err != nil {
		return nil, err
	}
	sink, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(os.Getenv("INTEROP_SINK")))
	if err != nil {
		return nil, err
	}
	described := resource.NewWithAttributes(schemaURL,
		attribute.String("service.name", "interop-go"),
		attribute.String("service.version", "4.7.1"),
		attribute.String("interop.empty", ""),
		attribute.Int("interop.replicas", 3),
		attribute.Float64("interop.ratio", 0.25),
		attribute.Bool("interop.canary", false),
		attribute.StringSlice("interop.zones", []string{"north", "south", ""}),
	)
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(described),
		sdktrace.WithBatcher(tested, sdktrace.WithBatchTimeout(200*time.Millisecond)),
		sdktrace.WithBatcher(sink, sdktrace.WithBatchTimeout(200*time.Millisecond)),
	), nil
}

// app holds what the routes need: a tracer, an instrumented client, and the own address.
type app struct {
	tracer trace.Tracer
	client http.Client
	base   string
}

func (a *app) order(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	ctx, span := a.tracer.Start(r.Context(), "look up order", trace.WithAttributes(attribute.Int("order.id", id)))
	defer span.End()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/stock/%d", a.base, id), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	response, err := a.client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	if _, err := io.Copy(w, response.Body); err != nil {
		log.Print(err)
	}
}

func (a *app) stock(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]string{"stock": r.PathValue("item")}); err != nil {
		log.Print(err)
	}
}

func (a *app) broken(w http.ResponseWriter, r *http.Request) {
	span := trace.SpanFromContext(r.Context())
	span.RecordError(fmt.Errorf("close the day: %w", io.ErrUnexpectedEOF), trace.WithStackTrace(true))
	span.SetStatus(codes.Error, "the till is jammed")
	http.Error(w, "broken", http.StatusInternalServerError)
}

func (a *app) everything(w http.ResponseWriter, r *http.Request) {
	everything(r.Context(), a.tracer)
	w.WriteHeader(http.StatusNoContent)
}

func run() error {
	ctx := context.Background()
	provider, err := buildProvider(ctx)
	if err != nil {
		return err
	}
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	a := &app{
		tracer: otel.Tracer("interop.shop", trace.WithInstrumentationVersion("0.1.0")),
		client: http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)},
		base:   "http://" + listener.Addr().String(),
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /orders/{id}", a.order)
	routes.HandleFunc("GET /stock/{item}", a.stock)
	routes.HandleFunc("GET /broken", a.broken)
	routes.HandleFunc("GET /everything", a.everything)
	server := &http.Server{Handler: otelhttp.NewHandler(routes, "shop")}

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := server.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-served; err != http.ErrServerClosed {
		return err
	}
	return provider.Shutdown(ctx)
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
