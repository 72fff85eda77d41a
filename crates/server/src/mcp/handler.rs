//! What the protocol asks of a server, answered from the tables of tools and documents.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use crate::mcp::documents;
use crate::mcp::tools::{self, Tool};
use crate::state::App;

/// What an assistant is told of the tools as a whole.
const INSTRUCTIONS: &str = "Causeline keeps distributed traces. Begin with `services` or `red-summary`, \
    find traces with `traceql-search` or count with `traceql-metrics-instant`, and look into one with `trace-summary`. `compare` says in what two cohorts of spans differ, \
    `trace-diff` why one trace took longer than another, `why` why a query finds nothing. `docs-traceql` explains the language. \
    Times are RFC 3339, Unix seconds, or so long ago as `30m`; without them the last hour is meant.";

/// Answers for one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handler {
    app: App,
}

impl Handler {
    pub(crate) fn new(app: App) -> Self {
        Self { app }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        let name = Implementation::new("causeline", self.app.version).with_title("Causeline");
        ServerConfig::new(capabilities)
            .with_server_info(name)
            .with_instructions(INSTRUCTIONS)
    }

    /// Nothing follows from it.
    async fn on_initialized(&self, _: NotificationContext<RoleServer>) {}

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = tools::ALL.iter().map(Tool::described);
        let tools = tools.collect::<Result<_, _>>();
        tools
            .map(ListToolsResult::with_all_items)
            .map_err(|why| ErrorData::internal_error(why, None))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::ALL.iter().find(|tool| tool.name == request.name) else {
            let names: Vec<&str> = tools::ALL.iter().map(|tool| tool.name).collect();
            let message = format!("there is no such tool; there are {}", names.join(", "));
            return Err(ErrorData::invalid_params(message, None));
        };
        let arguments = request.arguments.unwrap_or_default();
        let answer = (tool.ask)(self.app.clone(), arguments);
        // Whoever left waits for nothing.
        Ok(match context.ct.run_until_cancelled(answer).await {
            None => return Err(ErrorData::internal_error("the request was cancelled", None)),
            Some(Ok(text)) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Some(Err(error)) => {
                error.log();
                CallToolResult::error(vec![ContentBlock::text(error.placed_text())])
            }
        }
        .into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(documents::all()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let Some(contents) = documents::contents(&request.uri) else {
            let message = "there is no such resource; resources/list names those that there are";
            return Err(ErrorData::resource_not_found(message, None));
        };
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
