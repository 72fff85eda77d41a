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
        placeholder="{ span:duration > 500ms }"
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
        {place && <strong>{place.where}: </strong>}
        {error.message}
      </p>
      {error.hint && <p className={styles.hint}>{error.hint}</p>}
    </div>
  );
}

/** The line that holds the zero-based `position`, the column in it, and both in words. */
function locate(query: string, position: number): { line: string; column: number; where: string } {
  // The server counts characters, a string counts UTF-16 units.
  const before = Array.from(query).slice(0, Math.max(position, 0)).join('').split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = query.split('\n')[before.length - 1] ?? '';
  return { line, column, where: before.length > 1 ? `Line ${before.length}, column ${column + 1}` : `Column ${column + 1}` };
}
