import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A shop on the JDK's HTTP server under the OpenTelemetry Java agent, for the interop suite.
 *
 * <p>The agent instruments server and client; {@code /everything} adds, by hand, whatever else the data model can hold.
 * The agent's configuration file names two exporters: the one under test and the recording sink.
 *
 * <p>The app prints {@code listening on PORT}, serves until its standard input closes, and ends; the agent flushes in
 * its shutdown hook.
 */
public final class Shop {
  private final Tracer tracer = GlobalOpenTelemetry.getTracer("interop.shop", "0.1.0");
  private final HttpClient client = HttpClient.newHttpClient();
  private final HttpServer server;

  private Shop(HttpServer server) {
    this.server = server;
  }

  public static void main(String[] args) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    Shop shop = new Shop(server);
    server.createContext("/orders/", shop::order);
    server.createContext("/stock/", exchange -> answer(exchange, 200, "{\"stock\":5}"));
    server.createContext("/broken", shop::broken);
    server.createContext("/everything", shop::everything);
    ExecutorService workers = Executors.newFixedThreadPool(4);
    server.setExecutor(workers);
    server.start();
    System.out.println("listening on " + server.getAddress().getPort());
    System.in.readAllBytes();
    server.stop(0);
    workers.shutdown();
  }

  private void order(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    long id = Long.parseLong(path.substring("/orders/".length()));
    Span span = tracer.spanBuilder("look up order").setAttribute("order.id", id).startSpan();
    try (Scope ignored = span.makeCurrent()) {
      URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/stock/" + id);
      answer(exchange, 200, client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body());
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new IOException(error);
    } finally {
      span.end();
    }
  }

  private void broken(HttpExchange exchange) throws IOException {
    IllegalStateException error =
        new IllegalStateException("the till is jammed", new UncheckedIOException(new IOException("no paper")));
    Span.current().recordException(error);
    Span.current().setStatus(StatusCode.ERROR, error.getMessage());
    answer(exchange, 500, "{\"error\":\"broken\"}");
  }

  private void everything(HttpExchange exchange) throws IOException {
    new Everything(tracer).record();
    answer(exchange, 200, "{\"done\":true}");
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
