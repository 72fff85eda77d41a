/**
 * The shapes of the API that the UI uses, from the server's own description.
 *
 * Absolute times are decimal strings of nanoseconds, durations numbers of nanoseconds. The server always writes every field, with
 * `null` where it has nothing; the description calls such fields optional, so `Whole` takes the question mark away.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

type Whole<T> = T extends readonly (infer Item)[] ? Whole<Item>[] : T extends object ? { [Key in keyof T]-?: Whole<Exclude<T[Key], undefined>> } : T;

export type Status = Whole<Schemas['Status']>;
export type Services = Whole<Schemas['Services']>;
export type ServiceCount = Whole<Schemas['ServiceCount']>;
export type Operations = Whole<Schemas['Operations']>;
export type Attribute = Whole<Schemas['Attribute']>;
export type MatchedSpan = Whole<Schemas['MatchedSpan']>;
export type TraceSummary = Whole<Schemas['TraceSummary']>;
export type SearchAnswer = Whole<Schemas['SearchResponse']>;
export type TraceSpan = Whole<Schemas['SpanRow']>;
export type Trace = Whole<Schemas['TraceResponse']>;
export type SpanEvent = Whole<Schemas['SpanEvent']>;
export type SpanDetails = Whole<Schemas['SpanDetails']>;
export type SpanDetailsAnswer = Whole<Schemas['SpanDetailsResponse']>;
