/** Shown while nothing has ever arrived: what this page will show, and the one step that gives it. */
import { CopyButton } from '@/kit/button';
import { EmptyState } from '@/kit/states';
import styles from './explore-page.module.css';

/** The step. */
export function FirstSteps() {
  const host = location.hostname.includes(':') ? `[${location.hostname}]` : location.hostname;
  const settings = `OTEL_EXPORTER_OTLP_ENDPOINT=http://${host}:4318\nOTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nOTEL_SERVICE_NAME=my-service`;
  return (
    <EmptyState title="No spans have arrived yet" actions={<CopyButton text={settings} label="Copy the settings">Copy settings</CopyButton>}>
      <p>Requests appear here, newest first, within a second of the first span. Point an OpenTelemetry SDK or collector at this server:</p>
      <pre className={styles.snippet}>{settings}</pre>
      <p>OTLP over gRPC is on port 4317. Or run <code>causeline demo</code> to see a small shop.</p>
    </EmptyState>
  );
}
