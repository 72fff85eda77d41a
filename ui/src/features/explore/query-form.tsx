/**
 * The TraceQL text: runs on ⌘/Ctrl-Enter, shows an error at its column with the hint, and the query as it ran.
 */
import { useId, useState, type KeyboardEvent, type Ref } from 'react';
import type { ApiError } from '@/data/client';
import { Button } from '@/kit/button';
import styles from './query-form.module.css';

interface Props {
  query: string;
  error: ApiError | null;
  inputRef: Ref<HTMLTextAreaElement>;
  onRun: (query: string) => void;
}

/** The form; give it a new `key` when the query changes from outside. */
export function QueryForm({ query, error, inputRef, onRun }: Props) {
  const [draft, setDraft] = useState(query);
  const errorId = useId();
  const run = () => onRun(draft.trim());
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      run();
    }
  };
  return (
    <form
      className={styles.form}
      role="search"
      aria-label="Traces"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <textarea
        ref={inputRef}
        className={styles.input}
        aria-label="TraceQL query"
        aria-invalid={error !== null}
        aria-describedby={error ? errorId : undefined}
        placeholder="{ resource.service.name = &quot;checkout&quot; && duration > 500ms }"
        rows={1}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <Button look="primary" icon="play" submit title="Run the query (Ctrl or ⌘ Enter)">Run</Button>
      {error && <QueryError id={errorId} query={query} error={error} />}
    </form>
  );
}

/** The message under the place where the query is wrong. */
function QueryError({ id, query, error }: { id: string; query: string; error: ApiError }) {
  const place = error.position === null ? null : locate(query, error.position);
  return (
    <div id={id} className={styles.error} role="alert">
      {place && (
        <pre className={styles.caret} aria-hidden="true">
          {place.line}
          {'\n'}
          {' '.repeat(place.column)}
          <span className={styles.mark}>▲</span>
        </pre>
      )}
      <p>
        <span aria-hidden="true">✖ </span>
        {place && <strong>Column {error.position}: </strong>}
        {error.message}
      </p>
      {error.hint && <p className={styles.hint}>{error.hint}</p>}
    </div>
  );
}

/** The line that holds the 1-based `position`, and the 0-based column in it. */
function locate(query: string, position: number): { line: string; column: number } {
  const offset = Math.min(Math.max(position - 1, 0), query.length);
  const start = query.lastIndexOf('\n', offset - 1) + 1;
  const end = query.indexOf('\n', offset);
  return { line: query.slice(start, end === -1 ? undefined : end), column: offset - start };
}
