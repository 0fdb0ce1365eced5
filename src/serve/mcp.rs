//! The Model Context Protocol on standard input and output: one JSON message a line.
//!
//! Calls are done on threads of their own, a few at once; the others wait. A call that its client cancels is stopped, and
//! when the client goes, all are. Nothing else is written to standard output.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as ToolModel, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServiceExt as _};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

use super::{Answer, Call, CallError, Desk, Effect, TOOLS, Tool};
use crate::sandbox::Stop;

/// How often it is looked whether the server is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long runs may take to end when the client has gone.
const FAREWELL: Duration = Duration::from_secs(20);

/// What clients tell their models about the server.
const INSTRUCTIONS: &str = "vetrun judges generated code before it runs, and runs what passes in a sandbox. Vet code with \
                            vet_code before you write or run it; where it is blocked, mend what is named and vet it again. \
                            Do not work around a block: tell the user.";

/// Why a server ended before its client did.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The runtime could not be started.
    #[error("the server could not be started")]
    Start(#[from] std::io::Error),
    /// What came first was no greeting of the protocol.
    #[error("the client did not begin as the Model Context Protocol asks: {0}")]
    Greeting(String),
    /// The server's own task failed.
    #[error("the server failed: {0}")]
    Failed(String),
}

/// Serves one client on standard input and output until it closes them, or `stop` is raised; `at_once` calls are done at a
/// time.
///
/// # Errors
/// [`ServeError`] when the server could not be started, or the client does not speak the protocol.
pub fn serve(desk: Arc<dyn Desk>, at_once: u16, stop: &Stop) -> Result<(), ServeError> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let turns = Arc::new(Semaphore::new(usize::from(at_once)));
    let running = Running::default();
    let server = Server { desk, turns: Arc::clone(&turns), running: running.clone() };
    let served = runtime.block_on(async {
        let session = async {
            let service = server.serve(rmcp::transport::stdio()).await;
            let service = service.map_err(|error| ServeError::Greeting(error.to_string()))?;
            service.waiting().await.map(drop).map_err(|error| ServeError::Failed(error.to_string()))
        };
        let served = tokio::select! {
            served = session => served,
            () = raised(stop) => Ok(()),
        };
        running.stop();
        // Every turn is free when no call is being done any more.
        let _ended = tokio::time::timeout(FAREWELL, turns.acquire_many(u32::from(at_once))).await;
        served
    });
    // A read of standard input that waits cannot be ended.
    runtime.shutdown_background();
    served
}

async fn raised(stop: &Stop) {
    while !stop.is_raised() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The calls that are being done, each with what stops it.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<Standing>>);

#[derive(Default)]
struct Standing {
    stops: Vec<Stop>,
    ended: bool,
}

impl Running {
    /// What stops a call that begins now.
    fn begin(&self) -> Stop {
        let stop = Stop::default();
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of calls that are over nobody else holds the flag.
        standing.stops.retain(|stop| Arc::strong_count(&stop.flag()) > 2);
        standing.stops.push(stop.clone());
        if standing.ended {
            stop.raise();
        }
        stop
    }

    /// Stops all calls, and those that begin later.
    fn stop(&self) {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        standing.ended = true;
        standing.stops.iter().for_each(Stop::raise);
    }
}

struct Server {
    desk: Arc<dyn Desk>,
    turns: Arc<Semaphore>,
    running: Running,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let server = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(TOOLS.iter().map(model).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let call = match Call::read(&request.name, arguments) {
            Ok(call) => call,
            Err(error @ CallError::NoTool(_)) => return Err(ErrorData::invalid_params(error.to_string(), None)),
            // A model can mend its arguments where it is told.
            Err(error @ CallError::Arguments(..)) => return Ok(result(Answer::failure(error.to_string())).into()),
        };
        let turn = tokio::select! {
            turn = Arc::clone(&self.turns).acquire_owned() => turn,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
        };
        let turn = turn.map_err(|_| ErrorData::internal_error("the server is ending", None))?;
        let (desk, stop) = (Arc::clone(&self.desk), self.running.begin());
        let stopped = stop.clone();
        let mut work = tokio::task::spawn_blocking(move || {
            let answer = desk.answer(call, &stop);
            // Whoever holds all turns may close the desk.
            drop(desk);
            drop(turn);
            answer
        });
        let answer = tokio::select! {
            answer = &mut work => answer,
            () = context.ct.cancelled() => {
                stopped.raise();
                work.await
            }
        };
        let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(result(answer).into())
    }
}

fn result(answer: Answer) -> CallToolResult {
    let content = vec![ContentBlock::text(answer.text)];
    let mut result = if answer.failed { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = answer.data;
    result
}

/// A tool as the protocol describes it.
fn model(tool: &Tool) -> ToolModel {
    let runs = tool.effect == Effect::Runs;
    // A program in a sandbox leaves nothing behind, but packages may be fetched for it.
    let hints =
        ToolAnnotations::from_raw(Some(tool.title.to_owned()), Some(!runs), Some(false), Some(!runs), Some(runs));
    ToolModel::new(tool.name, tool.description, Arc::new((tool.arguments)()))
        .with_title(tool.title)
        .with_raw_output_schema(Arc::new((tool.answer)()))
        .with_annotations(hints)
}
