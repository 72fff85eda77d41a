/** Generated from docs/openapi.json by `npm run gen`; do not edit. */
export interface paths {
    "/api/v1/attributes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Attribute names in the range. */
        get: operations["attributeNames"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/attributes/{scope}/{name}/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Values of an attribute in the range, the most frequent first. */
        get: operations["attributeValues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** In what two cohorts of spans differ, attribute by attribute. */
        get: operations["compare"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/edges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calls between services, and what they reach besides, counted from all spans that arrived. */
        get: operations["edges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/erasures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The erasures that are not forgotten. */
        get: operations["erasures"];
        put?: never;
        /** Erases traces: hidden at once, gone from every file by a deadline. */
        post: operations["erase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/erasures/{id}/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Searches every file for the traces of an erasure. Reads everything that is stored; one search runs at a time. */
        get: operations["erasureProof"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How a question is answered, and what that costs. */
        get: operations["explain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Whole traces, or the spans of a time range, as OTLP messages `TracesData`, each after its length as a varint.
         * @description An answer that breaks off is not whole: its connection ends with an error.
         */
        post: operations["export"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/heatmap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How long spans took, over time. */
        get: operations["heatmap"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/map": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Services, what they call, and how that goes against what is usual, for any range. */
        get: operations["map"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Series over time of the spans that a query finds. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The pins that have not expired. */
        get: operations["pins"];
        put?: never;
        /** Keeps traces beyond their retention. */
        post: operations["pin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pins/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a pin before its time. */
        delete: operations["unpin"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rollups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rate, errors and durations by operation, counted from all spans that arrived. */
        get: operations["rollups"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest traces with a span that matches, or those that are first in another order. */
        get: operations["search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Services with spans in the range. */
        get: operations["services"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/services/{service}/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Operations of a service with spans in the range. */
        get: operations["operations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What runs here and what it holds. */
        get: operations["status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/structure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The traces that a query finds, merged into one tree by service, name and kind. */
        get: operations["structure"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A trace as a waterfall needs it. */
        get: operations["trace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What spans of a trace link to, and which spans elsewhere link to it. */
        get: operations["traceLinks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Log records that carry the id of the trace; none is no error, nor is a trace without spans. */
        get: operations["traceLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/matches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which spans of a trace meet a filter, by their places in its skeleton. */
        get: operations["traceMatches"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/otlp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The trace as OTLP/JSON, to keep or to send on. */
        get: operations["traceOtlp"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/skeleton": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A trace as columns, in a binary form that a browser reads in place: first a preview, then the whole. `docs/trace-skeleton.md` describes it. */
        get: operations["traceSkeleton"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/spans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Everything of some spans of a trace, but for the rest of long values. */
        post: operations["spanSheets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/spans/{spanId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything of one span; a list, since senders may reuse an id. */
        get: operations["span"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/spans/{spanId}/value": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A part of one value of a span. */
        get: operations["spanValue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/traces/{traceId}/usual": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How long the operations of a trace usually take, and how often they fail, counted from all spans that arrived. */
        get: operations["traceUsual"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why a question finds nothing: what each condition finds by itself, what the others find without it, and what is in its way. */
        get: operations["why"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What an answer was, and what it took. */
        AnswerCost: {
            /**
             * Format: int64
             * @description Traces of the first page of a search, or series of metrics.
             */
            found: number;
            /** @description Why the answer is not whole, or null. */
            partial?: string | null;
            /** @description What was read. */
            report: components["schemas"]["ReadReport"];
        };
        /** @description An attribute. */
        Attribute: {
            /** @description The name. */
            key: string;
            /** @description `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`. */
            type: string;
            /** @description The value as text; arrays and key-value lists as OTLP/JSON, bytes as base64. */
            value: string;
        };
        /** @description Attribute names by scope. */
        AttributeNames: {
            /** @description Why some may be missing, or null. */
            partial?: string | null;
            /** @description In the order resource, span, event, link, instrumentation. */
            scopes: components["schemas"]["ScopeNames"][];
        };
        /** @description A value and how often it occurs. */
        AttributeValue: {
            /**
             * Format: int64
             * @description Spans (events, links) that carry it in the range.
             */
            count: number;
            /** @description `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`. */
            type: string;
            /** @description The value as text; arrays and key-value lists as OTLP/JSON, bytes as base64. */
            value: string;
        };
        /** @description Values of an attribute, the most frequent first. */
        AttributeValues: {
            /** @description Why some may be missing, or null. */
            partial?: string | null;
            /** @description Whether there are more than the limit. */
            truncated: boolean;
            /** @description At most `limit`. */
            values: components["schemas"]["AttributeValue"][];
        };
        /** @description What a condition finds. */
        ClauseFacts: {
            field?: components["schemas"]["FieldFacts"] | null;
            /** @description Whether only whole traces tell; then spans count that may meet it. */
            isOfTraces: boolean;
            /**
             * Format: int64
             * @description Spans that meet it alone.
             */
            matched: number;
            /** @description The condition. */
            text: string;
            /**
             * Format: int64
             * @description Spans that meet all others of its filter.
             */
            without: number;
        };
        /** @description How large a cohort is. */
        CohortSize: {
            /**
             * Format: double
             * @description How many they stand for, by the sampling probabilities in their trace states.
             */
            adjustedCount: number;
            /**
             * Format: int64
             * @description Its spans.
             */
            spanCount: number;
        };
        /** @description In what they differ. */
        CompareResponse: {
            /** @description Of the baseline. */
            baseline: components["schemas"]["CohortSize"];
            /** @description By attribute: those that differ most first, then those without enough evidence, then those with a value of its own for hardly any two spans. */
            differences: components["schemas"]["Difference"][];
            /** @description Why spans or attributes may be missing, or null. */
            partial?: string | null;
            /** @description What was read. */
            report: components["schemas"]["ReadReport"];
            /** @description Of the selection. */
            selection: components["schemas"]["CohortSize"];
            /** @description What the first three say, for people. */
            sentences: string[];
        };
        /** @description A value of which only the beginning is there. */
        CutValue: {
            /**
             * Format: int64
             * @description Bytes of the whole value.
             */
            bytes: number;
            /** @description Which. */
            path: string;
        };
        /** @description How the values of an attribute differ. */
        Difference: {
            /** @description As TraceQL writes it. */
            attribute: string;
            /**
             * Format: double
             * @description The part of the baseline that has no value.
             */
            baselineMissing: number;
            /**
             * Format: double
             * @description The Jensen–Shannon divergence in bits; 0 to 1.
             */
            divergence: number;
            /** @description Other attributes that divide the spans in the same way. */
            equivalent: string[];
            /** @description `enough`, `notEnough` or `nearlyUnique`. */
            evidence: string;
            /** @description Whether the selection is made by it, so that it is no news. */
            isAsked: boolean;
            /**
             * Format: double
             * @description Half the width of its interval of 95 % confidence.
             */
            margin: number;
            /**
             * Format: double
             * @description Divergence times support; 0 to 1.
             */
            score: number;
            /**
             * Format: double
             * @description The part of the selection that has no value.
             */
            selectionMissing: number;
            /**
             * Format: double
             * @description The part of the spans that have the attribute, of the cohort where it is larger.
             */
            support: number;
            /**
             * Format: int64
             * @description Distinct values, or of numbers taken together octaves.
             */
            valueCount: number;
            /** @description Those whose parts differ most. */
            values: components["schemas"]["ValueShare"][];
        };
        /** @description An end of an edge. */
        EdgeEnd: {
            /** @description `service`, `database`, `queue`, `external`, `user` or `unknown`. */
            kind: string;
            /** @description Empty for users and unknown ends. */
            name: string;
        };
        /** @description Calls from one end to another in one interval, provisional for recent ones: ends become known as the spans of a trace come together. */
        EdgeRow: {
            /** @description Who is called. */
            callee: components["schemas"]["EdgeEnd"];
            /** @description Who calls. */
            caller: components["schemas"]["EdgeEnd"];
            /** @description As the caller saw it. */
            client: components["schemas"]["Figures"];
            /** @description `http`, `rpc`, `messaging`, `database` or `unspecified`. */
            connection: string;
            /** @description The interval holds calls that start in it. */
            intervalStartUnixNano: string;
            /** @description Whether these are calls that had no room under a row of their own; the ends are unknown then. */
            overflow: boolean;
            /** @description As the callee saw it. */
            server: components["schemas"]["Figures"];
        };
        /** @description Calls between services. */
        EdgesResponse: {
            /** @description Why something may be missing, or null. */
            partial?: string | null;
            /**
             * Format: int32
             * @description Length of the intervals.
             */
            resolutionSeconds: number;
            /** @description By interval, then caller and callee. */
            rows: components["schemas"]["EdgeRow"][];
        };
        /** @description Traces that are hidden, and gone from every file once the erasure is complete. */
        Erasure: {
            /** @description When the last file that held them was removed, or null. */
            completedUnixNano?: string | null;
            /** @description When it was made. */
            createdUnixNano: string;
            /** @description When the bytes are gone at the latest. */
            deadlineUnixNano: string;
            /**
             * Format: int64
             * @description Its number.
             */
            id: number;
            /** @description Why. */
            reason: string;
            /** @description Until when spans of these traces that arrive late are erased too; then the erasure is forgotten. */
            rememberedUntilUnixNano: string;
            /** @description `open`, `overdue` (open past its deadline: the server's log says what is in the way) or `complete`. */
            state: string;
            /**
             * Format: int64
             * @description How many traces; also those that the store never had.
             */
            traceCount: number;
        };
        /** @description A file that holds something of an erased trace. */
        ErasureFinding: {
            /** @description In the data folder. */
            path: string;
            /** @description 32 hexadecimal digits each. */
            traceIds: string[];
        };
        /** @description What a search of every file for the traces of an erasure found. */
        ErasureProof: {
            /** @description Whether every file was searched and none holds anything of its traces. */
            absent: boolean;
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /** @description The erasure, as it stood before the search. */
            erasure: components["schemas"]["Erasure"];
            /**
             * Format: int64
             * @description Files that were read.
             */
            files: number;
            /** @description Files that hold something. */
            findings: components["schemas"]["ErasureFinding"][];
            /** @description When the search ended. */
            searchedUnixNano: string;
            /** @description Files that could not be searched; they prove nothing. */
            unreadable: string[];
        };
        /** @description Traces to erase. */
        ErasureRequest: {
            /** @description Why; at most 1,000 bytes. It is kept with the erasure, so do not name whom it is about. */
            reason: string;
            /** @description At most 10,000. */
            traces: components["schemas"]["TraceSelection"];
            /**
             * Format: int64
             * @description By when the bytes have to be gone from every file, whoever still reads them: seconds from now, default 3600, at most 2592000.
             */
            withinSeconds?: number | null;
        };
        /** @description The erasures that are not forgotten. */
        Erasures: {
            /** @description Oldest first. */
            erasures: components["schemas"]["Erasure"][];
        };
        /** @description Body of every 4xx and 5xx answer. */
        ErrorBody: {
            /** @description A stable word: `invalid_query`, `invalid_parameter`, `invalid_body`, `not_found`, `changed`, `limited`, `unavailable`, `corrupt`, `internal`. */
            code: string;
            /** @description What to do instead. */
            hint?: string | null;
            /** @description What went wrong, for a person. */
            message: string;
            /**
             * Format: int32
             * @description Zero-based column in the query, for `invalid_query`.
             */
            position?: number | null;
            /** @description Names this answer in the server's log. */
            requestId: string;
        };
        /** @description A span that a point was made of. */
        Exemplar: {
            /** @description When it started. */
            startUnixNano: string;
            /** @description 32 hexadecimal digits. */
            traceId: string;
            /**
             * Format: double
             * @description Its value; of counts its duration in seconds.
             */
            value: number;
        };
        /** @description How a question is answered. */
        Explanation: {
            answer?: components["schemas"]["AnswerCost"] | null;
            /** @description What is done, each step behind what it is part of. */
            plan: components["schemas"]["PlanStep"][];
            /** @description The TraceQL, formatted. */
            query: string;
        };
        /** @description What to export: the whole traces of a selection, or the spans of a time range. */
        ExportRequest: {
            /**
             * @description With ids or a query, whole traces, each span once; at most 100,000. With neither, the spans that started in the range, as they are
             *     stored: in no order, and a span that was sent twice may come twice.
             */
            traces: components["schemas"]["TraceSelection"];
        };
        /** @description What is known of a field. */
        FieldFacts: {
            /** @description As TraceQL writes it. */
            name: string;
            /**
             * Format: int64
             * @description Of them, those whose value is of the constant's type.
             */
            ofType: number;
            /** @description The types of the other values. */
            otherTypes: string[];
            /**
             * Format: int64
             * @description Spans that have it.
             */
            present: number;
            /** @description Attributes that are there and may be meant, where this one is not. */
            similarNames: string[];
            /** @description Values that are there and may be meant, where this one is not. */
            similarValues: string[];
        };
        /** @description Count and durations of some spans. */
        Figures: {
            /**
             * Format: double
             * @description How many spans they stand for, by the probability of their head samplers.
             */
            adjustedCount: number;
            /**
             * Format: int64
             * @description Spans.
             */
            count: number;
            /**
             * Format: double
             * @description Sum of their durations.
             */
            durationSumNano: number;
            /**
             * Format: int64
             * @description Of them, with status error.
             */
            errors: number;
            /**
             * Format: double
             * @description Half of them are not longer, about; null when there are none.
             */
            p50Nano?: number | null;
            /**
             * Format: double
             * @description 95 % of them are not longer.
             */
            p95Nano?: number | null;
            /**
             * Format: double
             * @description 99 % of them are not longer.
             */
            p99Nano?: number | null;
        };
        /** @description What a filter finds. */
        FilterFacts: {
            /** @description The conditions that it joins with `&&`. */
            clauses: components["schemas"]["ClauseFacts"][];
            /**
             * Format: int64
             * @description Spans that meet it.
             */
            matched: number;
            /** @description The filter. */
            text: string;
        };
        /** @description Counts by interval and duration. */
        HeatmapResponse: {
            /** @description End of the last. */
            endUnixNano: string;
            /** @description Whether spans count for others that sampling left out. */
            isEstimate: boolean;
            /** @description Why spans may be missing, or null. */
            partial?: string | null;
            /** @description The TraceQL that ran, formatted. */
            query: string;
            /** @description What was read. */
            report: components["schemas"]["ReadReport"];
            /** @description From the shortest durations to the longest. */
            rows: components["schemas"]["HeatmapRow"][];
            /**
             * Format: int64
             * @description Spans counted.
             */
            spanCount: number;
            /** @description Start of the first interval. */
            startUnixNano: string;
        };
        /** @description Spans of about the same duration. */
        HeatmapRow: {
            /** @description Spans by interval. */
            counts: number[];
            /**
             * Format: double
             * @description The least duration in nanoseconds, inclusive.
             */
            fromNano: number;
            /**
             * Format: double
             * @description The end of the durations, exclusive.
             */
            toNano: number;
        };
        /** @description A span of another trace that links to this one. */
        IncomingLink: {
            /** @description Its name. */
            name: string;
            /** @description Its `service.name`. */
            service: string;
            /** @description The span, 16 hexadecimal digits. */
            spanId: string;
            /** @description When it started. */
            startUnixNano: string;
            /** @description The spans of this trace that it names. */
            toSpanIds: string[];
            /** @description Its trace, 32 hexadecimal digits. */
            traceId: string;
        };
        /** @description What is known of another trace. */
        LinkedTrace: {
            /**
             * Format: int64
             * @description From the earliest start to the latest end.
             */
            durationNano: number;
            /**
             * Format: int64
             * @description Of them, with status error.
             */
            errorCount: number;
            /** @description Whether a span without parent was received. */
            hasRoot: boolean;
            /** @description Name of that span. */
            rootName?: string | null;
            /** @description Service of the root; of another span while the root is missing. */
            rootService?: string | null;
            /**
             * Format: int64
             * @description Spans received.
             */
            spanCount: number;
            /** @description Of the earliest span. */
            startUnixNano: string;
            /** @description 32 hexadecimal digits. */
            traceId: string;
        };
        /** @description Everything of one log record. */
        LogRecord: {
            /** @description In the sender's order. */
            attributes: components["schemas"]["Attribute"][];
            /** @description The message, or a structure, written as an attribute's value is. */
            body: string;
            /** @description Of the body: `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`. */
            bodyType: string;
            /**
             * Format: int32
             * @description Attributes that the sender discarded.
             */
            droppedAttributesCount: number;
            /** @description The kind of event, for records that are events, or null. */
            eventName?: string | null;
            /**
             * Format: int32
             * @description W3C trace flags.
             */
            flags: number;
            /** @description When a collection system saw it, or `0`. */
            observedTimeUnixNano: string;
            /** @description What produced it. */
            resource: components["schemas"]["Resource"];
            /** @description The instrumentation that produced it. */
            scope: components["schemas"]["Scope"];
            /** @description `service.name` of its resource. */
            service: string;
            /** @description `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `unspecified`. */
            severity: string;
            /**
             * Format: int32
             * @description As OTLP numbers it: 1 to 24, 0 for none.
             */
            severityNumber: number;
            /** @description The severity as the source called it, or null. */
            severityText?: string | null;
            /** @description When it happened, else when it was first seen, else when it was received. */
            sortTimeUnixNano: string;
            /** @description 16 hexadecimal digits, or null for a record of no span. */
            spanId?: string | null;
            /** @description When it happened, or `0`. */
            timeUnixNano: string;
        };
        /** @description Calls from one node to another, provisional for recent ones: ends become known as the spans of a trace come together. */
        MapEdge: {
            /** @description Key of the callee. */
            callee: string;
            /** @description Key of the caller. */
            caller: string;
            /**
             * Format: int64
             * @description Calls: those of the side that knows of more.
             */
            calls: number;
            /** @description As the caller saw them. */
            client: components["schemas"]["UsualFigures"];
            /** @description `http`, `rpc`, `messaging`, `database` or `unspecified`. */
            connection: string;
            /** @description The same for the same edge in every answer: the keys of both ends and the connection, with `→` and ` ` between. */
            key: string;
            /**
             * Format: double
             * @description Calls a second.
             */
            rate: number;
            /** @description As the callee saw them. */
            server: components["schemas"]["UsualFigures"];
            usual?: components["schemas"]["UsualFigures"] | null;
        };
        /** @description A service, or something that services call. */
        MapNode: components["schemas"]["EdgeEnd"] & {
            /** @description Of a service whether `figures` are of its server and consumer spans; otherwise they are of all of its spans. Of anything else they are of the calls to it. */
            entry: boolean;
            /** @description How it did in the range. */
            figures: components["schemas"]["UsualFigures"];
            /** @description The same for the same node in every answer: its kind, a colon, its name. */
            key: string;
            /**
             * Format: double
             * @description Requests a second.
             */
            rate: number;
            usual?: components["schemas"]["UsualFigures"] | null;
            /** @description `service.version`s, sorted; at most 10. */
            versions: string[];
        };
        /** @description Services, what they call, and how that goes, counted from all spans that arrived. */
        MapResponse: {
            /** @description By key; at most 10,000 between these nodes, those with most calls. */
            edges: components["schemas"]["MapEdge"][];
            /**
             * Format: int64
             * @description Edges beyond the limit, or to nodes beyond it.
             */
            edgesLeftOut: number;
            /** @description Intervals that begin before this count. */
            endUnixNano: string;
            /** @description By key; at most 2,000, those that were asked most. */
            nodes: components["schemas"]["MapNode"][];
            /**
             * Format: int64
             * @description Nodes beyond the limit.
             */
            nodesLeftOut: number;
            /** @description Why something may be missing, or null. */
            partial?: string | null;
            /** @description When the first interval begins that counts. */
            startUnixNano: string;
            /**
             * Format: int64
             * @description Calls that had no room under an edge of their own.
             */
            unnamedCalls: number;
            /** @description What is usual is that of the 24 hours before this. */
            usualUntilUnixNano: string;
        };
        /** @description Spans of a trace that match together. */
        MatchedGroup: {
            /** @description What the query groups by and what it counts, named as in the query. */
            labels: components["schemas"]["Attribute"][];
            /**
             * Format: int64
             * @description Spans of the group.
             */
            matched: number;
            /** @description Those of them that are shown. */
            spanIds: string[];
        };
        /** @description A span that matches. */
        MatchedSpan: {
            /** @description The attributes that the query names. */
            attributes: components["schemas"]["Attribute"][];
            /**
             * Format: int64
             * @description How long it took.
             */
            durationNano: number;
            /** @description The operation. */
            name: string;
            /** @description `service.name`. */
            service: string;
            /** @description 16 hexadecimal digits. */
            spanId: string;
            /** @description When it started. */
            startUnixNano: string;
            /** @description `unset`, `ok` or `error`. */
            status: string;
        };
        /** @description Series. */
        MetricsResponse: {
            /**
             * @description Whether spans count for others that sampling left out (by `ot=th` in their trace state), so that counts, sums and quantiles are estimates.
             *     `with (extrapolate=false)` counts the spans that are there.
             */
            isEstimate: boolean;
            /** @description Why spans or series may be missing, or null. */
            partial?: string | null;
            /** @description The TraceQL that ran, formatted. */
            query: string;
            /** @description What was read. */
            report: components["schemas"]["ReadReport"];
            /** @description By labels. */
            series: components["schemas"]["MetricsSeries"][];
            /** @description Time of the first point: a point stands for the interval that begins there. */
            startUnixNano: string;
            /**
             * Format: int64
             * @description From point to point, in nanoseconds.
             */
            stepNano: number;
        };
        /** @description A series. */
        MetricsSeries: {
            /** @description Some of the spans that it is made of. */
            exemplars: components["schemas"]["Exemplar"][];
            /** @description What tells it from the others. */
            labels: components["schemas"]["Attribute"][];
            /** @description A value for each interval, null where there is none; durations in seconds. */
            points: (number | null)[];
        };
        /** @description A span name and kind. */
        Operation: {
            /** @description `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`. */
            kind: string;
            /** @description The span name. */
            name: string;
            /**
             * Format: int64
             * @description Its spans in the range.
             */
            spanCount: number;
        };
        /** @description Operations of a service. */
        Operations: {
            /** @description By name, then kind. */
            operations: components["schemas"]["Operation"][];
            /** @description Why some may be missing, or null. */
            partial?: string | null;
        };
        /** @description A link of a span of the trace. */
        OutgoingLink: {
            /** @description The span that has it, 16 hexadecimal digits. */
            spanId: string;
            /** @description The span that it names, or null. */
            toSpanId?: string | null;
            /** @description The trace that it names, 32 hexadecimal digits. */
            toTraceId: string;
        };
        /** @description Traces that are kept beyond their retention. */
        Pin: {
            /** @description When it was made. */
            createdUnixNano: string;
            /** @description When retention takes over again. */
            expiresUnixNano: string;
            /**
             * Format: int64
             * @description Its number.
             */
            id: number;
            /** @description Why. */
            reason: string;
            /** @description 32 hexadecimal digits each. */
            traceIds: string[];
        };
        /** @description Traces to keep beyond their retention. */
        PinRequest: {
            /**
             * Format: int64
             * @description When retention takes over again, Unix milliseconds.
             */
            expires: number;
            /** @description Why, for the person who finds the pin later; at most 1,000 bytes. */
            reason: string;
            /** @description At most 10,000. */
            traces: components["schemas"]["TraceSelection"];
        };
        /** @description The pins that have not expired. */
        Pins: {
            /** @description Oldest first. */
            pins: components["schemas"]["Pin"][];
        };
        /** @description A step of a plan. */
        PlanStep: {
            /**
             * Format: int32
             * @description How many steps it is part of.
             */
            depth: number;
            /** @description What is done. */
            text: string;
        };
        /** @description What an answer cost. */
        ReadReport: {
            /**
             * Format: int64
             * @description Blocks ruled out, for whatever reason.
             */
            blocksPruned: number;
            /**
             * Format: int64
             * @description Of them, by their own index.
             */
            blocksPrunedByIndex: number;
            /**
             * Format: int64
             * @description Of them, by what the catalog says of their values.
             */
            blocksPrunedByStatistics: number;
            /**
             * Format: int64
             * @description Of them, by the time of their spans.
             */
            blocksPrunedByTime: number;
            /**
             * Format: int64
             * @description Blocks of which something was read.
             */
            blocksRead: number;
            /**
             * Format: int64
             * @description Bytes that a cache held and that need not be read for it.
             */
            bytesCached: number;
            /**
             * Format: int64
             * @description Bytes read from storage.
             */
            bytesRead: number;
            /**
             * Format: int64
             * @description Microseconds from question to answer.
             */
            elapsedMicros: number;
            /**
             * Format: int64
             * @description Pages decoded.
             */
            pagesRead: number;
            /**
             * Format: int64
             * @description Pages of columns in use that were passed over.
             */
            pagesSkipped: number;
            /**
             * Format: int64
             * @description Row groups of which something was read.
             */
            rowGroupsRead: number;
            /**
             * Format: int64
             * @description Row groups of those blocks of which nothing was read.
             */
            rowGroupsSkipped: number;
            /**
             * Format: int64
             * @description Rows of which at least one column was decoded.
             */
            rowsDecoded: number;
            /**
             * Format: int64
             * @description Rows handed to the engine.
             */
            rowsRead: number;
        };
        /** @description The entity that produced a span. */
        Resource: {
            attributes: components["schemas"]["Attribute"][];
            /** Format: int32 */
            droppedAttributesCount: number;
            schemaUrl: string;
        };
        /** @description Spans of one operation in one interval, all that arrived, whether or not they are kept. */
        RollupRow: {
            /**
             * Format: int64
             * @description About how many bytes they take.
             */
            bytes: number;
            /** @description `deployment.environment.name`, or empty. */
            environment: string;
            /** @description Some of their traces: the slowest first, then some by lot. */
            exemplarTraceIds: string[];
            /** @description How many, and how long. */
            figures: components["schemas"]["Figures"];
            /** @description The interval holds spans that start in it. */
            intervalStartUnixNano: string;
            /** @description `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`. */
            kind: string;
            /** @description The span name. */
            operation: string;
            /** @description Whether these are spans that had no room under a row of their own; the fields above are empty then. */
            overflow: boolean;
            /** @description `service.name`. */
            service: string;
            /** @description `service.version`, or empty. */
            serviceVersion: string;
            /** @description `unset`, `ok` or `error`. */
            status: string;
        };
        /** @description Spans by operation. */
        RollupsResponse: {
            /** @description Why something may be missing, or null. */
            partial?: string | null;
            /**
             * Format: int32
             * @description Length of the intervals.
             */
            resolutionSeconds: number;
            /** @description By interval, then service, operation, kind and status. */
            rows: components["schemas"]["RollupRow"][];
        };
        /** @description The instrumentation that produced a span. */
        Scope: {
            attributes: components["schemas"]["Attribute"][];
            /** Format: int32 */
            droppedAttributesCount: number;
            name: string;
            schemaUrl: string;
            version: string;
        };
        /** @description Attribute names of one scope. */
        ScopeNames: {
            /** @description Sorted. */
            names: string[];
            /** @description `resource`, `span`, `event`, `link` or `instrumentation`. */
            scope: string;
        };
        /** @description Traces found, in the order asked for. */
        SearchResponse: {
            /** @description Gives the next page; null on the last. */
            nextCursor?: string | null;
            /** @description Why the answer is not whole, or null. */
            partial?: string | null;
            /** @description The TraceQL that ran, formatted. */
            query: string;
            /** @description What was read. */
            report: components["schemas"]["ReadReport"];
            /** @description One page. */
            traces: components["schemas"]["TraceSummary"][];
        };
        /** @description A service. */
        Service: {
            /**
             * Format: int64
             * @description Of them, with status error.
             */
            errorCount: number;
            /** @description `service.name`; empty for spans without one. */
            name: string;
            /**
             * Format: int64
             * @description Its spans in the range.
             */
            spanCount: number;
        };
        /** @description A service's part of a trace. */
        ServiceCount: {
            /** Format: int64 */
            errorCount: number;
            name: string;
            /** Format: int64 */
            spanCount: number;
        };
        /** @description Services with spans in the range. */
        Services: {
            /** @description Why some may be missing, or null. */
            partial?: string | null;
            /** @description By name. */
            services: components["schemas"]["Service"][];
        };
        /** @description Everything of one span. */
        SpanDetails: {
            attributes: components["schemas"]["Attribute"][];
            /** Format: int32 */
            droppedAttributesCount: number;
            /** Format: int32 */
            droppedEventsCount: number;
            /** Format: int32 */
            droppedLinksCount: number;
            /** Format: int64 */
            durationNano: number;
            endUnixNano: string;
            events: components["schemas"]["SpanEvent"][];
            /** Format: int32 */
            flags: number;
            kind: string;
            links: components["schemas"]["SpanLink"][];
            name: string;
            parentSpanId?: string | null;
            resource: components["schemas"]["Resource"];
            scope: components["schemas"]["Scope"];
            service: string;
            spanId: string;
            startUnixNano: string;
            status: string;
            statusMessage?: string | null;
            traceId: string;
            traceState: string;
        };
        /** @description The spans of one id; more than one when senders reused it. */
        SpanDetailsResponse: {
            /** @description At least one. */
            spans: components["schemas"]["SpanDetails"][];
        };
        /** @description An event. */
        SpanEvent: {
            attributes: components["schemas"]["Attribute"][];
            /** Format: int32 */
            droppedAttributesCount: number;
            name: string;
            timeUnixNano: string;
        };
        /** @description A link. */
        SpanLink: {
            attributes: components["schemas"]["Attribute"][];
            /** Format: int32 */
            droppedAttributesCount: number;
            /** Format: int32 */
            flags: number;
            spanId?: string | null;
            traceId?: string | null;
            traceState: string;
        };
        /** @description A span of a trace. */
        SpanReference: {
            /** @description 16 hexadecimal digits. */
            spanId: string;
            /** @description 32 hexadecimal digits. */
            traceId: string;
        };
        /** @description One span of a waterfall. */
        SpanRow: {
            /**
             * Format: int64
             * @description How long it took; 0 when it ended before it started.
             */
            durationNano: number;
            /**
             * Format: int32
             * @description Events.
             */
            eventCount: number;
            /** @description Of `exception`, `unfinished`, `conflicting`, `ends_before_start`, `redacted`. */
            flags: string[];
            /** @description `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`. */
            kind: string;
            /**
             * Format: int32
             * @description Links.
             */
            linkCount: number;
            /** @description The operation. */
            name: string;
            /** @description 16 hexadecimal digits, or null for a root. */
            parentSpanId?: string | null;
            /**
             * Format: int32
             * @description Index into the trace's services.
             */
            service: number;
            /** @description 16 hexadecimal digits. */
            spanId: string;
            /**
             * Format: int64
             * @description From the trace's start.
             */
            startOffsetNano: number;
            /** @description `unset`, `ok` or `error`. */
            status: string;
            /** @description The developer's message about an error, or null. */
            statusMessage?: string | null;
        };
        /**
         * @description A span, and what is to be known of its values. A path names a value: `name`, `statusMessage`, `traceState`, `attributes/3`, `events/0/name`,
         *     `events/0/attributes/1`, `links/0/traceState`, `links/0/attributes/1`, `resource/attributes/3`, `scope/attributes/0`; numbers count from 0.
         */
        SpanSheet: {
            /** @description Whether another span has its id, kind and service, and other contents. */
            conflicting: boolean;
            /** @description Values that were cut. */
            cut: components["schemas"]["CutValue"][];
            /** @description Paths of values in which something was redacted. */
            redacted: string[];
            /** @description Everything of the span, long values cut. */
            span: components["schemas"]["SpanDetails"];
            /**
             * Format: int32
             * @description Which of the spans that share its id, counted from 0.
             */
            twin: number;
        };
        /** @description Which spans. */
        SpanSheetsRequest: {
            /** @description 16 hexadecimal digits each; at most 256. */
            spanIds: string[];
            /**
             * Format: int32
             * @description Longer values are cut behind so many bytes; default 4096, at most 65536.
             */
            valueBytes?: number | null;
        };
        /** @description Spans of a trace. */
        SpanSheetsResponse: {
            /** @description Ids that no span of the trace has. */
            absent: string[];
            /** @description Ids for which the answer has no room; ask again for these. */
            leftOut: string[];
            /** @description Why spans may be missing, or null. */
            partial?: string | null;
            /** @description In the order of the request; those that share an id by start. */
            spans: components["schemas"]["SpanSheet"][];
        };
        /** @description A part of a value. */
        SpanValuePart: {
            /**
             * Format: int64
             * @description Bytes of the whole value.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Where the next part begins, or null at the end.
             */
            next?: number | null;
            /**
             * Format: int64
             * @description Where the text begins, in bytes.
             */
            offset: number;
            /** @description The part: whole characters. */
            text: string;
        };
        /** @description What runs here and what it holds. */
        Status: {
            /** @description Start of the newest span, or null without spans. */
            newestUnixNano?: string | null;
            /** @description The server's clock, nanoseconds since the Unix epoch. */
            nowUnixNano: string;
            /** @description Start of the oldest span, or null without spans. */
            oldestUnixNano?: string | null;
            /**
             * Format: int64
             * @description Spans held.
             */
            spans: number;
            /** @description Nanoseconds since the Unix epoch. */
            startedAtUnixNano: string;
            /** @description Of the binary. */
            version: string;
        };
        /** @description Spans that the same spans lead to. */
        StructureNode: {
            /**
             * Format: int64
             * @description Their parts of the critical paths, added up.
             */
            criticalNano: number;
            /**
             * Format: int64
             * @description Of them, those with status error.
             */
            errorCount: number;
            /** @description The longest of them. */
            examples: components["schemas"]["SpanReference"][];
            /** @description Their kind. */
            kind: string;
            /** @description Their name. */
            name: string;
            /**
             * Format: int64
             * @description Half of them took no longer.
             */
            p50Nano: number;
            /**
             * Format: int64
             * @description 95 of a hundred took no longer.
             */
            p95Nano: number;
            /**
             * Format: int32
             * @description The number of the node above it; null for roots, and for spans whose parent was not received.
             */
            parent?: number | null;
            /**
             * Format: int64
             * @description When none of their children ran, added up.
             */
            selfNano: number;
            /** @description `service.name`, or empty. */
            service: string;
            /**
             * Format: int64
             * @description How many there are.
             */
            spanCount: number;
            /**
             * Format: int64
             * @description In how many traces.
             */
            traceCount: number;
        };
        /** @description The merged tree of some traces. */
        StructureResponse: {
            /**
             * Format: int64
             * @description The durations of the traces, added up; what the critical parts of all nodes lack of it are gaps in which no span ran, and what is left out.
             */
            durationNano: number;
            /** @description Whether more traces match. */
            hasMore: boolean;
            /**
             * Format: int64
             * @description Spans that are in no node, since there would have been more than 2,000.
             */
            leftOut: number;
            /** @description Each behind its parent; of one parent those with the most of the critical path first. */
            nodes: components["schemas"]["StructureNode"][];
            /** @description Why traces may be missing, or null. */
            partial?: string | null;
            /** @description The TraceQL that ran, formatted. */
            query: string;
            /** @description What was read, beside the search. */
            report: components["schemas"]["ReadReport"];
            /**
             * Format: int64
             * @description Their spans.
             */
            spanCount: number;
            /**
             * Format: int64
             * @description Traces that are merged.
             */
            traceCount: number;
        };
        /** @description What is known of a trace as a whole. */
        TraceFacts: {
            /** @description One root, and every parent was received. */
            complete: boolean;
            /**
             * Format: int64
             * @description Spans that were received again with other contents; both are shown.
             */
            conflictingSpans: number;
            /**
             * Format: int64
             * @description Parents that spans name and that were not received.
             */
            missingParents: number;
            /**
             * Format: int64
             * @description Spans without parent.
             */
            roots: number;
        };
        /** @description Links of a trace's spans, and of spans elsewhere to it. */
        TraceLinksResponse: {
            /** @description Spans of other traces that link to this one, those of the newest traces first. */
            incoming: components["schemas"]["IncomingLink"][];
            /** @description Whether there are more such traces in the range. */
            incomingHasMore: boolean;
            /** @description Links of the trace's spans; at most 1,000. */
            outgoing: components["schemas"]["OutgoingLink"][];
            /**
             * Format: int64
             * @description Links that are not in the list: beyond the limit, or without a valid trace id.
             */
            outgoingLeftOut: number;
            /** @description Why something may be missing, or null. */
            partial?: string | null;
            /** @description The range that was searched for them. */
            searchedFromUnixNano: string;
            /** @description Its end. */
            searchedToUnixNano: string;
            /** @description The other traces, by id. One that `outgoing` names and that is not here is not stored; of more than 200, some are not looked for. */
            traces: components["schemas"]["LinkedTrace"][];
        };
        /** @description Log records that carry the id of one trace. */
        TraceLogsResponse: {
            /** @description By time, the earliest first. */
            logs: components["schemas"]["LogRecord"][];
            /** @description Why records may be missing, or null. */
            partial?: string | null;
        };
        /** @description The spans of a trace that meet a filter. */
        TraceMatches: {
            /** @description A bit for each place, base64: place `n` is bit `n % 8`, counted from the least, of byte `n / 8`. */
            bitmap: string;
            /**
             * Format: int64
             * @description Of them, those that match.
             */
            count: number;
            /** @description `order` of the skeleton whose places these are; of another skeleton they are not. */
            order: string;
            /** @description Why spans may be missing, or null. */
            partial?: string | null;
            /** @description The TraceQL that ran, formatted. */
            query: string;
            /**
             * Format: int64
             * @description Spans of the trace.
             */
            spans: number;
        };
        /** @description A trace as a waterfall needs it. Attributes come with the details of single spans. */
        TraceResponse: {
            /**
             * Format: int64
             * @description From the earliest start to the latest end.
             */
            durationNano: number;
            /**
             * Format: int64
             * @description Of them, with status error.
             */
            errorCount: number;
            /** @description What is known of the trace as a whole. */
            facts: components["schemas"]["TraceFacts"];
            /** @description Names that `SpanRow::service` indexes. */
            services: string[];
            /**
             * Format: int64
             * @description Spans, duplicates counted once.
             */
            spanCount: number;
            /** @description By start, then end (longest first), then span id. */
            spans: components["schemas"]["SpanRow"][];
            /** @description Of the earliest span. */
            startUnixNano: string;
            /** @description 32 hexadecimal digits. */
            traceId: string;
        };
        /** @description Which traces: by id, or every trace with a span that matches a query. */
        TraceSelection: {
            /**
             * Format: int64
             * @description For `query`: end of the range, Unix milliseconds; default now.
             */
            end?: number | null;
            /** @description TraceQL, resolved to trace ids once, now. */
            query?: string | null;
            /**
             * Format: int64
             * @description For `query`, which needs it: start of the range in which matching spans started, Unix milliseconds.
             */
            start?: number | null;
            /** @description 16 or 32 hexadecimal digits each. Not together with `query`. */
            traceIds?: string[];
        };
        /** @description A trace of a result list. */
        TraceSummary: {
            /**
             * Format: int64
             * @description From the earliest start to the latest end.
             */
            durationNano: number;
            /**
             * Format: int64
             * @description Of them, with status error.
             */
            errorCount: number;
            /** @description The groups that the query makes of them; empty unless it groups (`by`) or counts (`count() > 2`). */
            groups?: components["schemas"]["MatchedGroup"][];
            /** @description Whether a span without parent was received. */
            hasRoot: boolean;
            /**
             * Format: int64
             * @description Spans that match.
             */
            matched: number;
            /** @description Name of the root; of the earliest span while the root is missing. */
            rootName?: string | null;
            /** @description Service of the root; of the earliest span while the root is missing. */
            rootService?: string | null;
            /** @description By name. */
            services: components["schemas"]["ServiceCount"][];
            /**
             * Format: int64
             * @description Spans received.
             */
            spanCount: number;
            /** @description Some of them, group by group, the earliest first. */
            spans: components["schemas"]["MatchedSpan"][];
            /** @description Of the earliest span. */
            startUnixNano: string;
            /** @description 32 hexadecimal digits. */
            traceId: string;
        };
        /**
         * @description Count and quantiles of durations. A quantile is null when there are too few spans to say: unless five or more lie above it, so with less than 10
         *     (p50), 100 (p95) or 500 (p99).
         */
        UsualFigures: {
            /**
             * Format: int64
             * @description Spans.
             */
            count: number;
            /**
             * Format: int64
             * @description Of them, with status error.
             */
            errors: number;
            /**
             * Format: double
             * @description Half of them are not longer, about.
             */
            p50Nano?: number | null;
            /**
             * Format: double
             * @description 95 % of them are not longer.
             */
            p95Nano?: number | null;
            /**
             * Format: double
             * @description 99 % of them are not longer.
             */
            p99Nano?: number | null;
        };
        /** @description An operation. */
        UsualOperation: components["schemas"]["UsualFigures"] & {
            /** @description `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`. */
            kind: string;
            /** @description The span name. */
            operation: string;
            /** @description `service.name`. */
            service: string;
        };
        /** @description What was counted of the operations of a trace, of all traces that arrived. */
        UsualResponse: {
            /** @description Hours that begin before this count. */
            endUnixNano: string;
            /** @description By service, then name, then kind: those operations of the trace of which something was counted. */
            operations: components["schemas"]["UsualOperation"][];
            /** @description Why something may be missing, or null. */
            partial?: string | null;
            /** @description When the first hour begins that counts. */
            startUnixNano: string;
            /**
             * Format: int64
             * @description Spans that may be of these operations, but had no room under a name of their own.
             */
            unnamed: number;
        };
        /** @description A value, and what part of each cohort has it. */
        ValueShare: {
            /**
             * Format: double
             * @description The part of the baseline.
             */
            baseline: number;
            /**
             * Format: double
             * @description The end of the numbers that are taken together, exclusive, or null.
             */
            end?: number | null;
            /**
             * Format: double
             * @description The part of the selection.
             */
            selection: number;
            /** @description The type of the value. */
            type: string;
            /** @description The value; of numbers that are taken together the least, inclusive. */
            value: string;
        };
        /** @description Why a question finds nothing. */
        Why: {
            /** @description When any span was last seen after it; likewise. */
            anyAfterUnixNano?: string | null;
            /** @description When any span was last seen before the time range; only where there is none in it. */
            anyBeforeUnixNano?: string | null;
            /** @description The filters of the question. */
            filters: components["schemas"]["FilterFacts"][];
            /** @description When spans that match were last seen after it. */
            matchingAfterUnixNano?: string | null;
            /** @description When spans that match were last seen before the time range, in nanoseconds; null when never, or when that is not known. */
            matchingBeforeUnixNano?: string | null;
            /** @description Why the counts may be too small, or null. */
            partial?: string | null;
            /** @description The TraceQL, formatted; places are columns of this text. */
            query: string;
            /** @description What was read. */
            report: components["schemas"]["ReadReport"];
            /**
             * Format: int64
             * @description Spans that started in the time range.
             */
            spanCount: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    attributeNames: {
        parameters: {
            query?: {
                /** @description Start of the range, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End of the range, Unix milliseconds; default now. */
                end?: number;
                /** @description Only this scope. */
                scope?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttributeNames"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    attributeValues: {
        parameters: {
            query?: {
                /** @description Start of the range, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End of the range, Unix milliseconds; default now. */
                end?: number;
                /** @description TraceQL filter on the spans; may be half-typed. */
                q?: string;
                /** @description Only values that begin so. */
                prefix?: string;
                /** @description Values at most; default 50, at most 1000. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description `resource`, `span`, `event`, `link` or `instrumentation` */
                scope: string;
                /** @description the attribute's name */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttributeValues"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    compare: {
        parameters: {
            query: {
                /** @description TraceQL of the spans that are looked at, for instance `{ status = error }`. */
                selection: string;
                /** @description TraceQL of the spans that these are compared with; default `{}`. Spans that are in the selection too are left out where that is one filter. */
                baseline?: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Start of the selection, where it is another. */
                selectionStart?: number;
                /** @description End of the selection, likewise. */
                selectionEnd?: number;
                /** @description Start of the baseline, likewise. */
                baselineStart?: number;
                /** @description End of the baseline, likewise. */
                baselineEnd?: number;
                /** @description Most values told of each attribute; default 10, at most 100. */
                top?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CompareResponse"];
                };
            };
            /** @description a query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    edges: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default an hour before the end. Intervals that begin in the range count. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Length of the intervals in seconds: 10, 60 (default) or 3600. */
                resolution?: number;
                /** @description Only of this service; of edges, those that begin or end at it. */
                service?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EdgesResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    erasures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Erasures"];
                };
            };
        };
    };
    erase: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ErasureRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Erasure"];
                };
            };
            /** @description the selection, the reason or the time is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a trace that is named is not there */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not sent as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description too many traces */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    erasureProof: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the erasure's number */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErasureProof"];
                };
            };
            /** @description not an id */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no such erasure, or it is forgotten */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description another search is under way */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    explain: {
        parameters: {
            query?: {
                /** @description TraceQL, a search or metrics; default `{}`. */
                q?: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Whether to answer the question too, and to tell what that cost; default true. */
                run?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            /** @description the query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    export: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExportRequest"];
            };
        };
        responses: {
            /** @description length-delimited OTLP `TracesData` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-protobuf": number[];
                };
            };
            /** @description the selection is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a trace that is named is not there */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not sent as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description too many traces, or too many exports at once */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    heatmap: {
        parameters: {
            query?: {
                /** @description TraceQL of the spans that count; default `{}`. */
                q?: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Intervals; default 120, at most 1000. */
                columns?: number;
                /** @description Most rows; default 60, at most 1000. */
                rows?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeatmapResponse"];
                };
            };
            /** @description the query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    map: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default an hour before the end. The interval that it lies in counts. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MapResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query: {
                /** @description TraceQL with a metrics function, for instance `{ status = error } | rate() by (resource.service.name)`. */
                q: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description From point to point, for instance `30s`; default a round one that gives some 240 points. `all` gives one point for the whole range. */
                step?: string;
                /** @description Exemplars at most; default none, at most 1000. */
                exemplars?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricsResponse"];
                };
            };
            /** @description the query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    pins: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pins"];
                };
            };
        };
    };
    pin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PinRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pin"];
                };
            };
            /** @description the selection, the reason or the time is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a trace that is named is not there */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not sent as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description too many traces */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    unpin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the pin's number */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description retention takes over again */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description not an id */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no such pin */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    rollups: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default an hour before the end. Intervals that begin in the range count. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Length of the intervals in seconds: 10, 60 (default) or 3600. */
                resolution?: number;
                /** @description Only of this service; of edges, those that begin or end at it. */
                service?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RollupsResponse"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    search: {
        parameters: {
            query?: {
                /** @description TraceQL, for instance `{ resource.service.name = "cart" && span:duration > 100ms }`; default `{}`. */
                q?: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Traces at most; default 20, at most 1000. */
                limit?: number;
                /** @description What comes first: `start` (the latest, default), `duration`, `spans` or `errors` (the most). All but `start` need every trace that matches to be known. */
                sort?: string;
                /** @description `nextCursor` of the page before, in the same order. */
                cursor?: string;
                /** @description Matched spans shown of each trace; default 3, at most 100. */
                spansPerTrace?: number;
                /** @description Only spans of this service. */
                service?: string;
                /** @description Only spans of this name. */
                operation?: string;
                /** @description Only spans at least this long, for instance `100ms`. */
                minDuration?: string;
                /** @description Only spans at most this long, for instance `2s`. */
                maxDuration?: string;
                /** @description Only spans with status error. */
                error?: boolean;
                /** @description `key=value` pairs separated by spaces, values with spaces in double quotes; matches span or resource attributes. */
                attributes?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResponse"];
                };
            };
            /** @description the query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    services: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Services"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    operations: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
            };
            header?: never;
            path: {
                /** @description `service.name` */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operations"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    structure: {
        parameters: {
            query?: {
                /** @description TraceQL; default `{}`. */
                q?: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Traces at most, the first in the order asked for; default 100, at most 200. */
                limit?: number;
                /** @description What comes first: `start` (the latest, default), `duration`, `spans` or `errors` (the most). */
                sort?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StructureResponse"];
                };
            };
            /** @description the query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    trace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceResponse"];
                };
            };
            /** @description not a trace id */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no spans of it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    traceLinks: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default an hour before the trace's start. */
                start?: number;
                /** @description End, Unix milliseconds; default 24 hours after the trace's start. */
                end?: number;
                /** @description Traces that link to this one at most; default 20, at most 100. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceLinksResponse"];
                };
            };
            /** @description not a trace id, or not a range */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no spans of it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    traceLogs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceLogsResponse"];
                };
            };
            /** @description not a trace id */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    traceMatches: {
        parameters: {
            query: {
                /** @description TraceQL, one filter: `{ span.http.response.status_code >= 500 }`. */
                q: string;
            };
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraceMatches"];
                };
            };
            /** @description not a trace id, or the query is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no spans of it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    traceOtlp: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OTLP/JSON `TracesData` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description not an id */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no spans of it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    traceSkeleton: {
        parameters: {
            query?: {
                /** @description To open a fold: its `fold.from`. */
                from?: number;
                /** @description To open a fold: its `fold.count`. */
                count?: number;
                /** @description To open a fold: `order` of the skeleton that it was seen in. */
                order?: string;
            };
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream of chunks, version 1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.causeline.trace-skeleton": number[];
                };
            };
            /** @description not a trace id, or no fold */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no spans of it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description the trace is no longer what the fold was seen in */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    spanSheets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SpanSheetsRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SpanSheetsResponse"];
                };
            };
            /** @description not an id, or too many */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description not sent as JSON */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    span: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
                /** @description 16 hexadecimal digits, any case */
                spanId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SpanDetailsResponse"];
                };
            };
            /** @description not an id */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no such span */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    spanValue: {
        parameters: {
            query: {
                /** @description The path of the value, as details of spans name it. */
                path: string;
                /** @description Which of the spans that share the id; default 0. */
                twin?: number;
                /** @description Where the part begins, in bytes; default 0. Inside of a character, that counts wholly. */
                offset?: number;
                /** @description Bytes at most; default 65536, at most 1048576. */
                length?: number;
            };
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
                /** @description 16 hexadecimal digits, any case */
                spanId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SpanValuePart"];
                };
            };
            /** @description not an id, or a part beyond the limit */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no such span or value */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    traceUsual: {
        parameters: {
            query?: {
                /** @description Start, Unix milliseconds; default 24 hours before the end. The hour that it lies in counts. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
            };
            header?: never;
            path: {
                /** @description 16 or 32 hexadecimal digits, any case */
                traceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsualResponse"];
                };
            };
            /** @description not a trace id, or not a range */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description no spans of it */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    why: {
        parameters: {
            query?: {
                /** @description TraceQL, a search or metrics; default `{}`. */
                q?: string;
                /** @description Start, Unix milliseconds; default an hour before the end. */
                start?: number;
                /** @description End, Unix milliseconds; default now. */
                end?: number;
                /** @description Whether to answer the question too, and to tell what that cost; default true. */
                run?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Why"];
                };
            };
            /** @description the query or a parameter is wrong */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description a limit was reached */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description try again */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
}
